"""What is said of a server that a visitor would ask: a real nginx with TLS, and servers that no visitor would like."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from provisioning.edge.probes import probe, trusting, trusting_any
from provisioning.rendering.specs import SiteCertificate
from tests.provisioning.edge import tls
from tests.provisioning.edge.fixtures import upstream
from tests.provisioning.edge.running import RunningEdge, Upstream, hostname

__all__ = ["upstream"]
OTHER = "plugin.customer.example"


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with tls.tls_edge() as running:
        yield running


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(tls.authority().root_pem)
    return path


def probed(edge: RunningEdge, context: ssl.SSLContext | None, *, name: str = "", path: str = "/") -> tuple[str, bool]:
    port = edge.port if context is None else edge.tls_port
    return probe(address="127.0.0.1", port=port, hostname=name or hostname(), path=path, tls=context, timeout_s=10)


def test_a_site_answers_by_http_and_by_https(
    edge: RunningEdge, upstream: Callable[..., Upstream], ca_file: Path
) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    assert probed(edge, None) == ("200 OK", True)
    assert probed(edge, trusting(ca_file)) == ("200 OK", True)
    assert probed(edge, trusting(ca_file), path="/500") == ("500 Internal Server Error", False)


def test_a_certificate_of_an_unknown_authority_is_refused_unless_any_will_do(
    edge: RunningEdge, upstream: Callable[..., Upstream]
) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    answer, healthy = probed(edge, trusting())
    assert healthy is False
    assert answer.startswith("the certificate is refused: ")
    assert probed(edge, trusting_any()) == ("200 OK", True)


@pytest.mark.parametrize(
    ("names", "ends", "said"),
    [
        (("else.customer.example",), timedelta(days=1), "Hostname mismatch"),
        ((OTHER,), timedelta(hours=-1), "certificate has expired"),
    ],
)
def test_a_certificate_that_a_visitor_would_refuse_is_refused_and_why(
    ca_file: Path, names: tuple[str, ...], ends: timedelta, said: str, tmp_path: Path
) -> None:
    key = tls.new_key()
    (tmp_path / "chain.pem").write_bytes(tls.authority().issue(*names, key=key, ends=ends))
    (tmp_path / "key.pem").write_bytes(tls.key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1024)
            secure.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with served(serve) as port:
        answer, healthy = probe(
            address="127.0.0.1", port=port, hostname=OTHER, path="/", tls=trusting(ca_file), timeout_s=10
        )
        assert (said in answer, healthy) == (True, False)
        answer, healthy = probe(
            address="127.0.0.1", port=port, hostname=OTHER, path="/", tls=trusting_any(), timeout_s=10
        )
        assert (answer, healthy) == ("200 OK", True)


def test_the_name_is_in_the_handshake(edge: RunningEdge, upstream: Callable[..., Upstream], ca_file: Path) -> None:
    """Each name has a certificate of its own; a name that nobody has gets no handshake."""
    own = SiteCertificate(hostnames=(OTHER,), file=edge.edge.store(tls.stored(OTHER)))
    edge.edge.apply(tls.tls_site(upstream("live"), hostnames=(OTHER,), certificates=(own,)))
    assert probed(edge, trusting(ca_file), name=OTHER) == ("200 OK", True)
    answer, healthy = probed(edge, trusting(ca_file), name="nobodys.customer.example")
    assert (answer, healthy) == ("TLS failed: tlsv1 unrecognized name", False)


@contextmanager
def served(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    serve(connection)
                except OSError:
                    connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_handshake_without_an_end_has_a_deadline() -> None:
    """A record begins, and goes on a byte at a time, each of them in time."""
    is_over = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while not is_over.wait(0.05):
            connection.sendall(b"\x00")
        connection.close()

    with served(serve) as port:
        answer = probe(
            address="127.0.0.1", port=port, hostname="plugin.test", path="/", tls=trusting_any(), timeout_s=0.5
        )
        is_over.set()
    assert answer[1] is False
    assert answer[0] == "no answer within 0.5 s"


def test_what_speaks_no_tls_is_told_as_such(edge: RunningEdge) -> None:
    answer, healthy = probe(
        address="127.0.0.1", port=edge.port, hostname=hostname(), path="/", tls=trusting_any(), timeout_s=10
    )
    assert (answer, healthy) == ("TLS failed: wrong version number", False)


def test_an_authoritys_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        trusting(tmp_path / "none.pem")
