"""Dynamic updates with TSIG (RFC 2136, RFC 8945), for BIND, Knot DNS, PowerDNS and all others that take them.

A batch is one message, which the server carries out whole or not at all. Its prerequisites say what the changes started
from, so that nothing is written over somebody else's change. Zones are listed by transfer (AXFR). A few names are asked
for one by one; where a wildcard may have answered, prerequisites tell whether what was answered is there.
"""

import base64
import binascii
import ipaddress
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import dns.tsig
import dns.update

from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.changes import (
    ensure,
    names_within,
    outstanding,
    refuse_conflicts,
    refuse_unfit,
    remove,
)
from provisioning.dns.providers.settings import TIMEOUT, checked, timeout_of, whole_number, zone_names
from provisioning.dns.providers.tsig import Refused, SignedServer
from provisioning.dns.providers.updates import Found, gather, presence, record_set_of, update_message, wildcards_over
from provisioning.dns.records import TYPES, Change, RecordSet, canonical_name
from provisioning.exceptions import OperatorError, RecordsChanged, ServiceUnavailable

ALGORITHMS = ("hmac-sha256", "hmac-sha224", "hmac-sha384", "hmac-sha512")
# So many of the longest names and values fit into one message of 64 KiB.
BATCH_SIZE = 48
# Names that are asked for one by one. For more, the whole zone is transferred: half a second for 10,000 records.
FEW_NAMES = 12
MOST_QUESTIONS = 100
# Servers answer ANY as they please. What Berth makes is asked for by its type; of the rest what is common.
ASKED = (*TYPES, "NS", "MX", "SRV", "CAA")
LISTING = "asking for names"
# What is there, or that there is nothing.
TOLD = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
# A prerequisite was not met.
NOT_MET = {dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN, dns.rcode.NXRRSET, dns.rcode.YXRRSET}


class Rfc2136:
    name: ClassVar[str] = "rfc2136"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="server", help="the address or name of the zones' primary server"),
        ProviderSetting(name="port", help="its port", default="53"),
        ProviderSetting(name="zones", help="the zones that the key may update and transfer, with commas between them"),
        ProviderSetting(name="key_name", help="the name of the TSIG key"),
        ProviderSetting(name="key_algorithm", help=f"one of {', '.join(ALGORITHMS)}", default="hmac-sha256"),
        ProviderSetting(name="key_secret", help="the key itself, in Base64", is_secret=True),
        TIMEOUT,
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        found = checked(self.settings, values)
        self.capabilities = Capabilities(
            # The server is the operator's own: a limit for faults, and for no bill.
            batch_size=BATCH_SIZE,
            is_atomic=True,
            is_guarded=True,
            lists_names=True,
            rate_per_s=500,
            burst=1_000,
        )
        self._zones = zone_names("zones", found["zones"])
        self.calls = 0
        self._server = SignedServer(
            _checked_server(found["server"]),
            whole_number("port", found["port"], least=1, most=65_535),
            _key(found),
            timeout_s=timeout_of(found),
            count=self._count,
        )

    def zones(self) -> list[str]:
        return [zone for zone in self._zones if self._is_served(zone)]

    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        found = None
        if names is not None and len(set(names)) <= FEW_NAMES:
            found = self._asked_for(zone, names_within(zone, names))
        if found is None:
            found = self._transferred(zone)
        return [record_set_of(key, rdataset) for key, rdataset in found.items() if names is None or key[0] in names]

    def ensure_record(self, zone: str, record: RecordSet) -> None:
        ensure(self, zone, record)

    def remove_record(self, zone: str, record: RecordSet) -> None:
        remove(self, zone, record)

    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        refuse_unfit(zone, changes, batch_size=BATCH_SIZE)
        self._refuse_unknown(zone)
        if not changes or self._is_applied(zone, changes, {}):
            return
        # Some of it is in force already, is not what it was, or is the same in other strings.
        found = self._transferred(zone)
        present = {key: record_set_of(key, rdataset) for key, rdataset in found.items()}
        left = outstanding(zone, changes, present)
        refuse_conflicts(zone, left, present)
        if left and not self._is_applied(zone, left, found):
            raise RecordsChanged(f"zone {zone} is changing right now: nothing was changed; plan again")

    def check(self) -> None:
        for zone in self._zones:
            if not self._is_served(zone):
                raise OperatorError(
                    f"{self._server} does not serve zone {zone}: an operator must make it there, or take it out of "
                    "`zones`"
                )
            # The first part is enough: it shows that the key may transfer.
            next(self._transfer(zone))
            # Asks for nothing but what is so anyway.
            update = dns.update.UpdateMessage(dns.name.from_text(zone))
            update.present(dns.name.from_text(zone), "SOA")
            with self._explained(zone, f"trying an update of zone {zone}"):
                self._server.ask(update, f"trying an update of zone {zone}")

    def _count(self) -> None:
        self.calls += 1

    def _is_served(self, zone: str) -> bool:
        question = dns.message.make_query(dns.name.from_text(zone), "SOA", flags=0)
        doing = f"asking for zone {zone}"
        with self._explained(zone, doing):
            try:
                answer = self._server.ask(question, doing)
            except Refused as refusal:
                if refusal.is_signed or refusal.rcode == dns.rcode.REFUSED:
                    return False
                raise
        owners = {rrset.name for rrset in answer.answer}
        return bool(answer.flags & dns.flags.AA) and question.question[0].name in owners

    def _is_applied(self, zone: str, changes: Sequence[Change], found: Found) -> bool:
        """Sends the changes as one message. Not, where a prerequisite is not met."""
        doing = f"changing zone {zone}"
        try:
            update = update_message(zone, changes, found)
        except (dns.exception.DNSException, ValueError):
            # What a change started from has a form that this can't be made of: what is there must be asked for.
            if found:
                raise
            return False
        with self._explained(zone, doing):
            try:
                self._server.ask(update, doing)
            except Refused as refusal:
                if refusal.is_signed and refusal.rcode in NOT_MET:
                    return False
                raise
        return True

    def _asked_for(self, zone: str, names: Sequence[str]) -> Found | None:
        """What is there at these names. None where questions don't tell, below a delegation for one."""
        self._refuse_unknown(zone)
        wildcards = {wildcard for name in names for wildcard in wildcards_over(zone, name)}
        asked = sorted({*names, *wildcards})
        first = self._told(zone, asked, ["ANY"]) if len(asked) <= MOST_QUESTIONS else None
        # Most names that are asked for are not there: one question was enough.
        second = self._told(zone, [name for name in names if name in first], ASKED) if first is not None else None
        if first is None or second is None:
            return None
        found: Found = {}
        for rrset in itertools.chain.from_iterable((*first.get(name, ()), *second.get(name, ())) for name in names):
            gather(found, rrset)
        if not any(first.get(wildcard) for wildcard in wildcards):
            return found
        # What was answered may be there, or what a wildcard has to say of any name.
        held = self._answers(zone, [presence(zone, key, rdataset) for key, rdataset in found.items()])
        with self._explained(zone, LISTING):
            for answer in held:
                if answer.rcode() not in {dns.rcode.NOERROR, *NOT_MET}:
                    raise Refused(answer.rcode(), is_signed=True)
        present = (answer.rcode() == dns.rcode.NOERROR for answer in held)
        return dict(itertools.compress(found.items(), present))

    def _told(self, zone: str, names: Sequence[str], types: Sequence[str]) -> dict[str, list[dns.rrset.RRset]] | None:
        """The record sets at those of `names` that there are. None where the server did not say."""
        asked = list(itertools.product(names, types))
        questions = [dns.message.make_query(f"{name}.", type_, flags=0) for name, type_ in asked]
        found: dict[str, list[dns.rrset.RRset]] = {}
        for (name, _), question, answer in zip(asked, questions, self._answers(zone, questions), strict=True):
            if not answer.flags & dns.flags.AA or answer.rcode() not in TOLD:
                return None
            if answer.rcode() == dns.rcode.NOERROR:
                owner = question.question[0].name
                found.setdefault(name, []).extend(rrset for rrset in answer.answer if rrset.name == owner)
        return found

    def _answers(self, zone: str, messages: Sequence[dns.message.Message]) -> list[dns.message.Message]:
        with self._explained(zone, LISTING):
            return self._server.ask_all(messages, LISTING) if messages else []

    def _transferred(self, zone: str) -> Found:
        found: Found = {}
        for rrset in self._transfer(zone):
            gather(found, rrset)
        return found

    def _transfer(self, zone: str) -> Iterator[dns.rrset.RRset]:
        self._refuse_unknown(zone)
        doing = f"listing zone {zone}"
        with self._explained(zone, doing):
            yield from self._server.transfer(zone, doing)

    def _refuse_unknown(self, zone: str) -> None:
        if zone not in self._zones:
            raise OperatorError(f"zone {zone[:80]} is none of the account's `zones`: an operator must add it there")

    @contextmanager
    def _explained(self, zone: str, doing: str) -> Iterator[None]:
        try:
            yield
        except Refused as refusal:
            raise _explanation(self._server, zone, doing, refusal) from refusal


def _explanation(server: SignedServer, zone: str, doing: str, refusal: Refused) -> Exception:
    said = f"{server} answered {refusal} while {doing}"
    match refusal.rcode:
        case dns.rcode.SERVFAIL:
            return ServiceUnavailable(f"{said}: Berth tries again; an operator should look at its log if this lasts")
        case dns.rcode.NOTAUTH if refusal.is_signed:
            return OperatorError(f"{said}: an operator must make it the primary server of {zone}, or set `server`")
        case dns.rcode.NOTAUTH:
            return OperatorError(
                f"{said}: it does not serve zone {zone}, or does not know the key: an operator must make the zone "
                "there, or set `key_name`, `key_algorithm` and `key_secret` as they are there"
            )
        case dns.rcode.REFUSED:
            return OperatorError(f"{said}: an operator must let the key update and transfer zone {zone} there")
        case dns.rcode.NOTZONE:
            return OperatorError(f"{said}: a name is outside zone {zone} there; an operator must look at `zones`")
        case dns.rcode.NOTIMP:
            return OperatorError(f"{said}: it takes no updates; an operator must set `server` to one that does")
        case _:
            return OperatorError(f"{said}: an operator must look at its log")


def _checked_server(text: str) -> str:
    """An address, or a name that the machine's resolver knows."""
    try:
        return str(ipaddress.IPv6Address(text)) if ":" in text else canonical_name(text)
    except ValueError as exc:
        raise ValueError("server: an address or a host name") from exc


def _key(found: Mapping[str, str]) -> dns.tsig.Key:
    algorithm = found["key_algorithm"].lower().removesuffix(".")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"key_algorithm: one of {', '.join(ALGORITHMS)}")
    try:
        name = dns.name.from_text(found["key_name"])
    except dns.exception.DNSException as exc:
        raise ValueError("key_name: a domain name") from exc
    try:
        secret = base64.b64decode(found["key_secret"], validate=True)
    except binascii.Error as exc:
        raise ValueError("key_secret: Base64, as `tsig-keygen` or `keymgr -t` print it") from exc
    if not secret:
        raise ValueError("key_secret: is empty")
    return dns.tsig.Key(name, secret, algorithm)
