"""The zones of the embedded name server, made by PowerDNS's own tool: whole, once, and nobody's records lost."""

import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from provisioning.dns.embedded import ensure_zone
from provisioning.exceptions import OperatorError
from tests.name_servers.powerdns import PowerDns, running_powerdns
from tests.name_servers.server import zone_file

ZONE = "plugins.example"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PowerDns]:
    with running_powerdns(tmp_path, {"other.example": zone_file("other.example", "www A 192.0.2.1")}) as found:
        yield found


def test_a_zone_is_made_while_the_server_runs_and_answered_for_at_once(server: PowerDns) -> None:
    assert ensure_zone(server.directory, ZONE, address="127.0.0.1")
    assert server.values(ZONE, "NS") == ["ns1.plugins.example."]
    assert server.values("ns1.plugins.example", "A") == ["127.0.0.1"]
    assert server.values(ZONE, "SOA")[0].endswith(" 10800 3600 604800 5")
    assert server.values("www.other.example", "A") == ["192.0.2.1"]


def test_again_it_keeps_what_stands_in_the_zone_and_corrects_its_own_address(server: PowerDns) -> None:
    ensure_zone(server.directory, ZONE, address="127.0.0.1")
    pdnsutil(server.directory, "add-record", ZONE, "www", "A", "192.0.2.2")
    assert not ensure_zone(server.directory, ZONE, address="::1")
    assert server.values("www.plugins.example", "A") == ["192.0.2.2"]
    assert server.values("ns1.plugins.example", "AAAA") == ["::1"]
    assert server.values("ns1.plugins.example", "A") == []


def test_a_zone_that_was_left_half_made_is_completed(server: PowerDns) -> None:
    pdnsutil(server.directory, "create-zone", ZONE)
    pdnsutil(server.directory, "delete-rrset", ZONE, "@", "SOA")
    assert ensure_zone(server.directory, ZONE, address="127.0.0.1")
    assert len(server.values(ZONE, "SOA")) == 1


def test_without_its_database_it_says_who_must_do_what(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="run bin/up"):
        ensure_zone(tmp_path / "nowhere", ZONE, address="127.0.0.1")
    with pytest.raises(OperatorError, match="pdnsutil list-all-zones failed"):
        ensure_zone(tmp_path, ZONE, address="127.0.0.1")


@pytest.mark.parametrize("domain", ["", "two words.example", "-x.example", "a" * 64 + ".example", "b\nc.example"])
def test_a_domain_that_is_none_is_named_with_its_setting(settings: Any, domain: str) -> None:
    settings.APPS_DOMAIN = domain
    with pytest.raises(CommandError, match="BERTH_APPS_DOMAIN is"):
        call_command("dns_register", stdout=StringIO())


def test_where_names_are_kept_elsewhere_nothing_is_made(settings: Any) -> None:
    settings.EMBEDDED_DNS = False
    with pytest.raises(CommandError, match="BERTH_EMBEDDED_DNS is false"):
        call_command("dns_register", stdout=StringIO())


def test_a_name_server_that_runs_is_not_let_go(settings: Any) -> None:
    settings.EMBEDDED_DNS = True
    with pytest.raises(CommandError, match="BERTH_EMBEDDED_DNS is true: set it to false"):
        call_command("dns_unregister", stdout=StringIO())


def pdnsutil(directory: Path, *arguments: str) -> None:
    subprocess.run(["pdnsutil", f"--config-dir={directory}", *arguments], check=True, capture_output=True)
