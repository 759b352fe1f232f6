"""What the RFC 2136 provider makes of servers that refuse, and of answers that no server should give."""

import itertools
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from provisioning.dns.providers import tsig
from provisioning.dns.providers.rfc2136 import Rfc2136
from provisioning.dns.records import Change, record_set
from provisioning.exceptions import OperatorError, RecordsChanged, ServiceUnavailable
from tests.name_servers.bind import running_bind
from tests.name_servers.faulty import dns_message, faulty_server, framed
from tests.name_servers.server import NameServer, TsigKey, zone_file

ZONE, COPY = "apps.example", "copy.example"
RECORD = record_set(f"a.{ZONE}", "A", ["192.0.2.1"], 60)
KEY = TsigKey()


def values_of(server: NameServer, /, **values: str) -> dict[str, str]:
    return {
        "server": server.address, "port": str(server.port), "zones": ZONE, "key_name": server.key.name,
        "key_secret": server.key.secret,
    } | values  # fmt: skip


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    lines = ('split TXT "one " "two"', "odd A 192.0.2.9")
    with running_bind(tmp_path_factory.mktemp("bind"), {ZONE: zone_file(ZONE, *lines)}) as server:
        yield server


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"key_name": "nobody"}, "an operator must set `key_name` and `key_algorithm`"),
        ({"key_algorithm": "hmac-sha512"}, "an operator must set `key_name` and `key_algorithm`"),
        ({"key_secret": KEY.secret}, "an operator must set `key_secret`"),
        ({"zones": "nobodys.example"}, "an operator must make it there, or take it out of `zones`"),
    ],
)
def test_each_wrong_setting_is_told_by_its_name(bind: NameServer, values: dict[str, str], remedy: str) -> None:
    with pytest.raises(OperatorError, match=remedy):
        Rfc2136(values_of(bind, **values)).check()


def test_clocks_that_are_apart_are_told(bind: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    late = time.time() + 3_600
    monkeypatch.setattr(time, "time", lambda: late)

    with pytest.raises(OperatorError, match="an operator must set both clocks"):
        Rfc2136(values_of(bind)).apply(ZONE, [Change(None, RECORD)])


@pytest.mark.parametrize(
    ("denied", "call"),
    [
        ("allow-update", lambda provider: provider.apply(ZONE, [Change(None, RECORD)])),
        ("allow-update", lambda provider: provider.check()),
        ("allow-transfer", lambda provider: provider.list_records(ZONE)),
        ("allow-transfer", lambda provider: provider.check()),
    ],
    ids=["update", "update, by doctor", "transfer", "transfer, by doctor"],
)
def test_a_key_that_may_not_is_the_operators_to_mend(
    tmp_path: Path, denied: str, call: Callable[[Rfc2136], object]
) -> None:
    with running_bind(tmp_path, {ZONE: zone_file(ZONE)}, denied=denied) as server:
        with pytest.raises(OperatorError, match=f"an operator must let the key update and transfer zone {ZONE}"):
            call(Rfc2136(values_of(server)))
        assert server.values(RECORD.name, "A") == []


def test_zones_are_those_of_the_settings_that_answer(bind: NameServer) -> None:
    provider = Rfc2136(values_of(bind, zones=f"nobodys.example, {ZONE.upper()}., {ZONE}"))

    assert provider.zones() == [ZONE]


def test_a_text_in_several_strings_is_changed_and_removed_like_another(bind: NameServer) -> None:
    provider = Rfc2136(values_of(bind))
    [found] = provider.list_records(ZONE, names=[f"split.{ZONE}"])
    assert found.values == ("one two",)

    changed = record_set(found.name, "TXT", ["three"], 60)
    provider.apply(ZONE, [Change(found, changed)])

    assert provider.list_records(ZONE, names=[found.name]) == [changed]


def test_a_change_from_what_can_not_be_there_is_planned_again(bind: NameServer) -> None:
    provider = Rfc2136(values_of(bind))
    odd = type(RECORD)(f"odd.{ZONE}", "A", ("no address",), 60)

    with pytest.raises(RecordsChanged, match="plan again"):
        provider.apply(ZONE, [Change(odd, record_set(odd.name, "A", ["192.0.2.1"], 60))])
    assert bind.values(odd.name, "A") == ["192.0.2.9"]


def test_a_signed_zone_is_changed_like_another_and_its_signatures_are_nobodys(tmp_path: Path) -> None:
    lines = ("www A 192.0.2.80", "*.w A 192.0.2.81")
    with running_bind(tmp_path, {ZONE: zone_file(ZONE, *lines)}, options="dnssec-policy default;") as server:
        while not server.ask(ZONE, "DNSKEY").answer:
            time.sleep(0.02)
        provider = Rfc2136(values_of(server))
        alias = record_set(f"alias.{ZONE}", "CNAME", [f"www.{ZONE}"], 60)
        provider.apply(ZONE, [Change(None, RECORD), Change(None, alias)])

        names = [RECORD.name, alias.name, f"www.{ZONE}", f"x.w.{ZONE}"]
        found = provider.list_records(ZONE, names=names)
        whole = provider.list_records(ZONE)

        assert [record.type for record in found] == ["A", "CNAME", "A"]
        assert sorted(found) == sorted(record for record in whole if record.name in names)
        assert {"RRSIG", "NSEC", "NSEC3"}.isdisjoint(record.type for record in whole)
        provider.apply(ZONE, [Change(RECORD, None), Change(alias, None)])
        assert provider.list_records(ZONE, names=[RECORD.name, alias.name]) == []


def test_a_message_that_is_too_large_is_refused(bind: NameServer) -> None:
    provider = Rfc2136(values_of(bind))
    large = record_set(f"large.{ZONE}", "TXT", [f"{number:04}{'x' * 250}" for number in range(300)], 60)

    with pytest.raises(OperatorError, match="must split it"):
        provider.apply(ZONE, [Change(None, large)])
    assert bind.values(large.name, "TXT") == []


def unsigned(rcode: dns.rcode.Rcode, **sections: list[dns.rrset.RRset]) -> Callable[[bytes], Iterator[bytes]]:
    """Answers that anybody could give who stands in between."""

    def answer(wire: bytes) -> Iterator[bytes]:
        response = dns.message.make_response(dns.message.from_wire(wire, keyring=False))
        response.flags |= dns.flags.AA
        response.set_rcode(rcode)
        response.answer = sections.get("answer", [])
        yield framed(response.to_wire())

    return answer


def provider_at(port: int, **values: str) -> Rfc2136:
    place = {"server": "127.0.0.1", "port": str(port), "zones": ZONE, "key_name": "k", "key_secret": KEY.secret}
    return Rfc2136(place | values)


CALLS: dict[str, Callable[[Rfc2136], object]] = {
    "zones": lambda provider: provider.zones(),
    "list": lambda provider: provider.list_records(ZONE),
    "apply": lambda provider: provider.apply(ZONE, [Change(None, RECORD)]),
    "check": lambda provider: provider.check(),
}
SOA = dns.rrset.from_text(f"{ZONE}.", 60, "IN", "SOA", f"ns1.{ZONE}. h.{ZONE}. 1 2 3 4 5")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_not_signed_is_not_believed(call: Callable[[Rfc2136], object]) -> None:
    answer = unsigned(dns.rcode.NOERROR, answer=[SOA, dns.rrset.from_text(f"a.{ZONE}.", 60, "IN", "A", "6.6.6.6"), SOA])
    with faulty_server(dns_message, answer) as server, pytest.raises(OperatorError, match="an operator must mend"):
        call(provider_at(server.port))


def test_a_prerequisite_that_nobody_signed_is_not_believed() -> None:
    with (
        faulty_server(dns_message, unsigned(dns.rcode.YXRRSET)) as server,
        pytest.raises(OperatorError, match="answered YXRRSET while changing"),
    ):
        provider_at(server.port).apply(ZONE, [Change(None, RECORD)])


@pytest.mark.parametrize(
    ("rcode", "error", "remedy"),
    [
        (dns.rcode.SERVFAIL, ServiceUnavailable, "Berth tries again"),
        (dns.rcode.REFUSED, OperatorError, "an operator must let the key"),
        (dns.rcode.NOTAUTH, OperatorError, "an operator must make the zone there, or set `key_name`"),
        (dns.rcode.NOTZONE, OperatorError, "an operator must look at `zones`"),
        (dns.rcode.NOTIMP, OperatorError, "an operator must set `server`"),
        (dns.rcode.FORMERR, OperatorError, "an operator must look at its log"),
    ],
)
def test_each_refusal_says_who_must_do_what(rcode: dns.rcode.Rcode, error: type[Exception], remedy: str) -> None:
    with faulty_server(dns_message, unsigned(rcode)) as server:
        for call in (CALLS["apply"], CALLS["list"]):
            with pytest.raises(error, match=remedy):
                call(provider_at(server.port))


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x00", b"\x00\x05ab", framed(b""), framed(b"\x00" * 5), framed(b"\xff" * 40), b"HTTP/1.1 400 Bad\r\n\r\n"],
    ids=["nothing", "one byte", "half", "empty", "short", "noise", "another protocol"],
)
@pytest.mark.parametrize("call", [CALLS["apply"], CALLS["list"]], ids=["apply", "list"])
def test_an_answer_that_is_none_is_an_error_and_no_crash(answer: bytes, call: Callable[[Rfc2136], object]) -> None:
    with (
        faulty_server(dns_message, lambda _: iter([answer])) as server,
        pytest.raises((OperatorError, ServiceUnavailable), match="an operator"),
    ):
        call(provider_at(server.port))


def test_an_answer_that_drips_is_cut_off() -> None:
    def dripping(request: bytes) -> Iterator[bytes]:
        yield struct.pack("!H", 60_000)
        for _ in itertools.count():
            yield b"\x00"
            time.sleep(0.1)

    with faulty_server(dns_message, dripping) as server, pytest.raises(ServiceUnavailable, match="TimeoutError"):
        provider_at(server.port, timeout_s="1").apply(ZONE, [Change(None, RECORD)])


def test_a_transfer_without_end_is_cut_off(bind: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsig, "MAX_TRANSFER_BYTES", 200)

    with pytest.raises(OperatorError, match="more than 200 bytes while listing"):
        Rfc2136(values_of(bind)).list_records(ZONE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server", "a b"), ("server", "http://x"), ("server", "x;y"), ("port", "0"),
        ("port", "65536"), ("port", "dns"), ("zones", ","), ("zones", "a..b"), ("zones", "a b"), ("key_name", "a..b"),
        ("key_algorithm", "hmac-md5"), ("key_algorithm", "x"), ("key_secret", "not base64!"), ("key_secret", "===="),
    ],
)  # fmt: skip
def test_an_odd_setting_is_told_by_its_name_and_the_secret_is_not_quoted(
    bind: NameServer, name: str, value: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name}: ") as refusal:
        Rfc2136(values_of(bind, **{name: value}))
    if name == "key_secret":
        assert value not in str(refusal.value)


@pytest.mark.parametrize("server", ["127.0.0.1", "localhost"])
def test_a_server_is_given_by_address_or_name(bind: NameServer, server: str) -> None:
    Rfc2136(values_of(bind, server=server)).check()


@pytest.mark.parametrize("algorithm", ["hmac-sha224", "HMAC-SHA256.", "hmac-sha384", "hmac-sha512"])
def test_each_algorithm_works(tmp_path: Path, algorithm: str) -> None:
    key = TsigKey(algorithm=algorithm.lower().removesuffix("."))
    with ExitStack() as stack:
        server = stack.enter_context(running_bind(tmp_path, {ZONE: zone_file(ZONE)}, key=key))
        provider = Rfc2136(values_of(server, key_algorithm=algorithm))
        provider.check()
        provider.apply(ZONE, [Change(None, RECORD)])
        assert server.values(RECORD.name, "A") == ["192.0.2.1"]
