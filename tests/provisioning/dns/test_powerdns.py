"""What the PowerDNS provider makes of answers that no PowerDNS gives when a test wants them."""

import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.dns.providers import powerdns
from provisioning.dns.providers.powerdns import PowerDns
from provisioning.dns.records import Change, RecordSet, record_set
from provisioning.exceptions import OperatorError, ProvisioningError, RateLimited, ServiceUnavailable
from tests.name_servers.faulty import FaultyServer, faulty_server, http_request
from tests.provisioning.certificates.making import Authority, key_pem, new_key

KEY = "the-key-that-nobody-may-see"
ZONE = "apps.example"


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def provider(server: FaultyServer, **values: str) -> PowerDns:
    return PowerDns({"url": server.url, "api_key": KEY} | values)


def failure_of(*parts: bytes) -> ProvisioningError:
    """What the provider raises when it lists a zone and is answered so."""
    with faulty_server(http_request, lambda _: iter(parts)) as server, pytest.raises(ProvisioningError) as failure:
        provider(server).list_records(ZONE)
    assert KEY not in str(failure.value)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 600
    return failure.value


@pytest.mark.parametrize(
    ("said", "expected"),
    [("17", 17), ("0", 1), ("999999", 3_600), ("soon", 1), ("-5", 1), ("9" * 5_000, 1), ("1e9", 1)],
)
def test_who_is_asked_to_wait_is_told_how_long(said: str, expected: int) -> None:
    failure = failure_of(http("429 Too Many Requests", b"{}", f"Retry-After: {said}"))

    assert isinstance(failure, RateLimited)
    assert failure.retry_after_s == expected


def test_who_is_asked_to_wait_without_a_time_waits_a_second() -> None:
    failure = failure_of(http("429 Too Many Requests"))

    assert isinstance(failure, RateLimited)
    assert failure.retry_after_s == 1


@pytest.mark.parametrize("status", ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "599 X"])
def test_a_server_in_trouble_is_tried_again(status: str) -> None:
    failure = failure_of(http(status, b"<html>\x1b[31m oh\r\nno </html>"))

    assert isinstance(failure, ServiceUnavailable)
    assert "oh no" in str(failure)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"\x00\xff\x00"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n{}"],
    ],
    ids=["nothing", "no HTTP", "half an answer", "no chunk", "too many headers"],
)
def test_an_answer_that_breaks_off_is_tried_again(parts: list[bytes]) -> None:
    assert isinstance(failure_of(*parts), ServiceUnavailable)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"null", b"[]", b"{}", b"1", b'"rrsets"', b'{"rrsets": 1}', b'{"rrsets": [1]}',
        b'{"rrsets": [{"name": "a.", "type": "A", "ttl": "x", "records": []}]}',
        b'{"rrsets": [{"name": "a.", "type": "A", "ttl": 1, "records": [1]}]}',
        b'{"rrsets": [{"name": "a.", "type": "A", "ttl": 1e999, "records": []}]}',
        b"[" * 100_000, b"\xff\xfe", b'{"rrsets": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda body: body[:20].decode(errors="replace"),
)  # fmt: skip
def test_what_is_no_listing_is_the_operators_to_mend(body: bytes) -> None:
    failure = failure_of(http("200 OK", body))

    assert isinstance(failure, OperatorError)
    assert "an operator must set `url`" in str(failure)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powerdns, "MAX_ANSWER_BYTES", 100_000)

    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        while True:
            yield b" " * 65_536

    with (
        faulty_server(http_request, lambda _: endless()) as server,
        pytest.raises(OperatorError, match="more than 100000 bytes"),
    ):
        provider(server).list_records(ZONE)


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b""],
    ids=["body", "header", "nothing"],
)
def test_an_answer_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch, beginning: bytes) -> None:
    monkeypatch.setattr(powerdns, "PATIENCE", 1)

    def dripping() -> Iterator[bytes]:
        yield beginning
        while True:
            yield b" "
            time.sleep(0.1)

    with (
        faulty_server(http_request, lambda _: dripping()) as server,
        pytest.raises(ServiceUnavailable, match="takes too long"),
    ):
        provider(server, timeout_s="1").list_records(ZONE)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(status: str) -> None:
    with faulty_server(http_request, lambda _: iter([http("200 OK", b"[]")])) as canary:
        failure = failure_of(http(status, b"", f"Location: {canary.url}/api/v1/servers/localhost/zones"))

    assert isinstance(failure, OperatorError)
    assert "set `url`" in str(failure)
    assert canary.received == []


def test_an_error_is_quoted_briefly_and_without_the_key() -> None:
    body = json.dumps({"error": f"no, {KEY}\r\n\x1b[2J" + "x" * 100_000}).encode()

    failure = failure_of(http("422 Unprocessable", body))

    assert isinstance(failure, OperatorError)
    assert "no, [secret]" in str(failure)


def test_the_key_stands_in_a_header_and_nothing_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"rrsets": []}).encode()
    with (
        faulty_server(http_request, lambda _: iter([http("200 OK", body, "Set-Cookie: a=b")])) as server,
        faulty_server(http_request, lambda _: iter([http("200 OK", body)])) as proxy,
    ):
        monkeypatch.setenv("http_proxy", proxy.url)
        asked = provider(server)
        asked.list_records(ZONE)
        asked.list_records(ZONE, names=[f"*.x.{ZONE}", f"a&rrset_type=X#y.{ZONE}"])

    first, second = (request.decode() for request in server.received)
    assert first.startswith("GET /api/v1/servers/localhost/zones/apps.example. HTTP/1.1\r\n")
    assert f"X-API-Key: {KEY}\r\n" in first
    assert first.count(KEY) == 1
    assert second.split("\r\n")[0].split()[1].endswith(f"?rrset_name=%2A.x.{ZONE}.")
    assert "Authorization" not in first + second
    assert proxy.received == []


def test_a_certificate_that_nobody_vouches_for_gets_no_key_to_see(tmp_path: Path) -> None:
    authority, key = Authority(), new_key()
    (tmp_path / "server.pem").write_bytes(key_pem(key) + authority.issue("localhost", key=key))
    (tmp_path / "ca.pem").write_text(authority.root_pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem")
    trusted = {"ca_file": str(tmp_path / "ca.pem")}
    body = json.dumps([{"name": "ours.example.", "kind": "Native"}]).encode()

    with faulty_server(http_request, lambda _: iter([http("200 OK", body)]), tls=tls) as server:
        name, address = (f"https://{host}:{server.port}" for host in ("localhost", "127.0.0.1"))
        for values in ({"url": name}, {"url": address} | trusted):
            with pytest.raises(OperatorError, match=r"an operator must set `url`.*or `ca_file`"):
                provider(server, **values).zones()
        assert server.received == []
        assert provider(server, url=name, **trusted).zones() == ["ours.example"]


def test_headers_that_drip_are_cut_off_over_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powerdns, "PATIENCE", 1)
    authority, key = Authority(), new_key()
    (tmp_path / "server.pem").write_bytes(key_pem(key) + authority.issue("localhost", key=key))
    (tmp_path / "ca.pem").write_text(authority.root_pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem")

    def dripping() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nX-Slow: "
        while True:
            yield b" "
            time.sleep(0.1)

    with faulty_server(http_request, lambda _: dripping(), tls=tls) as server:
        url = f"https://localhost:{server.port}"
        asked = provider(server, url=url, ca_file=str(tmp_path / "ca.pem"), timeout_s="1")
        with pytest.raises(ServiceUnavailable, match="takes too long"):
            asked.list_records(ZONE)


@pytest.mark.parametrize("file", ["/etc/passwd", "/nobody/here.pem", "/etc"])
def test_a_file_without_certificates_is_refused(file: str) -> None:
    with pytest.raises(ValueError, match=r"^ca_file: not a file with certificates"):
        PowerDns({"url": "https://127.0.0.1", "api_key": KEY, "ca_file": file})


def test_what_is_disabled_is_neither_in_force_nor_free() -> None:
    rrset = {"name": f"a.{ZONE}.", "type": "A", "ttl": 60, "records": [{"content": "192.0.2.1", "disabled": True}]}
    body = json.dumps({"rrsets": [rrset]}).encode()
    with faulty_server(http_request, lambda _: iter([http("200 OK", body)])) as server:
        [found] = provider(server).list_records(ZONE)

    assert found == RecordSet(f"a.{ZONE}", "A", ("192.0.2.1 (disabled)",), 60)
    assert found != record_set(found.name, "A", ["192.0.2.1"], 60)


def test_a_server_that_overlooks_the_name_is_taken_at_the_name() -> None:
    rrsets = [
        {"name": f"{label}.{ZONE}.", "type": "A", "ttl": 60, "records": [{"content": "192.0.2.1"}]} for label in "ab"
    ]
    body = json.dumps({"rrsets": rrsets}).encode()
    with faulty_server(http_request, lambda _: iter([http("200 OK", body)])) as server:
        found = provider(server).list_records(ZONE, names=[f"a.{ZONE}", f"c.{ZONE}"])

    assert [record.name for record in found] == [f"a.{ZONE}"]


@pytest.mark.parametrize("kind", ["Slave", "Secondary", "Consumer"])
def test_a_copied_zone_is_not_one_to_write_to(kind: str) -> None:
    zones = [{"name": "copied.example.", "kind": kind}, {"name": "OURS.example.", "kind": "Native"}]
    with faulty_server(http_request, lambda _: iter([http("200 OK", json.dumps(zones).encode())])) as server:
        assert provider(server).zones() == ["ours.example"]


def test_a_write_that_stumbles_over_another_looks_again_and_is_tried_so_many_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(powerdns, "STUMBLE_WAITS_S", (0.001, 0.001))
    listing = http("200 OK", json.dumps({"rrsets": []}).encode())

    def answer(request: bytes) -> Iterator[bytes]:
        yield listing if request.startswith(b"GET") else http("500 Internal Server Error")

    with faulty_server(http_request, answer) as server, pytest.raises(ServiceUnavailable, match="answered 500"):
        provider(server).apply(ZONE, [Change(None, record_set(f"a.{ZONE}", "A", ["192.0.2.1"], 60))])
    assert [request.split()[0] for request in server.received] == [b"GET", b"PATCH"] * 3


def test_a_server_without_a_zone_is_the_operators_to_mend() -> None:
    with (
        faulty_server(http_request, lambda _: iter([http("200 OK", b"[]")])) as server,
        pytest.raises(OperatorError, match="an operator must make one"),
    ):
        provider(server).check()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1", "file:///etc/passwd", "127.0.0.1:8081", "http://", "http://u:p@127.0.0.1", "http://@127.0.0.1",
        "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1:x", "http://127.0.0.1/?a=b", "http://127.0.0.1/#a",
        "http://a b", "gopher://127.0.0.1", "http://[::1",
    ],
)  # fmt: skip
def test_a_url_that_is_more_than_a_place_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url: "):
        PowerDns({"url": url, "api_key": KEY})


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"^'token': there is no such setting, only api_key, ca_file, server_id, timeout_s, url$"
    ):
        PowerDns({"url": "http://127.0.0.1", "api_key": KEY, "token": "x"})


@pytest.mark.parametrize("value", ["0", "61", "-1", "1.5", "x", "9" * 30])
def test_a_timeout_has_its_bounds(value: str) -> None:
    with pytest.raises(ValueError, match=r"^timeout_s: a whole number from 1 to 60"):
        PowerDns({"url": "http://127.0.0.1", "api_key": KEY, "timeout_s": value})
