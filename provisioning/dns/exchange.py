"""One question to one name server, and what comes back: at most a few packets, whatever the server does.

A name server is whoever a zone is delegated to, and so may be anybody's. What is not an answer to this very question,
from this very server, is not looked at; what is, is small before it is parsed.
"""

import secrets
import socket
import struct
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from provisioning.dns.answers import Nameserver, Outcome

# Fits any path without fragments, which could be forged behind the first (DNS flag day 2020).
UDP_PAYLOAD_BYTES = 1232
# A root's referral has 0.8 KiB; parsing takes time that nobody can take back.
MAX_MESSAGE_BYTES = 16 * 1024
MAX_RECORDS = 256
# Packets that are no answer to the question, before somebody is taken to guess at it.
MAX_STRAYS = 8
_HEADER = struct.Struct("!6H")
# These may come without the question.
_REFUSALS = {dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED}
_KNOWS_NO_EDNS = {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS}


class NoAnswer(Exception):
    """The server said nothing that could be read. `detail` is for people."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class _AskByTcp(Exception):
    """Why UDP will not do."""


def exchange(
    server: Nameserver, name: dns.name.Name, type_: str, *, until: float, is_recursive: bool = False
) -> dns.message.Message:
    """The server's answer, whatever it says. Raises `NoAnswer`, at the latest at `until` (of `time.monotonic`).

    By UDP with EDNS, sent twice within that time; without EDNS for a server that does not know it; by TCP where the
    answer was truncated, or where somebody seems to guess at it. Records are one to an RRset, in their order.
    """
    answer = _exchange(server, _query(name, type_, is_recursive=is_recursive), until)
    if answer.rcode() in _KNOWS_NO_EDNS:
        answer = _exchange(server, _query(name, type_, is_recursive=is_recursive, edns=None), until)
    return answer


def _query(name: dns.name.Name, type_: str, *, is_recursive: bool, edns: int | None = 0) -> dns.message.QueryMessage:
    # Upper and lower case at random: whoever forges an answer has to guess it, too.
    labels = [bytes(byte ^ (0x20 * secrets.randbits(1)) if _is_letter(byte) else byte for byte in label)
              for label in name.labels]  # fmt: skip
    return dns.message.make_query(
        dns.name.Name(labels),
        type_,
        use_edns=edns if edns is not None else False,
        payload=UDP_PAYLOAD_BYTES if edns is not None else None,
        id=secrets.randbits(16),
        flags=dns.flags.RD if is_recursive else 0,
    )


def _is_letter(byte: int) -> bool:
    return chr(byte).isascii() and chr(byte).isalpha()


def _exchange(server: Nameserver, query: dns.message.QueryMessage, until: float) -> dns.message.Message:
    try:
        try:
            return _by_udp(server, query, until)
        except _AskByTcp as exc:
            why = str(exc)
        try:
            return _by_tcp(server, query, until)
        except (OSError, EOFError) as exc:
            raise NoAnswer(Outcome.TIMEOUT, f"{why}, and no answer by TCP: {_fault(exc)}") from exc
    except OSError as exc:
        raise NoAnswer(Outcome.TIMEOUT, _fault(exc)) from exc


def _fault(exc: Exception) -> str:
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    if isinstance(exc, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(exc, EOFError | ConnectionError):
        return "it closed the connection"
    return f"it cannot be reached ({getattr(exc, 'strerror', None) or type(exc).__name__})"


def _by_udp(server: Nameserver, query: dns.message.QueryMessage, until: float) -> dns.message.Message:
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    wire = query.to_wire()
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        # Of a connected socket the kernel passes on packets from this address and port alone.
        udp.connect((server.address, server.port))
        udp.send(wire)
        again_at = (time.monotonic() + until) / 2
        strays = 0
        while True:
            left_s = _left_s(until)
            if time.monotonic() >= again_at:
                # A lost packet is no verdict.
                again_at = until
                udp.send(wire)
            udp.settimeout(min(left_s, max(again_at - time.monotonic(), 0.001)))
            try:
                packet = udp.recv(MAX_MESSAGE_BYTES + 1)
            except TimeoutError:
                if again_at < until or not strays:
                    continue
                raise NoAnswer(
                    Outcome.TIMEOUT, f"no answer in time, but {strays} packets that answer something else"
                ) from None
            answer = _read(packet, query, is_udp=True)
            if answer is not None:
                return answer
            strays += 1
            if strays >= MAX_STRAYS:
                raise _AskByTcp(f"{strays} packets answered something else")


def _by_tcp(server: Nameserver, query: dns.message.QueryMessage, until: float) -> dns.message.Message:
    wire = query.to_wire()
    with socket.create_connection((server.address, server.port), timeout=_left_s(until)) as tcp:
        tcp.settimeout(_left_s(until))
        tcp.sendall(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", _exactly(tcp, 2, until))
        if size > MAX_MESSAGE_BYTES:
            raise NoAnswer(Outcome.MALFORMED, f"an answer of {size} bytes: at most {MAX_MESSAGE_BYTES} are read")
        answer = _read(_exactly(tcp, size, until), query, is_udp=False)
    if answer is None:
        raise NoAnswer(Outcome.MALFORMED, "it answered something else than what it was asked")
    return answer


def _exactly(tcp: socket.socket, size: int, until: float) -> bytes:
    read = b""
    while len(read) < size:
        tcp.settimeout(_left_s(until))
        more = tcp.recv(size - len(read))
        if not more:
            raise EOFError
        read += more
    return read


def _left_s(until: float) -> float:
    """Raises `TimeoutError` where nothing is left."""
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _read(packet: bytes, query: dns.message.QueryMessage, *, is_udp: bool) -> dns.message.Message | None:
    """The answer, or None where the packet is an answer to something else.

    Raises `NoAnswer` for what cannot be read, and `_AskByTcp`.
    """
    if len(packet) < _HEADER.size:
        return None
    id_, flags, questions, *counts = _HEADER.unpack_from(packet)
    if id_ != query.id or not flags & dns.flags.QR:
        return None
    if is_udp and flags & dns.flags.TC:
        raise _AskByTcp("the answer was truncated")
    if len(packet) > MAX_MESSAGE_BYTES or questions > 1 or sum(counts) > MAX_RECORDS:
        raise NoAnswer(Outcome.MALFORMED, f"more than {MAX_MESSAGE_BYTES} bytes or {MAX_RECORDS} records")
    try:
        answer = dns.message.from_wire(packet, one_rr_per_rrset=True)
        is_response = query.is_response(answer)
    except Exception as exc:  # whatever a parser stumbles over, the packet is to blame
        raise NoAnswer(Outcome.MALFORMED, f"no DNS message: {type(exc).__name__}") from exc
    if not is_response or (not answer.question and answer.rcode() not in _REFUSALS):
        return None
    if is_udp and answer.question and answer.question[0].name.labels != query.question[0].name.labels:
        raise _AskByTcp("the answer repeats the name in another case")
    return answer
