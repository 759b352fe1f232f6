"""E6, E9, E15: a plugin or a client that answers, sends or holds in ways that should cost only itself."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from tests.provisioning.edge.running import RunningEdge, Upstream, hostname, running_edge, site, wait_until

Start = Callable[..., Upstream]
CLIENTS_LIMIT = 256


@contextmanager
def raw_upstream(answer: bytes) -> Iterator[int]:
    """Answers every request with exactly these bytes, and keeps the connection. Gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            while connection.recv(65_536):
                connection.sendall(answer)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_e6_headers_that_lead_elsewhere_are_passed_and_not_followed(edge: RunningEdge) -> None:
    canary = socket.create_server(("127.0.0.1", 0))
    canary.setblocking(False)
    there = f"http://127.0.0.1:{canary.getsockname()[1]}/x"
    head = (
        f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nRefresh: 0; url={there}\r\nLink: <{there}>; rel=preload\r\n"
        f"Content-Location: {there}\r\nContent-Length: 4\r\n\r\nbody"
    )
    with canary, raw_upstream(head.encode()) as port:
        edge.edge.apply(site(port))
        answer = edge.get(hostname())
        assert (answer.status, answer.body) == (302, "body")
        assert {answer.headers[name] for name in ("location", "content-location")} == {there}
        assert there in answer.headers["refresh"]
        assert there in answer.headers["link"]
        try:
            canary.accept()
        except BlockingIOError:
            asked = False
        else:
            asked = True
        assert not asked
        # The control: the canary would have told.
        with socket.create_connection(canary.getsockname()):
            wait_until(lambda: _accepts(canary), "the canary hears who connects")


def _accepts(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_e6_an_answer_too_many_reaches_no_other_visitor(edge: RunningEdge) -> None:
    """Two answers to one request, on a connection that the edge would keep: the second is nobody's."""
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
    second = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"
    with raw_upstream(first + second) as port:
        edge.edge.apply(site(port))
        assert {edge.get(hostname()).body for _ in range(30)} == {"first"}
        # The control: whoever keeps that connection and reads on gets it.
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            read = b""
            while len(read) < len(first + second):
                read += connection.recv(4096)
        assert read.endswith(b"poisoned")


def test_e9_who_sends_slowly_is_let_go_and_others_are_served(upstream: Start) -> None:
    def impatient(text: str) -> str:
        return text.replace("client_header_timeout 15s;", "client_header_timeout 1s;")

    with running_edge(alter=impatient) as edge, ExitStack() as slow:
        edge.edge.apply(site(upstream("mine")))
        connections = [
            slow.enter_context(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) for _ in range(300)
        ]
        for connection in connections:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {hostname()}\r\nX-Slow: ".encode())
        assert edge.get(hostname()).upstream == "mine"
        for connection in connections:
            assert _rest(connection) == b""
    # The control: with the patience that an nginx may be given, the same connection stays.
    with running_edge(
        alter=lambda text: text.replace("client_header_timeout 15s;", "client_header_timeout 1h;")
    ) as soft:
        soft.edge.apply(site(upstream("other")))
        with socket.create_connection(("127.0.0.1", soft.port), timeout=1.5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
            try:
                ended = connection.recv(1) == b""
            except TimeoutError:
                ended = False
            assert not ended


def _rest(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


def test_e9_one_address_holds_only_so_many_requests_of_an_app(edge: RunningEdge, upstream: Start) -> None:
    plugin = upstream("mine")
    edge.edge.apply(site(plugin))
    ask = f"GET /slow HTTP/1.1\r\nHost: {hostname()}\r\nConnection: close\r\n\r\n".encode()
    with ExitStack() as held:
        for _ in range(CLIENTS_LIMIT):
            held.enter_context(socket.create_connection(("127.0.0.1", edge.port))).sendall(ask)
        # Its threads tell of each request that has reached it, not always on a line of its own.
        told = 0
        while told < CLIENTS_LIMIT:
            told += plugin.read_line().count("slow")
        assert edge.get(hostname()).status == 429
        # The control: another address is not held back by the first one.
        head = f"GET / HTTP/1.1\r\nHost: {hostname()}\r\nConnection: close\r\n\r\n".encode()
        assert edge.send(head, source="127.0.0.2").upstream == "mine"
        plugin.go_on()
    wait_until(lambda: edge.get(hostname()).status == 200, "the first one is served again")


def test_e15_a_websocket_holds_an_old_worker_only_so_long(upstream: Start) -> None:
    plugin = upstream("mine")
    ask = f"GET / HTTP/1.1\r\nHost: {hostname()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
    with running_edge(worker_shutdown_timeout_s=1) as edge, running_edge(worker_shutdown_timeout_s=3600) as soft:
        opened = []
        for one in (edge, soft):
            one.edge.apply(site(plugin))
            connection = socket.create_connection(("127.0.0.1", one.port), timeout=20)
            connection.sendall(ask)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 101")
            opened.append(connection)
        for one in (edge, soft):
            one.edge.apply(site(plugin, number=2))
        ended, stays = opened
        with ended, stays:
            assert _rest(ended) == b""
            # The control: without the limit it lives on in a worker that was told to go.
            stays.sendall(b"still here")
            assert stays.recv(100) == b"still here"
