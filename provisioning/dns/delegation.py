"""From the roots down to the servers of a name's zone, past servers that would like it to take for ever.

One `Walk` is one call of `Resolution`: it has a deadline, so many questions, and remembers what it learned until it
ends. Who delegates a zone to servers with names in a zone of theirs, and so on, asks others to be asked by us: hence
the limits (NXNSAttack, CVE-2020-12662 and its relatives).
"""

import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import dns.message
import dns.name

from provisioning.dns.addresses import is_public, with_a_route
from provisioning.dns.answers import Nameserver, Outcome, ServerAnswer
from provisioning.dns.exchange import NoAnswer, exchange
from provisioning.dns.reading import (
    Referral,
    answer_of,
    apex_of,
    delegation_of,
    is_below,
    referral_of,
    text_of,
)

if TYPE_CHECKING:
    from provisioning.dns.resolution import ResolutionSettings
from provisioning.dns.zone_cuts import HEARD, NO_ADDRESS, NOWHERE, Cut, LookupFailed

# The roots and most large zones have 13, each with two addresses.
MAX_NAMES = 13
MAX_SERVERS = 32
# Delegations on the way to one name; real names have two to four.
MAX_REFERRALS = 16
# Servers whose names lie in zones whose servers' names lie in zones ...
MAX_DEPTH = 3
MAX_QUESTIONS = 200
# Of one zone, for a question that any of them can answer; this many at once.
MAX_TRIES = 6
AT_ONCE = 2
THREADS = 16


class Walk:
    def __init__(self, settings: "ResolutionSettings") -> None:
        self._settings = settings
        self._until = time.monotonic() + settings.deadline_s
        self._questions = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="dns")
        self._addresses: dict[dns.name.Name, tuple[str, ...] | LookupFailed] = {}
        known = {".": settings.roots, **settings.delegations}
        self._cuts = {
            zone: Cut(zone=zone, servers=tuple(servers))
            for zone, servers in ((dns.name.from_text(text), servers) for text, servers in known.items())
        }

    def __enter__(self) -> "Walk":
        return self

    def __exit__(self, *exc: object) -> None:
        # Whoever is still waiting for an answer ends with its timeout.
        self._threads.shutdown(wait=False, cancel_futures=True)

    def ask(
        self, server: Nameserver, name: dns.name.Name, type_: str, *, is_recursive: bool = False
    ) -> dns.message.Message:
        """Raises `NoAnswer`."""
        with self._lock:
            self._questions += 1
            if self._questions > MAX_QUESTIONS:
                raise NoAnswer(Outcome.TIMEOUT, f"not asked: this takes more than {MAX_QUESTIONS} questions")
        now = time.monotonic()
        if now >= self._until:
            raise NoAnswer(Outcome.TIMEOUT, f"not asked: {self._settings.deadline_s:g} s for everything are over")
        until = min(self._until, now + self._settings.timeout_s)
        return exchange(server, name, type_, until=until, is_recursive=is_recursive)

    def ask_all(
        self,
        servers: Sequence[Nameserver],
        name: dns.name.Name,
        type_: str,
        *,
        zone: dns.name.Name | None,
    ) -> tuple[ServerAnswer, ...]:
        """What each says. Without a `zone` they are resolvers, and asked to look further."""
        return tuple(self._threads.map(lambda server: self._answer(server, name, type_, zone)[1], servers))

    def closest(self, name: dns.name.Name, depth: int = 0) -> Cut:
        """The zone that `name` is in, as the delegations have it. Raises `LookupFailed`."""
        cut = self._cuts[max((zone for zone in self._cuts if name.is_subdomain(zone)), key=len)]
        if cut.zone == dns.name.root and not cut.servers:
            raise LookupFailed(f"{text_of(name)}: {NOWHERE}", Outcome.TIMEOUT, zone=text_of(cut.zone))
        for _ in range(MAX_REFERRALS):
            message = self._any(cut, name, "SOA", depth)
            found = referral_of(message, name=name, zone=cut.zone)
            if found is None:
                apex = self._apex(cut, name, message, depth)
                if apex == cut.zone:
                    return cut
                # Parent and child are with the same servers, which never refer to themselves.
                message = self._any(cut, apex, "NS", depth)
                found = delegation_of(message, section=message.answer, owner=apex, zone=cut.zone)
            cut = self._cuts[found.zone] = self._cut(found)
        raise LookupFailed(
            f"{text_of(name)}: more than {MAX_REFERRALS} delegations lead to it", Outcome.LAME, zone=text_of(cut.zone)
        )

    def servers_of(self, name: dns.name.Name) -> tuple[Cut, str]:
        """All servers of the zone that `name` is in, and what is wrong with the zone. Raises `LookupFailed`."""
        try:
            return self.complete(self.closest(name)), ""
        except LookupFailed as exc:
            # Whoever answers, but not about zones, may do so about the records that one wants to know.
            if exc.cut is None or all(answer.outcome is Outcome.TIMEOUT for answer in exc.answers):
                raise
            return self.complete(exc.cut), exc.detail

    def complete(self, cut: Cut, depth: int = 0) -> Cut:
        """The cut with all addresses of all servers; for a server that has none, the reason."""
        servers, unasked = list(cut.servers), list(cut.unasked)
        for name in cut.names:
            found, refused = self._found(name, depth)
            servers += found
            unasked += refused
        if len(servers) > MAX_SERVERS:
            raise LookupFailed(
                f"{text_of(cut.zone)} has {len(servers)} servers: at most {MAX_SERVERS} are asked",
                Outcome.LAME,
                zone=text_of(cut.zone),
            )
        return Cut(zone=cut.zone, servers=tuple(with_a_route(servers)), unasked=tuple(unasked))

    def _cut(self, found: Referral) -> Cut:
        zone = text_of(found.zone)
        if not found.names:
            raise LookupFailed(f"{zone} has no name servers", Outcome.LAME, zone=zone)
        if len(found.names) > MAX_NAMES:
            raise LookupFailed(
                f"{zone} has {len(found.names)} name servers: at most {MAX_NAMES} are asked", Outcome.LAME, zone=zone
            )
        servers: list[Nameserver] = []
        unasked: list[ServerAnswer] = []
        for name, addresses in found.glue.items():
            more, refused = self._nameservers(name, addresses)
            servers += more
            unasked += refused
        names = tuple(name for name in found.names if name not in found.glue)
        return Cut(zone=found.zone, servers=tuple(servers), names=names, unasked=tuple(unasked))

    def _nameservers(
        self, name: dns.name.Name, addresses: Sequence[str]
    ) -> tuple[list[Nameserver], list[ServerAnswer]]:
        allowed = [address for address in addresses if self._settings.allow_private or is_public(address)]
        servers = [Nameserver(name=text_of(name), address=address, port=self._settings.port) for address in allowed]
        refused = [
            _unasked(text_of(name), address, Outcome.LAME, "not asked: it is at no public address")
            for address in addresses
            if address not in allowed
        ]
        return servers, refused

    def _any(self, cut: Cut, name: dns.name.Name, type_: str, depth: int) -> dns.message.Message:
        """A useful message of any server of the zone: authoritative, or a referral. Raises `LookupFailed`.

        Servers with known addresses come first, in any order; others are looked for only where those are of no use.
        """
        heard: list[ServerAnswer] = [*cut.unasked]
        pending: set[Future[tuple[dns.message.Message | None, ServerAnswer]]] = set()
        known, names = with_a_route(cut.servers), list(cut.names)
        secrets.SystemRandom().shuffle(known)
        for _ in range(MAX_TRIES + len(names)):
            while known and len(pending) < AT_ONCE:
                pending.add(self._threads.submit(self._answer, known.pop(), name, type_, cut.zone))
            if pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for message, answer in (future.result() for future in done):
                    if message is not None:
                        return message
                    heard.append(answer)
            elif names:
                found, unasked = self._found(names.pop(0), depth)
                known = with_a_route(found)
                heard += unasked
            else:
                break
        zone = text_of(cut.zone)
        reasons = "; ".join(f"{answer.server.name}: {answer.detail}" for answer in heard[:3])
        raise LookupFailed(
            f"no server of {zone} answers for it ({reasons or 'it has none'})"[:500],
            heard[0].outcome if heard else Outcome.LAME,
            zone=zone,
            answers=heard,
            cut=cut,
            reason=heard[0].detail.removeprefix(NO_ADDRESS) if heard else "",
        )

    def _answer(
        self, server: Nameserver, name: dns.name.Name, type_: str, zone: dns.name.Name | None
    ) -> tuple[dns.message.Message | None, ServerAnswer]:
        """The message, where it leads on; and what it says."""
        started = time.monotonic()
        try:
            message = self.ask(server, name, type_, is_recursive=zone is None)
            took_ms = round((time.monotonic() - started) * 1000)
            answer = answer_of(message, server=server, name=name, type_=type_, zone=zone, took_ms=took_ms)
        except NoAnswer as exc:
            took_ms = round((time.monotonic() - started) * 1000)
            return None, ServerAnswer(server=server, outcome=exc.outcome, took_ms=took_ms, detail=exc.detail[:200])
        leads_on = answer.outcome in HEARD or (
            zone is not None and referral_of(message, name=name, zone=zone) is not None
        )
        return (message if leads_on else None), answer

    def _found(self, name: dns.name.Name, depth: int) -> tuple[list[Nameserver], list[ServerAnswer]]:
        """The addresses of this server that may be asked, and what keeps others from it."""
        try:
            return self._nameservers(name, self._addresses_of(name, depth))
        except LookupFailed as exc:
            return [], [_unasked(text_of(name), "", exc.outcome, NO_ADDRESS + exc.reason)]

    def _addresses_of(self, name: dns.name.Name, depth: int) -> tuple[str, ...]:
        """Addresses of a name server, from its own zone. Raises `LookupFailed`, also where it has none."""
        if depth >= MAX_DEPTH:
            raise LookupFailed(f"more than {MAX_DEPTH} zones wait for each other's name servers", Outcome.LAME)
        if name not in self._addresses:
            # What comes back here while it is looked for is a circle.
            self._addresses[name] = LookupFailed(f"{text_of(name)} is needed to find itself", Outcome.LAME)
            try:
                self._addresses[name] = self._looked_up(name, depth + 1)
            except LookupFailed as exc:
                self._addresses[name] = exc
        found = self._addresses[name]
        if isinstance(found, LookupFailed):
            raise found
        return found

    def _looked_up(self, name: dns.name.Name, depth: int) -> tuple[str, ...]:
        cut = self.closest(name, depth)
        found: list[str] = []
        for type_ in ("A", "AAAA"):
            message = self._any(cut, name, type_, depth)
            server = Nameserver(name=text_of(cut.zone), address="")
            answer = answer_of(message, server=server, name=name, type_=type_, zone=cut.zone, took_ms=0)
            if answer.outcome is Outcome.NX_DOMAIN:
                raise LookupFailed(f"{text_of(name)} does not exist", Outcome.NX_DOMAIN)
            if answer.cname:
                raise LookupFailed(f"{text_of(name)} is a CNAME, which a name server may not be", Outcome.LAME)
            found += answer.values
        if not found:
            raise LookupFailed(f"{text_of(name)} has no address", Outcome.NO_DATA)
        return tuple(found[:MAX_SERVERS])

    def _apex(self, cut: Cut, name: dns.name.Name, message: dns.message.Message, depth: int) -> dns.name.Name:
        """The zone at or below the cut's that the authoritative `message` about `name` is from."""
        asked = name
        while True:
            apex = apex_of(message, name=asked, zone=cut.zone)
            if apex is not None:
                return apex
            # A CNAME's answer, or a careless server's, does not say: the name above it may.
            if asked == cut.zone or not is_below(asked.parent(), cut.zone):
                return cut.zone
            asked = asked.parent()
            message = self._any(cut, asked, "SOA", depth)


def _unasked(name: str, address: str, outcome: Outcome, detail: str) -> ServerAnswer:
    return ServerAnswer(server=Nameserver(name=name, address=address), outcome=outcome, detail=detail[:200])
