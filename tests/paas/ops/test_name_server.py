"""The name server that comes with the platform: it answers for the apps' domain, to the platform's own hand alone."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
import requests

from tests.paas.ops.installation import Installation, installation

pytestmark = [pytest.mark.docker, pytest.mark.slow]
NAME = "app1000001.plugins.example"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a domain of its own that is up."""
    with installation(tmp_path_factory.mktemp("names") / "home") as found:
        result = found.up(BERTH_APPS_DOMAIN="plugins.example")
        assert result.returncode == 0, result.stdout + result.stderr
        yield found


def ask(berth: Installation, name: str, type_: str, *, over: Any = dns.query.udp) -> dns.message.Message:
    query = dns.message.make_query(name, type_, flags=0)
    answer: dns.message.Message = over(
        query, "127.0.0.1", port=int(berth.environment["BERTH_DNS_LISTEN_PORT"]), timeout=5
    )
    return answer


def call(berth: Installation, method: str, path: str, *, key: str | None, **body: Any) -> requests.Response:
    url = f"http://127.0.0.1:{berth.environment['BERTH_DNS_API_PORT']}{path}"
    headers = {} if key is None else {"X-API-Key": key}
    return requests.request(method, url, headers=headers, timeout=10, **({"json": body} if body else {}))


def add(berth: Installation, name: str, address: str) -> None:
    record = {"name": f"{name}.", "type": "A", "ttl": 60, "changetype": "REPLACE", "records": [{"content": address}]}
    zone = "/api/v1/servers/localhost/zones/plugins.example."
    assert call(berth, "PATCH", zone, key=berth.secrets()["BERTH_DNS_API_KEY"], rrsets=[record]).status_code == 204


def values(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


@pytest.mark.parametrize("over", [dns.query.udp, dns.query.tcp])
def test_it_answers_for_the_apps_domain_with_authority(running: Installation, over: Any) -> None:
    answer = ask(running, "plugins.example", "NS", over=over)
    assert answer.flags & dns.flags.AA
    assert values(answer) == ["ns1.plugins.example."]
    assert values(ask(running, "ns1.plugins.example", "A", over=over)) == ["127.0.0.1"]
    assert values(ask(running, "plugins.example", "SOA"))[0].startswith("ns1.plugins.example. hostmaster.plugins.")


def test_a_name_that_is_not_there_yet_is_not_remembered_as_missing_for_long(running: Installation) -> None:
    answer = ask(running, "app1999999.plugins.example", "A")
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert [(rrset.rdtype, rrset.ttl) for rrset in answer.authority] == [(dns.rdatatype.SOA, 5)]


def test_it_answers_for_nothing_else(running: Installation) -> None:
    answer = ask(running, "example.org", "A")
    assert answer.rcode() == dns.rcode.REFUSED
    assert not answer.flags & (dns.flags.RA | dns.flags.AA)
    # Nobody gets a list of all names.
    assert ask(running, "plugins.example", "AXFR", over=dns.query.tcp).rcode() != dns.rcode.NOERROR


def test_a_record_that_the_api_makes_is_answered_at_once_and_its_serial_counts(running: Installation) -> None:
    before = values(ask(running, "plugins.example", "SOA"))
    # Asked before, so that a negative answer could be remembered.
    assert ask(running, NAME, "A").rcode() == dns.rcode.NXDOMAIN
    add(running, NAME, "192.0.2.7")
    assert values(ask(running, NAME, "A")) == ["192.0.2.7"]
    assert values(ask(running, "plugins.example", "SOA")) != before


@pytest.mark.parametrize("key", [None, "", "guessed"])
@pytest.mark.parametrize("path", ["/api/v1/servers/localhost/zones", "/", "/metrics"])
def test_its_api_and_its_statistics_are_for_who_has_the_key(running: Installation, path: str, key: str | None) -> None:
    assert call(running, "GET", path, key=key).status_code == 401


def test_where_it_is_started_as_root_it_goes_on_as_somebody_who_may_do_nothing(running: Installation) -> None:
    user = "pdns" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    place = Path(f"/proc/{running.processes()['dns']}")
    assert pwd.getpwuid(place.stat().st_uid).pw_name == user
    if os.geteuid() == 0:
        assert (place / "root").readlink() == running.home / "dns"


def test_what_it_holds_outlives_going_down_and_another_domain(berth: Installation) -> None:
    domain = {"BERTH_APPS_DOMAIN": "plugins.example"}
    assert berth.up(**domain).returncode == 0
    add(berth, NAME, "192.0.2.8")
    assert berth.run("down").returncode == 0
    assert berth.up(BERTH_APPS_DOMAIN="other.example").returncode == 0
    assert values(ask(berth, "ns1.other.example", "A")) == ["127.0.0.1"]
    assert values(ask(berth, NAME, "A")) == ["192.0.2.8"]
    os.kill(berth.processes()["dns"], 9)
    assert berth.run("down").returncode == 0
    # What a killed one leaves in its directory is not in the way of the next.
    assert berth.up(**domain).returncode == 0
    assert values(ask(berth, NAME, "A")) == ["192.0.2.8"]


def test_where_names_are_kept_elsewhere_none_is_started(berth: Installation) -> None:
    result = berth.up(BERTH_EMBEDDED_DNS="false")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "dns" not in berth.processes()
    assert "dig @" not in result.stdout
    assert "BERTH_DNS_API_KEY" not in berth.secrets()


def test_an_edge_that_listens_everywhere_is_asked_where_names_shall_point_unless_they_are_this_machines_own(
    tmp_path: Path,
) -> None:
    with installation(tmp_path / "home") as found:
        everywhere = {"BERTH_EDGE_ADDRESS": "0.0.0.0"}
        refused = found.up(BERTH_APPS_DOMAIN="plugins.example", **everywhere)
        assert refused.returncode == 1
        assert "zone plugins.example: its names would point nowhere" in refused.stderr
        assert "set BERTH_EDGE_PUBLIC_ADDRESSES" in refused.stderr
        assert found.processes() == {}
        result = found.up(BERTH_APPS_DOMAIN="apps.localhost", **everywhere)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "BERTH_EDGE_PUBLIC_ADDRESSES=127.0.0.1" in (found.home / "settings.env").read_text()
        assert "names point to 127.0.0.1" in found.manage("doctor")
