"""Whether the trail is what was written: each chain walked from its first event to its head."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Max

from tenants.audit.chain import GENESIS, chain_name, content, hash_of
from tenants.audit.models import AuditChain, AuditEvent
from tenants.organizations.models.organization import Organization

_CHUNK = 1000


@dataclass(frozen=True)
class Finding:
    """The first event of `chain` that is not as it was written, and what was done to it or its chain."""

    chain: str
    sequence: int
    fault: str

    def __str__(self) -> str:
        return f"{self.chain}: event {self.sequence} {self.fault}"


@dataclass(frozen=True)
class Walked:
    """The end of one chain that was walked, and what is wrong with it."""

    chain: str
    sequence: int
    hash: str
    finding: Finding | None = None


def verify(expected: Mapping[str, Mapping[int, str]]) -> Iterator[Walked]:
    """Walks every chain. `expected` has heads noted earlier: chain name -> sequence -> hash.

    Whoever can write every table can make a chain anew from any event on; only a head noted elsewhere shows that.
    Memory does not grow with the number of events. Events may be written meanwhile.
    """
    known = set()
    for head in AuditChain.objects.order_by("pk").iterator(chunk_size=_CHUNK):
        known.add(head.name)
        yield _walked(head, expected.get(head.name, {}))
    everybody = [None, *Organization.objects.order_by("pk").values_list("pk", flat=True)]
    for name in [chain_name(organization) for organization in everybody] + sorted(expected):
        if name not in known:
            known.add(name)
            yield Walked(name, 0, GENESIS, Finding(name, 1, "was removed, with its whole chain"))


def _walked(head: AuditChain, noted: Mapping[int, str]) -> Walked:
    previous: AuditEvent | None = None
    events = AuditEvent.objects.filter(chain=head, sequence__lte=head.sequence).order_by("sequence")
    for event in events.iterator(chunk_size=_CHUNK):
        finding = _fault(head, event, previous)
        if finding is None and noted.get(event.sequence, event.hash) != event.hash:
            finding = Finding(head.name, event.sequence, "is not the one that was noted: it or one before was changed")
        if finding is not None:
            return Walked(head.name, head.sequence, head.hash, finding)
        previous = event
    return Walked(head.name, head.sequence, head.hash, _fault_at_end(head, previous, noted))


def _fault(head: AuditChain, event: AuditEvent, previous: AuditEvent | None) -> Finding | None:
    place, digest = (previous.sequence, previous.hash) if previous is not None else (0, GENESIS)
    if event.sequence > place + 1:
        return Finding(head.name, place + 1, "was removed")
    if not _was_written_at(head, event, event.sequence):
        return _what_happened(head, event, digest)
    if event.previous_hash != digest:
        # It is as it was written, so what it was written after is not.
        if previous is None:
            return Finding(head.name, event.sequence, "was changed: it was written after another one")
        return Finding(head.name, place, "was changed or inserted: the one after it was written after another")
    return None


def _was_written_at(head: AuditChain, event: AuditEvent, place: int) -> bool:
    return hash_of(content(event, chain=head.name) | {"sequence": place}) == event.hash


def _what_happened(head: AuditChain, event: AuditEvent, digest: str) -> Finding:
    """What was done where `event`, which follows the hash `digest`, is not what was written in its place."""
    place, events = event.sequence, AuditEvent.objects.filter(chain=head)
    if _was_written_at(head, event, place - 1):
        return Finding(head.name, place - 1, "was inserted: the later ones were moved up")
    for follower in (place + 2, *events.filter(previous_hash=event.hash).values_list("sequence", flat=True)[:1]):
        if _was_written_at(head, event, follower - 1):
            is_elsewhere = events.filter(hash=event.previous_hash, sequence__gt=place).exists()
            is_gone = follower == place + 2 and not is_elsewhere
            return Finding(head.name, place, "was removed" if is_gone else "was exchanged for a later one")
    following = events.filter(sequence=place + 1).first()
    if following is not None and following.previous_hash == digest and _was_written_at(head, following, place):
        return Finding(head.name, place, "was inserted: the later ones were moved up")
    return Finding(head.name, place, "was changed")


def _fault_at_end(head: AuditChain, last: AuditEvent | None, noted: Mapping[int, str]) -> Finding | None:
    place, digest = (last.sequence, last.hash) if last is not None else (0, GENESIS)
    if place < head.sequence:
        return Finding(head.name, place + 1, "was removed")
    if digest != head.hash:
        return Finding(head.name, place, "was changed or inserted: the chain's head is another")
    if missing := min((sequence for sequence in noted if sequence > place), default=None):
        return Finding(head.name, place + 1, f"was removed: event {missing} was noted")
    # In this order: a head is never behind its events.
    newest = AuditEvent.objects.filter(chain=head).aggregate(newest=Max("sequence"))["newest"] or 0
    ahead = AuditChain.objects.values_list("sequence", flat=True).get(pk=head.pk)
    return Finding(head.name, ahead + 1, "was inserted: it is beyond the chain's head") if newest > ahead else None
