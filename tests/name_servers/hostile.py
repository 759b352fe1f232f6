"""A name server that does what no real one can be made to do."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rrset

# The packets that come back, over TCP each with its length. None: it says nothing, and keeps the connection.
Behaviour = Callable[[dns.message.Message, bool], Sequence[bytes] | None]


class Unframed(bytes):
    """Sent over TCP without its length."""


@dataclass
class Hostile:
    address: str
    port: int
    behave: Behaviour = lambda _query, _is_tcp: None
    asked: list[dns.message.Message] = field(default_factory=list)
    asked_by_tcp: list[dns.message.Message] = field(default_factory=list)
    # Who asked last.
    client: tuple[str, int] = ("", 0)

    def answers(self, query: dns.message.Message, is_tcp: bool) -> Sequence[bytes]:
        (self.asked_by_tcp if is_tcp else self.asked).append(query)
        return self.behave(query, is_tcp) or ()


def reply(
    query: dns.message.Message,
    *answer: str,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    rcode: int = 0,
    is_authoritative: bool = True,
    is_truncated: bool = False,
) -> dns.message.Message:
    """With records as in a zone file, names absolute: `www.hostile.test. 60 IN A 192.0.2.1`."""
    message = dns.message.make_response(query)
    message.set_rcode(dns.rcode.Rcode(rcode))
    message.flags |= (dns.flags.AA if is_authoritative else 0) | (dns.flags.TC if is_truncated else 0)
    for section, lines in ((message.answer, answer), (message.authority, authority), (message.additional, additional)):
        section.extend(dns.rrset.from_text(*line.split(" ", 4)) for line in lines)  # type: ignore[arg-type]
    return message


@contextmanager
def running_hostile(address: str, port: int, *, listens_by_tcp: bool = True) -> Iterator[Hostile]:
    server = Hostile(address, port)
    udp = socket.socket(type=socket.SOCK_DGRAM)
    udp.bind((address, port))
    sockets = [udp]
    threads = [threading.Thread(target=_by_udp, args=(server, udp), daemon=True)]
    if listens_by_tcp:
        sockets.append(socket.create_server((address, port)))
        threads.append(threading.Thread(target=_by_tcp, args=(server, sockets[-1]), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for each in sockets:
            # Wakes its thread, which closing alone would not.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for each in sockets:
            each.close()


def _by_udp(server: Hostile, udp: socket.socket) -> None:
    while True:
        try:
            packet, client = udp.recvfrom(4096)
            if not packet:
                return
            server.client = client
            for answer in server.answers(dns.message.from_wire(packet), False):
                udp.sendto(answer, client)
        except OSError:
            return


def _by_tcp(server: Hostile, listener: socket.socket) -> None:
    kept = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            for each in kept:
                each.close()
            return
        kept.append(connection)
        (size,) = struct.unpack("!H", connection.recv(2))
        for answer in server.answers(dns.message.from_wire(connection.recv(size)), True):
            connection.sendall(answer if isinstance(answer, Unframed) else struct.pack("!H", len(answer)) + answer)
