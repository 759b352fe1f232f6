"""E4 and E9 over TLS: the name of the handshake and the name of the request are one, and nobody else's is served."""

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from provisioning.edge.rendering.sites import STATUS_HOSTNAME, render_edge_main, render_edge_site
from provisioning.rendering.specs import SiteCertificate
from tests.attacks.edge.test_hostnames import EDGE, GOOD
from tests.provisioning.edge import tls
from tests.provisioning.edge.running import RunningEdge, Upstream, hostname

MINE, OTHER = hostname(1), hostname(2)
CUSTOM = "plugin.customer.example"
Start = Callable[..., Upstream]


@pytest.fixture(scope="module")
def served() -> Iterator[RunningEdge]:
    """Two apps under the zone's certificate, and a third under one of its own."""
    mine, other, custom = upstreams = [Upstream(name) for name in ("mine", "other", "custom")]
    with tls.tls_edge() as edge:
        group = SiteCertificate(hostnames=(CUSTOM,), file=edge.edge.store(tls.stored(CUSTOM)))
        edge.edge.apply(
            {
                **tls.tls_site(mine),
                **tls.tls_site(other, number=2),
                **tls.tls_site(custom, number=3, hostnames=(CUSTOM,), certificates=(group,)),
            }
        )
        yield edge
    for one in upstreams:
        one.end()


@pytest.mark.parametrize(
    "name",
    [
        f"app1000009.{tls.DOMAIN}",
        tls.DOMAIN,
        f"x.{MINE}",
        f"{MINE}.evil.example",
        "unknown.example",
        STATUS_HOSTNAME,
        "localhost",
        "a" * 63 + ".test",
    ],
)
def test_handshake_for_a_name_that_nobody_has_is_refused(served: RunningEdge, name: str) -> None:
    made = tls.context(check_hostname=False)
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        tls.connect(served, name, made)


def test_whoever_names_no_host_is_served_nothing(served: RunningEdge) -> None:
    for host in (MINE, CUSTOM, "unknown.example", STATUS_HOSTNAME, "127.0.0.1"):
        answer = tls.get(served, host, sni=None)
        assert (answer.status, answer.upstream) == (421, "")


@pytest.mark.parametrize(("sni", "upstream_name"), [(MINE, "mine"), (OTHER, "other"), (CUSTOM, "custom")])
@pytest.mark.parametrize("host", [MINE, OTHER, CUSTOM, "unknown.example", STATUS_HOSTNAME, f"x.{MINE}", "127.0.0.1"])
def test_request_for_another_name_than_the_handshakes_is_misdirected(
    served: RunningEdge, sni: str, upstream_name: str, host: str
) -> None:
    expected = (200, upstream_name) if host == sni else (421, "")
    answer = tls.get(served, host, "/headers", sni=sni)
    assert (answer.status, answer.upstream) == expected
    status, version, _body = tls.curl(served, sni, "-H", f"Host: {host}")
    assert (status, version) == (expected[0], "2")


def test_absolute_address_for_another_name_is_misdirected(served: RunningEdge) -> None:
    assert tls.get(served, MINE, f"https://{MINE}/").upstream == "mine"
    for target, host in ((f"https://{OTHER}/", MINE), (f"http://{OTHER}/", MINE)):
        answer = tls.get(served, host, target)
        assert (answer.status, answer.upstream) == (421, "")


@pytest.mark.parametrize(
    ("sni", "host"),
    [(MINE.upper(), MINE), (MINE, MINE.upper()), (MINE, f"{MINE}."), (MINE, f"{MINE}:8443"), (f"{MINE}.", MINE)],
)
def test_one_name_in_another_spelling_is_the_same(served: RunningEdge, sni: str, host: str) -> None:
    made = tls.context(check_hostname=False)
    with tls.connect(served, sni, made) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = b""
        while data := connection.recv(4096):
            head += data
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"X-Upstream-Name: mine" in head


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("neighbour", [OTHER, CUSTOM])
def test_session_with_one_name_is_no_way_to_another(
    served: RunningEdge, version: ssl.TLSVersion, neighbour: str
) -> None:
    made = tls.context(minimum_version=version, maximum_version=version)
    with tls.connect(served, MINE, made) as first:
        first.sendall(f"GET / HTTP/1.1\r\nHost: {MINE}\r\nConnection: close\r\n\r\n".encode())
        assert b"200" in first.recv(4096)
        session = first.session
    # A client that doesn't care; the edge does.
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    for host in (MINE, neighbour):
        with tls.connect(served, neighbour, made, session=session) as second:
            # In TLS 1.2 the name of the session counts, in TLS 1.3 that of the handshake: the other is misdirected.
            counts = MINE if version == ssl.TLSVersion.TLSv1_2 and second.session_reused else neighbour
            second.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while data := second.recv(4096):
                answer += data
        assert answer.startswith(b"HTTP/1.1 200 " if host == counts else b"HTTP/1.1 421 ")
        assert (b"X-Upstream-Name: mine" in answer) is (host == counts == MINE)


def test_misdirected_requests_would_be_served_if_nothing_looked(upstream: Start) -> None:
    """The control: a request for a neighbour is answered over a connection that was made for another name."""
    with tls.tls_edge() as soft:
        main = soft.home / "nginx.conf"
        main.write_text(main.read_text().replace("default 1;", 'default "";'))
        soft.edge.apply({**tls.tls_site(upstream("mine")), **tls.tls_site(upstream("other"), number=2)})
        assert tls.get(soft, OTHER, sni=MINE).upstream == "other"
        assert tls.curl(soft, MINE, "-H", f"Host: {OTHER}")[0] == 200


def test_client_cannot_negotiate_again(served: RunningEdge) -> None:
    """In TLS 1.2 each would cost the edge a full handshake."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{served.tls_port}", "-servername", MINE, "-tls1_2"],
        input="R\n", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "RENEGOTIATING" in result.stderr
    assert "no renegotiation" in result.stderr


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + b"\0" * 70_000, b"\0" * 100, b"SSH-2\n"]
)
def test_what_is_no_handshake_ends_and_harms_nobody(served: RunningEdge, sent: bytes) -> None:
    address = ("127.0.0.1", served.tls_port)
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    assert tls.get(served, MINE).upstream == "mine"


@pytest.mark.parametrize(
    "path", ["/", "//evil.example/", "/%0d%0aSet-Cookie:x", "/\\evil.example", "/?x=https://evil.example"]
)
def test_redirect_leads_nowhere_but_to_the_same_name(upstream: Start, path: str) -> None:
    with tls.tls_edge(is_https_enforced=True) as edge:
        edge.edge.apply(tls.tls_site(upstream("mine")))
        answer = edge.get(MINE, path, **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
        assert (answer.status, answer.headers["location"]) == (308, f"https://{MINE}:{edge.tls_port}{path}")
        assert "set-cookie" not in answer.headers
        for proof in (
            "/.well-known/acme-challenge/t",
            "/x/../.well-known/acme-challenge/t",
            "/.well-known/%61cme-challenge/t",
        ):
            assert edge.get(MINE, proof).status == 404
        # Only what is below that path.
        assert edge.get(MINE, "/x?/.well-known/acme-challenge/t").status == 308


@pytest.mark.parametrize(
    "file",
    [
        "../../etc/ssl/private/key.pem",
        "/etc/passwd",
        "a.pem; }",
        "$ssl_server_name.pem",
        "data:$arg_key",
        "engine:x:y",
        "a-0123456789abcdef.pem\n",
        "a b-0123456789abcdef.pem",
        "..-0123456789abcdef.pem",
    ],
)
def test_file_of_a_certificate_is_nothing_but_one(file: str) -> None:
    with pytest.raises(ValueError, match=r"^certificates: "):
        render_edge_site(replace(GOOD, certificates=(SiteCertificate(hostnames=GOOD.hostnames, file=file),)))
    with pytest.raises(ValueError, match=r"^zone_certificate: "):
        render_edge_main(replace(EDGE, zone_certificate=file, tls_port=8443))


@pytest.mark.parametrize(
    "groups",
    [
        (SiteCertificate(hostnames=()),),
        (SiteCertificate(hostnames=("other.example",)),),
        (SiteCertificate(hostnames=GOOD.hostnames), SiteCertificate(hostnames=GOOD.hostnames)),
        (SiteCertificate(hostnames=GOOD.hostnames * 2),),
    ],
)
def test_certificates_are_for_the_sites_own_names_once(groups: tuple[SiteCertificate, ...]) -> None:
    with pytest.raises(ValueError, match=r"^certificates: "):
        render_edge_site(replace(GOOD, certificates=groups))


@pytest.mark.parametrize("port", [-1, 65_536, 8080, "8443", True])
def test_port_for_tls_is_a_port_of_its_own(port: object) -> None:
    with pytest.raises(ValueError, match=r"^tls_port: "):
        render_edge_main(replace(EDGE, tls_port=port))  # type: ignore[arg-type]
