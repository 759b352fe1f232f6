"""A server that does what no real one can be made to do: it answers every connection with bytes that a test gives."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# What to say to what came, in parts: between two parts the connection stays open.
Answer = Callable[[bytes], Iterator[bytes]]


@dataclass
class FaultyServer:
    """`received` has what came over each connection, until the first answer was given."""

    port: int
    received: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def faulty_server(
    read: Callable[[socket.socket], bytes], answer: Answer, *, tls: ssl.SSLContext | None = None
) -> Iterator[FaultyServer]:
    """Reads one request of every connection by `read`, and says what `answer` yields."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = FaultyServer(port=listener.getsockname()[1])

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                # The other side may leave while it is being told something.
                with connection, contextlib.suppress(OSError):
                    spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
                    with spoken:
                        request = read(spoken)
                        server.received.append(request)
                        for part in answer(request):
                            spoken.sendall(part)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(30)


def http_request(connection: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text:
        part = connection.recv(65_536)
        if not part:
            return text
        text += part
    return text


def dns_message(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        (length,) = struct.unpack("!H", stream.read(2))
        return stream.read(length)


def framed(wire: bytes) -> bytes:
    return struct.pack("!H", len(wire)) + wire
