"""E4, E13 and the like: who answers for which name, and which of a client's headers a plugin may believe."""

import json
import socket
from collections.abc import Callable

import pytest

from provisioning.edge.rendering.sites import STATUS_HOSTNAME
from tests.provisioning.edge.running import RunningEdge, Upstream, hostname, running_edge, site

MINE, OTHER = hostname(1), hostname(2)
Start = Callable[..., Upstream]


@pytest.fixture
def served(edge: RunningEdge, upstream: Start) -> RunningEdge:
    """Two apps."""
    edge.edge.apply({**site(upstream("mine")), **site(upstream("other"), number=2)})
    return edge


@pytest.mark.parametrize(
    "request_head",
    [
        "GET / HTTP/1.1\r\nHost: unknown.example\r\n",
        "GET / HTTP/1.1\r\nHost: apps.localhost\r\n",
        f"GET / HTTP/1.1\r\nHost: x.{MINE}\r\n",
        f"GET / HTTP/1.1\r\nHost: {MINE}.evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost: a/../b\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.0\r\nHost: unknown.example\r\n",
        f"GET http://unknown.example/ HTTP/1.1\r\nHost: {MINE}\r\n",
        f"GET /.well-known/acme-challenge/x HTTP/1.0\r\nX-Host: {MINE}\r\n",
        "GET /../../etc/passwd HTTP/1.0\r\n",
        "NONSENSE\r\n",
    ],
)
def test_name_that_nobody_has_is_nothing_of_anyones(served: RunningEdge, request_head: str) -> None:
    answer = served.send(f"{request_head}Connection: close\r\n\r\n".encode())
    assert (answer.status, answer.upstream) == (404, "")
    assert answer.body == "Nothing is served under this name.\n"


@pytest.mark.parametrize(
    "request_head",
    [
        f"GET /headers HTTP/1.1\r\nHost: {MINE}\r\n",
        f"GET /headers HTTP/1.1\r\nHost: {MINE.upper()}\r\n",
        f"GET /headers HTTP/1.1\r\nHost: {MINE}:8080\r\n",
        f"GET /headers HTTP/1.1\r\nHost: {MINE}.\r\n",
        f"GET /headers HTTP/1.0\r\nHost: {MINE}\r\n",
        f"GET http://{MINE}/headers HTTP/1.1\r\nHost: {OTHER}\r\n",
        f"GET http://{MINE.upper()}:99/headers HTTP/1.1\r\nHost: unknown.example\r\n",
    ],
)
def test_plugin_sees_its_own_name_however_it_was_asked_for(served: RunningEdge, request_head: str) -> None:
    answer = served.send(f"{request_head}Connection: close\r\n\r\n".encode())
    sent = json.loads(answer.body)["headers"]
    assert answer.upstream == "mine"
    # With the port that the visitor used, if the request names one.
    mine = f"{MINE}:8080" if f"{MINE}:8080" in request_head else MINE
    assert [value for name, value in sent if name.lower() == "host"] == [mine]
    assert [value for name, value in sent if name.lower() == "x-forwarded-host"] == [mine]


@pytest.mark.parametrize("port", ["x", "80x", "-1", "123456", "80:81", "80/../", "80 ", "{{}}", ""])
def test_a_port_that_is_none_does_not_pass(served: RunningEdge, port: str) -> None:
    answer = served.send(f"GET /headers HTTP/1.1\r\nHost: {MINE}:{port}\r\nConnection: close\r\n\r\n".encode())
    if answer.status == 200:
        sent = dict(json.loads(answer.body)["headers"])
        assert sent["Host"] in {MINE, f"{MINE}:80", f"{MINE}:81"}
        assert sent["X-Forwarded-Port"] in {"80", "81"}
    else:
        assert (answer.status in {400, 404}, answer.upstream) == (True, "")


def test_two_host_headers_never_disagree_beyond_the_edge(served: RunningEdge) -> None:
    head = f"GET /headers HTTP/1.1\r\nHost: {MINE}\r\nHost: {OTHER}\r\nConnection: close\r\n\r\n"
    answer = served.send(head.encode())
    if answer.status == 200:
        hosts = [value for name, value in json.loads(answer.body)["headers"] if name.lower() == "host"]
        assert (answer.upstream, hosts) == ("mine", [MINE])
    else:
        # nginx refuses it.
        assert (answer.status, answer.upstream) == (400, "")


def test_what_a_client_says_about_itself_is_replaced(served: RunningEdge) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/admin",
        "X-Real-IP": "6.6.6.6",
        "X-Request-Id": "forged",
        "Forwarded": "for=6.6.6.6",
        "X-Original-URL": "/admin",
        "X-Rewrite-URL": "/admin",
        "Proxy": "http://evil.example",
        "X_Forwarded_For": "6.6.6.6",
        "X_Real_IP": "6.6.6.6",
    }
    answer = served.get(MINE, "/headers", **forged)
    sent = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    assert (sent["x-forwarded-for"], sent["x-real-ip"]) == ("127.0.0.1", "127.0.0.1")
    # The request names no port: it is HTTP's own.
    assert (sent["x-forwarded-proto"], sent["x-forwarded-port"]) == ("http", "80")
    assert sent["x-request-id"] == answer.headers["x-request-id"] != "forged"
    names = {
        "forwarded",
        "x-original-url",
        "x-rewrite-url",
        "proxy",
        "x-forwarded-prefix",
        "x_forwarded_for",
        "x_real_ip",
    }
    assert not names & set(sent)


def test_forged_headers_would_arrive_if_nothing_replaced_them(upstream: Start) -> None:
    """The control for the test above."""

    def soften(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if "proxy_set_header" not in line)

    with running_edge(alter=soften) as soft:
        soft.edge.apply(site(upstream("mine")))
        answer = soft.get(MINE, "/headers", **{"X-Forwarded-For": "6.6.6.6", "Proxy": "http://evil.example"})
    sent = dict(json.loads(answer.body)["headers"])
    assert (sent["X-Forwarded-For"], sent["Proxy"]) == ("6.6.6.6", "http://evil.example")


@pytest.mark.parametrize("upgrade", ["h2c", "TLS/1.0", "websocket, h2c", "foo"])
def test_no_upgrade_but_websocket_passes(served: RunningEdge, upgrade: str) -> None:
    answer = served.get(
        MINE, "/headers", Upgrade=upgrade, Connection="Upgrade, HTTP2-Settings", **{"HTTP2-Settings": "AA"}
    )
    sent = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    assert not {"upgrade", "connection"} & set(sent)


def test_second_request_cannot_be_hidden_in_the_first(served: RunningEdge) -> None:
    """Two lengths that disagree: refused, or the body ends where the edge says, and no other app gets the rest."""
    smuggled = f"GET /headers HTTP/1.1\r\nHost: {OTHER}\r\n\r\n"
    head = (
        f"POST / HTTP/1.1\r\nHost: {MINE}\r\nContent-Length: {len(smuggled) + 5}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall((head + smuggled).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65_536):
            answer += data
    assert b"400" in answer.split(b"\r\n")[0] or b"404" in answer.split(b"\r\n")[0]
    assert b"X-Upstream-Name" not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/acme-challenge/token",
        "/.well-known/%61cme-challenge/token",
        "/.well-known//acme-challenge/token",
        "/x/../.well-known/acme-challenge/token",
        "/%2ewell-known/acme-challenge/token",
    ],
)
def test_proofs_for_certificates_are_the_platforms(served: RunningEdge, path: str) -> None:
    answer = served.get(MINE, path)
    assert (answer.status, answer.upstream, answer.body) == (404, "", "Not found.\n")
    # The control: a neighbouring path is the plugin's.
    assert served.get(MINE, "/.well-known/security.txt").upstream == "mine"


def test_platforms_own_name_tells_outsiders_nothing(served: RunningEdge) -> None:
    assert served.get(STATUS_HOSTNAME, "/health").body == "ok\n"
    assert served.get(STATUS_HOSTNAME, "/").status == 404
    assert served.get(STATUS_HOSTNAME, "/../etc/passwd").status == 404
    # An outsider is who has another address; on one machine that is one of loopback's others.
    with running_edge(alter=lambda text: text.replace("allow 127.0.0.0/8;", "")) as narrow:
        for path in ("/health", "/generation"):
            head = f"GET {path} HTTP/1.1\r\nHost: {STATUS_HOSTNAME}\r\nConnection: close\r\n\r\n"
            assert narrow.send(head.encode()).status == 200
            assert narrow.send(head.encode(), source="127.0.0.2").status == 404


def test_large_header_is_refused(served: RunningEdge) -> None:
    assert served.get(MINE, "/", **{"X-Large": "x" * 15_000}).status == 200
    answer = served.get(MINE, "/", **{"X-Large": "x" * 17_000})
    assert answer.upstream == ""
    assert answer.status in {400, 404}
