"""Where lookups begin, and whom else they ask, by the operator's settings."""

from pathlib import Path
from typing import Any

import pytest

from provisioning.dns.answers import Nameserver, Outcome
from provisioning.dns.resolution import (
    ROOTS,
    nameserver_from_text,
    resolution_from_settings,
    resolvers_from_settings,
)
from provisioning.exceptions import OperatorError
from tests.name_servers.bind import running_bind
from tests.name_servers.hierarchy import BIND, DOWN, KNOT, ROOT, Hierarchy
from tests.name_servers.hostile import Hostile, reply
from tests.name_servers.server import zone_file


def test_walks_begin_where_the_operator_says(hierarchy: Hierarchy, settings: Any) -> None:
    settings.DNS_ROOTS = [f"{ROOT}:{hierarchy.port}"]
    settings.DNS_PORT = hierarchy.port
    settings.DNS_ALLOW_PRIVATE = True
    assert resolution_from_settings().observe("www.example.test", "A").values == ("192.0.2.10", "192.0.2.11")


def test_a_zone_whose_servers_are_known_needs_no_walk(hierarchy: Hierarchy) -> None:
    nowhere = (Nameserver(name="root", address=DOWN, port=hierarchy.port),)
    known = {
        "example.test": (Nameserver(name="hidden", address=KNOT, port=hierarchy.port),),
        # The longest name is the zone's.
        "test": (Nameserver(name="wrong", address=DOWN, port=hierarchy.port),),
    }
    resolution = hierarchy.resolution(roots=nowhere, delegations=known)
    assert resolution.nameservers("www.example.test") == ("example.test", known["example.test"])
    assert resolution.observe("www.example.test", "AAAA").values == ("2001:db8::10",)
    assert "no server of test answers" in resolution.observe("www.other.test", "A").detail


def test_the_roots_are_those_of_the_internet_by_default(settings: Any) -> None:
    assert len({server.name for server in ROOTS}) == 13
    assert len({server.address for server in ROOTS}) == len(ROOTS) == 26
    assert settings.DNS_ROOTS == settings.DNS_RESOLVERS == []
    assert settings.DNS_ALLOW_PRIVATE is False
    assert resolvers_from_settings() == ()


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5300", "192.0.2.53", 5300),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:DB8::53]", "2001:db8::53", 53),
        ("[2001:db8::53]:5300", "2001:db8::53", 5300),
    ],
)
def test_an_address_may_have_a_port(text: str, address: str, port: int) -> None:
    assert nameserver_from_text(text) == Nameserver(name=address, address=address, port=port)


@pytest.mark.parametrize("text", ["ns1.example.com", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.256", "[::1", "x"])
def test_a_setting_that_is_no_address_is_named(text: str, settings: Any) -> None:
    settings.DNS_RESOLVERS = ["192.0.2.1", text]
    with pytest.raises(OperatorError, match=r"BERTH_DNS_RESOLVERS: .*the operator must set"):
        resolvers_from_settings()


def test_a_resolver_says_what_it_finds_at_the_end_of_a_chain(hierarchy: Hierarchy, tmp_path: Path) -> None:
    """A real one, with a cache; whether it is right is for who compares."""
    options = f"forward only; forwarders {{ {KNOT} port {hierarchy.port}; }};"
    with running_bind(tmp_path, {"local.test": zone_file("local.test")}, options=options, is_recursive=True) as running:
        resolver = Nameserver(name="chosen", address=running.address, port=running.port)
        alone = Nameserver(name="gone", address=BIND, port=running.port + 1)
        observation = hierarchy.resolution(timeout_s=5).ask([resolver, alone], "alias.example.test", "A")
    found, missing = observation.answers
    assert (found.outcome, found.cname, found.values) == (
        Outcome.ANSWER,
        "shop.other.test",
        ("192.0.2.10", "192.0.2.11"),
    )
    assert missing.outcome is Outcome.TIMEOUT


def test_a_server_that_knows_no_edns_is_asked_without(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = lambda query, _: [
        reply(query, rcode=1).to_wire()
        if query.edns >= 0
        else reply(query, "www.hostile.test. 60 IN A 192.0.2.66").to_wire()
    ]
    assert hierarchy.resolution().observe("www.hostile.test", "A").values == ("192.0.2.66",)


def test_a_packet_that_is_lost_is_sent_again(hierarchy: Hierarchy, hostile: Hostile) -> None:
    hostile.behave = lambda query, _: (
        [reply(query, "www.hostile.test. 60 IN A 192.0.2.66").to_wire()] if len(hostile.asked) % 2 == 0 else None
    )
    assert hierarchy.resolution(timeout_s=4).observe("www.hostile.test", "A").values == ("192.0.2.66",)
