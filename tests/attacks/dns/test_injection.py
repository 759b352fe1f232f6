"""F15: records that are more than records, sent through the providers to real servers. Everything else in the zone must
be there afterwards as it was."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest
import requests

from provisioning.dns.protocol import Provider
from provisioning.dns.providers.powerdns import PowerDns
from provisioning.dns.providers.rfc2136 import Rfc2136
from provisioning.dns.records import Change, RecordSet, record_set
from provisioning.exceptions import OperatorError, RecordsChanged
from tests.name_servers.bind import running_bind
from tests.name_servers.powerdns import PowerDns as RunningPowerDns
from tests.name_servers.powerdns import running_powerdns
from tests.name_servers.server import NameServer, zone_file

ZONE = "apps.example"
OTHERS = ("@ MX 10 mail", "mail A 192.0.2.25", "www A 192.0.2.80", 'www TXT "not Berth\'s"', "sub NS ns.example.net.")
# What would be a second record, a second string, a directive or a comment where text is pasted into text.
TEXTS = [
    '" "6.6.6.6',
    '"\\" IN A 6.6.6.6',
    'x" ) IN TXT ( "y',
    "a ; b",
    "; comment",
    "$INCLUDE /etc/passwd",
    "$ORIGIN evil.example.",
    "@ IN NS evil.example.",
    "\\",
    "\\\\",
    '\\"',
    "\\000",
    "\\010evil",
    "*",
    "@",
    " leading and trailing ",
    '{"content": "6.6.6.6"}',
    "'; DROP TABLE records; --",
]
NOT_ONE_TEXT = ["a\nb", "a\r\nwww A 6.6.6.6", "a\x00b", "a\tb", "\x1b[31m", "x" * 256, "x" * 4096, "ü", "", "\u202etxt"]
NOT_NAMES = [
    "@", "", ".", "..", "a..apps.example", "a b.apps.example", "a;b.apps.example", "a\nb.apps.example",
    "a\x00b.apps.example", 'a"b.apps.example', "a\\.apps.example", "a\\046b.apps.example", "*x.apps.example",
    "a.*.apps.example", "*.*.apps.example", "-a.apps.example", "a-.apps.example", f"{'a' * 64}.apps.example",
    f"{'a.' * 130}apps.example", "../zones.apps.example", "a/b.apps.example", "a%2fb.apps.example", "$a.apps.example",
    "(a.apps.example", "ä.apps.example", "\u0430pps.apps.example", "WWW.apps.example", "www.apps.example.",
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    server: NameServer
    provider: Provider

    def everything(self) -> list[RecordSet]:
        """The whole zone but its SOA, whose serial counts what was changed."""
        return sorted(record for record in self.provider.list_records(ZONE) if record.type != "SOA")


@pytest.fixture(scope="module", params=["bind", "powerdns"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    zones, directory = {ZONE: zone_file(ZONE, *OTHERS)}, tmp_path_factory.mktemp("dns")
    with ExitStack() as stack:
        if request.param == "powerdns":
            powerdns = stack.enter_context(running_powerdns(directory, zones))
            yield Target(powerdns, PowerDns({"url": powerdns.url, "api_key": powerdns.api_key}))
            return
        bind = stack.enter_context(running_bind(directory, zones))
        values = {
            "server": bind.address,
            "port": str(bind.port),
            "zones": ZONE,
            "key_name": bind.key.name,
            "key_secret": bind.key.secret,
        }
        yield Target(bind, Rfc2136(values))


@pytest.fixture
def before(target: Target) -> Iterator[list[RecordSet]]:
    """All that is in the zone; when the test has ended, it must be the same."""
    found = target.everything()
    yield found
    assert target.everything() == found


@pytest.mark.parametrize("text", TEXTS)
def test_f15_a_text_stays_one_text(target: Target, before: list[RecordSet], text: str) -> None:
    record = record_set(f"text.{ZONE}", "TXT", [text], 60)

    target.provider.ensure_record(ZONE, record)

    assert target.everything() == sorted([*before, record])
    [published] = target.server.ask(record.name, "TXT").answer
    [rdata] = published
    assert rdata.strings == (text.encode(),)
    target.provider.remove_record(ZONE, record)


@pytest.mark.parametrize("text", NOT_ONE_TEXT)
def test_f15_what_is_no_text_is_refused_and_nothing_is_sent(target: Target, before: list[RecordSet], text: str) -> None:
    name = f"text.{ZONE}"
    with pytest.raises(ValueError, match="values"):
        record_set(name, "TXT", [text], 60)

    # Whoever forgets to check it is held by the provider.
    calls = target.provider.calls
    with pytest.raises(OperatorError, match="values"):
        target.provider.apply(ZONE, [Change(None, RecordSet(name, "TXT", (text,), 60))])
    assert target.provider.calls == calls


@pytest.mark.parametrize("name", NOT_NAMES)
def test_f15_what_is_no_name_is_refused_and_nothing_is_sent(target: Target, before: list[RecordSet], name: str) -> None:
    unchecked = RecordSet(name, "A", ("192.0.2.1",), 60)
    calls = target.provider.calls
    for change in (Change(None, unchecked), Change(unchecked, None), Change(unchecked, unchecked)):
        with pytest.raises(OperatorError):
            target.provider.apply(ZONE, [change])
    for call in (target.provider.ensure_record, target.provider.remove_record):
        with pytest.raises(OperatorError):
            call(ZONE, unchecked)
    assert target.provider.calls == calls


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("A", "192.0.2.1 6.6.6.6"),
        ("A", "192.0.2.1\nwww A 6.6.6.6"),
        ("A", "2130706433"),
        ("A", "::1"),
        ("AAAA", "192.0.2.1"),
        ("AAAA", "fe80::1%eth0"),
        ("CNAME", "evil.example. ; x"),
        ("CNAME", "evil.example\n@ NS evil.example"),
        ("CNAME", "a b.example"),
        ("CNAME", "."),
        ("CNAME", ""),
    ],
)
def test_f15_a_value_that_is_more_is_refused_and_nothing_is_sent(
    target: Target, before: list[RecordSet], type_: str, value: str
) -> None:
    calls = target.provider.calls
    with pytest.raises(OperatorError):
        target.provider.apply(ZONE, [Change(None, RecordSet(f"value.{ZONE}", type_, (value,), 60))])
    assert target.provider.calls == calls


@pytest.mark.parametrize(
    "record",
    [
        RecordSet(ZONE, "NS", ("evil.example.net.",), 60),
        RecordSet(f"sub.{ZONE}", "NS", ("evil.example.net.",), 60),
        RecordSet(ZONE, "SOA", (f"ns1.{ZONE}. evil.example.net. 99 1 1 1 1",), 60),
        RecordSet(ZONE, "MX", ("0 evil.example.net.",), 60),
        RecordSet(ZONE, "CAA", ('0 issue "evil.example.net"',), 60),
        RecordSet(ZONE, "DNAME", ("evil.example.net.",), 60),
        RecordSet(ZONE, "CNAME", ("evil.example.net",), 60),
        RecordSet(ZONE, "ANY", ("x",), 60),
        RecordSet(ZONE, "TXT\nNS", ("x",), 60),
    ],
    ids=lambda record: record.type,
)
def test_f15_what_a_zone_lives_by_is_never_changed(target: Target, before: list[RecordSet], record: RecordSet) -> None:
    there = next((found for found in before if found.key == record.key), None)
    calls = target.provider.calls
    for change in (Change(None, record), Change(there, record)):
        with pytest.raises(OperatorError):
            target.provider.apply(ZONE, [change])
    with pytest.raises(OperatorError):
        target.provider.ensure_record(ZONE, record)
    if record.type != "CNAME":
        with pytest.raises(OperatorError):
            target.provider.remove_record(ZONE, record)
    assert target.provider.calls == calls


def test_f15_an_alias_beside_others_is_refused(target: Target, before: list[RecordSet]) -> None:
    for label in ("www", "sub"):
        alias = record_set(f"{label}.{ZONE}", "CNAME", ["evil.example.net"], 60)
        with pytest.raises(OperatorError, match="can't stand beside"):
            target.provider.apply(ZONE, [Change(None, alias)])


def test_f15_what_somebody_else_made_is_not_written_over(target: Target, before: list[RecordSet]) -> None:
    ours = record_set(f"www.{ZONE}", "A", ["192.0.2.66"], 60)
    for change in (Change(None, ours), Change(ours, None)):
        with pytest.raises(RecordsChanged):
            target.provider.apply(ZONE, [change])


@pytest.mark.parametrize(
    "zone", ["..", "../../zones", "", "apps.example./../other", "apps.example\n", "*.example/", "APPS.EXAMPLE"]
)
def test_f15_a_zone_that_is_more_than_a_name_is_asked_for_nowhere(
    target: Target, before: list[RecordSet], zone: str
) -> None:
    calls = target.provider.calls
    with pytest.raises(OperatorError):
        target.provider.list_records(zone)
    assert target.provider.calls == calls


def test_f15_control_the_servers_themselves_take_it(target: Target) -> None:
    """None of the servers would have refused: the credentials that Berth has may change all that a zone lives by."""
    if isinstance(target.provider, Rfc2136):
        update = dns.update.UpdateMessage(ZONE, keyring=_key(target.server))
        update.replace(f"{ZONE}.", 60, "MX", "0 evil.example.net.")
        answer = dns.query.tcp(update, target.server.address, port=target.server.port, timeout=10)
        assert answer.rcode() == dns.rcode.NOERROR
    else:
        assert isinstance(target.server, RunningPowerDns)
        rrset = {
            "name": f"{ZONE}.", "type": "MX", "ttl": 60, "changetype": "REPLACE",
            "records": [{"content": "0 evil.example.net.", "disabled": False}],
        }  # fmt: skip
        answered = requests.patch(
            f"{target.server.url}/api/v1/servers/localhost/zones/{ZONE}.",
            json={"rrsets": [rrset]}, headers={"X-API-Key": target.server.api_key}, timeout=10,
        )  # fmt: skip
        assert answered.status_code == 204
    assert target.server.values(ZONE, "MX") == ["0 evil.example.net."]


def _key(server: NameServer) -> dns.tsig.Key:
    return dns.tsig.Key(server.key.name, server.key.secret, server.key.algorithm)
