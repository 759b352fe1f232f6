"""A plan for a zone: the changes, the conflicts, and the reason for each. Pure values."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from provisioning.dns.records import Change, RecordSet

Key = tuple[str, str]


# As octoDNS does: beyond this share of a zone of at least so many records, a plan is more likely a fault than a wish.
MAX_SHARE = 0.3


MIN_RECORDS = 10


# Servers make these themselves, beside whatever is there.
SIGNATURES = frozenset({"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY"})


class Reason(StrEnum):
    FOREIGN_RECORD = "foreign_record"
    FOREIGN_OWNER = "foreign_owner"
    LOST_OWNER = "lost_owner"
    BESIDE_CNAME = "beside_cname"
    DELEGATED = "delegated"
    REDIRECTED = "redirected"


_SAID = {
    Reason.FOREIGN_RECORD: "Berth did not make it",
    Reason.FOREIGN_OWNER: "its owner record is not of this installation",
    Reason.LOST_OWNER: "no owner record says that Berth made it",
    Reason.BESIDE_CNAME: "a CNAME can't stand beside it",
    Reason.DELEGATED: "the name is delegated to other servers",
    Reason.REDIRECTED: "it answers for all names below it",
}


@dataclass(frozen=True)
class Conflict:
    """Why Berth keeps its hands off one name and type: what is there, and what it would have written."""

    key: Key
    reason: Reason
    found: RecordSet
    wanted: RecordSet | None = None
    app: str = ""

    def __str__(self) -> str:
        return f"{shown(self.found)} is there, and {_SAID[self.reason]}"


@dataclass(frozen=True)
class Item:
    """One record from `before` to `after`, with the changes that do it, registry record and all, in their order."""

    key: Key
    app: str
    before: RecordSet | None
    after: RecordSet | None
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        if self.after is None:
            return f"{self.key[0]} {self.key[1]}" if self.before is None else shown(self.before)
        if self.before is None or self.before == self.after:
            return shown(self.after)
        return f"{shown(self.before)} -> {' '.join(self.after.values)} (TTL {self.after.ttl_s})"


@dataclass(frozen=True)
class Plan:
    """`untouched` counts the record sets of the zone that stay; `total` all that it has, its apex and signatures aside.

    Deletions come first: what takes a CNAME's place must find it gone.
    """

    zone: str
    creates: tuple[Item, ...] = ()
    updates: tuple[Item, ...] = ()
    deletes: tuple[Item, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    total: int = 0

    @property
    def items(self) -> tuple[Item, ...]:
        return (*self.deletes, *self.updates, *self.creates)

    @property
    def signed(self) -> list[tuple[str, Item | Conflict]]:
        """All of it with signs: `-` goes, `~` changes, `+` comes, `!` is in conflict."""
        return [
            *(("-", item) for item in self.deletes),
            *(("~", item) for item in self.updates),
            *(("+", item) for item in self.creates),
            *(("!", conflict) for conflict in self.conflicts),
        ]

    @property
    def summary(self) -> str:
        return (
            f"{len(self.creates)} to create, {len(self.updates)} to update, {len(self.deletes)} to delete, "
            f"{len(self.conflicts)} in conflict, {self.untouched} untouched"
        )

    @cached_property
    def affected(self) -> int:
        """How many of the zone's record sets would change or be deleted."""
        return sum(change.before is not None for item in self.items for change in item.changes)

    @property
    def untouched(self) -> int:
        return self.total - self.affected

    @property
    def share(self) -> float:
        return self.affected / self.total if self.total else 0.0

    @property
    def needs_override(self) -> bool:
        return self.total >= MIN_RECORDS and self.share > MAX_SHARE

    @cached_property
    def digest(self) -> str:
        """The same for the same changes and conflicts, whenever they are planned."""
        content = [
            self.zone,
            *([_plain(change.before), _plain(change.after)] for item in self.items for change in item.changes),
            *([*conflict.key, conflict.reason, _plain(conflict.found)] for conflict in self.conflicts),
        ]
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def shown(record: RecordSet) -> str:
    values = " ".join(record.values)
    return f"{record.name} {record.type} {values[:200]}{'…' if len(values) > 200 else ''} (TTL {record.ttl_s})"


def _plain(record: RecordSet | None) -> list[object] | None:
    return None if record is None else [record.name, record.type, list(record.values), record.ttl_s]
