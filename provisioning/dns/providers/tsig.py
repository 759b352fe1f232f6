"""Signed messages to one name server over TCP (RFC 8945), and what its refusals mean.

TCP for everything: an update is never sent twice unasked, a large one fits, and nobody answers in the server's place.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig

from provisioning.exceptions import OperatorError, ServiceUnavailable

# All of a transfer may take so many times as long as one answer.
PATIENCE = 6
MAX_TRANSFER_BYTES = 64 * 1024 * 1024


class Refused(Exception):
    """The server answered with `rcode`. `is_signed`: it knows the key."""

    def __init__(self, rcode: dns.rcode.Rcode, *, is_signed: bool) -> None:
        super().__init__(dns.rcode.to_text(rcode))
        self.rcode = rcode
        self.is_signed = is_signed


class SignedServer:
    """One server and one key. `count` is called for every message that is sent."""

    def __init__(
        self, server: str, port: int, key: dns.tsig.Key, *, timeout_s: float, count: Callable[[], None]
    ) -> None:
        self.server, self.port, self.key, self.timeout_s, self.count = server, port, key, timeout_s, count

    def __str__(self) -> str:
        return f"the name server {self.server} port {self.port}"

    def ask(self, message: dns.message.Message, doing: str) -> dns.message.Message:
        """The signed answer. Raises `Refused` where its code is not NOERROR."""
        answer = self.ask_all([message], doing)[0]
        if answer.rcode() != dns.rcode.NOERROR:
            raise Refused(answer.rcode(), is_signed=True)
        return answer

    def ask_all(self, messages: Sequence[dns.message.Message], doing: str) -> list[dns.message.Message]:
        """The signed answers to all, whatever their codes, in the order of `messages`. One connection carries them."""
        # Few enough for their answers to find room while nobody reads them yet.
        with self._translated(doing), self._connected() as connection:
            for number, message in enumerate(messages):
                # A server may answer the last question first.
                message.id = number
                self._send(connection, message)
            answers: dict[int, dns.message.Message] = {}
            until = self._until()
            while len(answers) < len(messages):
                answer = self._read(messages, _wire(connection, until))
                answers[answer.id] = answer
            return [answers[number] for number in range(len(messages))]

    def transfer(self, zone: str, doing: str) -> Iterator[dns.rrset.RRset]:
        """The record sets of the zone as it is now (AXFR). One may come in several parts."""
        origin, ends, size = dns.name.from_text(zone), 0, 0
        question = dns.message.make_query(origin, "AXFR", flags=0)
        with self._translated(doing), self._connected() as connection:
            self._send(connection, question)
            until, context = self._until(PATIENCE), None
            while ends < 2:
                wire = _wire(connection, min(until, self._until()))
                size += len(wire)
                if size > MAX_TRANSFER_BYTES:
                    raise OperatorError(f"{self} sends more than {MAX_TRANSFER_BYTES} bytes while {doing}")
                answer = dns.message.from_wire(
                    wire, keyring=self.key, request_mac=question.mac, xfr=True, tsig_ctx=context, multi=True
                )
                if answer.rcode() != dns.rcode.NOERROR:
                    raise Refused(answer.rcode(), is_signed=answer.had_tsig)
                if not answer.answer or answer.id != question.id:
                    raise dns.exception.FormError("a transfer with nothing in it")
                context = answer.tsig_ctx
                for rrset in answer.answer:
                    is_end = rrset.rdtype == dns.rdatatype.SOA and rrset.name == origin
                    ends += is_end
                    if ends == 0:
                        raise dns.exception.FormError("a transfer that does not begin with its SOA")
                    if ends < 2:
                        yield rrset
            if not answer.had_tsig:
                raise dns.exception.FormError("a transfer that is not signed to its end")

    def _until(self, times: int = 1) -> float:
        return time.monotonic() + times * self.timeout_s

    def _connected(self) -> socket.socket:
        return socket.create_connection((self.server, self.port), timeout=self.timeout_s)

    def _send(self, connection: socket.socket, message: dns.message.Message) -> None:
        message.use_tsig(self.key)
        wire = message.to_wire()
        self.count()
        connection.sendall(struct.pack("!H", len(wire)) + wire)

    def _read(self, messages: Sequence[dns.message.Message], wire: bytes) -> dns.message.Message:
        # Who does not know the key, or the zone, may answer without a signature. What it says is good for the words of
        # an error and nothing else.
        told = dns.message.from_wire(wire, keyring=False, question_only=True)
        if told.id >= len(messages):
            raise dns.exception.FormError("an answer to another question")
        try:
            return dns.message.from_wire(wire, keyring=self.key, request_mac=messages[told.id].mac)
        except dns.exception.FormError:
            if told.rcode() == dns.rcode.NOERROR:
                raise
            raise Refused(told.rcode(), is_signed=False) from None

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError) as exc:
            raise ServiceUnavailable(
                f"{self} did not answer while {doing} ({type(exc).__name__}): Berth tries again; "
                "an operator should look at it if this lasts"
            ) from exc
        except dns.tsig.PeerBadKey as exc:
            raise OperatorError(
                f"{self} does not know the key {self._key_name} with {self._algorithm}: an operator must set "
                "`key_name` and `key_algorithm` as they are there"
            ) from exc
        except (dns.tsig.PeerBadSignature, dns.tsig.PeerBadTruncation) as exc:
            raise OperatorError(
                f"{self} has another secret for the key {self._key_name}: an operator must set `key_secret` as it is "
                "there"
            ) from exc
        except (dns.tsig.PeerBadTime, dns.tsig.BadTime) as exc:
            raise OperatorError(
                f"{self} has another time than this machine: an operator must set both clocks (signatures hold for "
                "five minutes)"
            ) from exc
        except dns.exception.TooBig as exc:
            raise OperatorError(
                f"{doing} takes a message of more than 65535 bytes: whoever plans it must split it"
            ) from exc
        except dns.exception.DNSException as exc:
            # The text of such an error may have what the server sent in it.
            raise OperatorError(
                f"{self} does not answer as a name server that knows the key {self._key_name} "
                f"({type(exc).__name__} while {doing}): an operator must mend `server`, `port` or the key"
            ) from exc

    @property
    def _key_name(self) -> str:
        return self.key.name.to_text(omit_final_dot=True)

    @property
    def _algorithm(self) -> str:
        return self.key.algorithm.to_text(omit_final_dot=True)


def _wire(connection: socket.socket, until: float) -> bytes:
    (length,) = struct.unpack("!H", _bytes(connection, 2, until))
    return _bytes(connection, length, until)


def _bytes(connection: socket.socket, count: int, until: float) -> bytes:
    parts = b""
    while len(parts) < count:
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer takes too long")
        connection.settimeout(left_s)
        part = connection.recv(count - len(parts))
        if not part:
            raise EOFError("the server has closed the connection")
        parts += part
    return parts
