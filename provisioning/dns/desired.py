"""What a zone should hold now: from its hostnames, where they point, and a move that may be planned. Pure.

A move goes in three steps, none of which outruns a cache: the TTL is lowered at once; the targets change at `move_at`,
and not before all records had the low TTL for as long as the old one could be remembered; when the low TTL has passed
once more the move is over, and the TTL goes up again.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.dns.ownership import PLATFORM
from provisioning.dns.records import RecordSet, canonical_name, is_in_zone, record_set

MAX_TARGETS = 20


@dataclass(frozen=True)
class Hostname:
    """A name that the platform made, and whose it is: the app's public id, and the environment's."""

    name: str
    app: str
    environment: str = ""


@dataclass(frozen=True)
class Wanted:
    """A record set that shall be, and for whom."""

    record: RecordSet
    app: str
    environment: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.record.key


@dataclass(frozen=True, kw_only=True)
class ZoneState:
    """What is set for a zone: see `HostedZone`. `remembered_ttl_s` may be above `ttl_s`, which may have changed."""

    zone: str
    targets: tuple[str, ...]
    ttl_s: int
    low_ttl_s: int
    next_targets: tuple[str, ...] = ()
    move_at: datetime | None = None
    lowered_at: datetime | None = None
    remembered_ttl_s: int = 0
    is_wildcard: bool = False


@dataclass(frozen=True)
class Direction:
    """Where names point now. `is_moved`: to the new targets. `is_over`: nothing of the move is left to do."""

    targets: tuple[str, ...]
    ttl_s: int
    is_moved: bool = False
    is_over: bool = False


def checked_targets(values: Sequence[str]) -> tuple[str, ...]:
    """Addresses, or exactly one name. Raises `ValueError` without naming a field."""
    if not 1 <= len(values) <= MAX_TARGETS:
        raise ValueError(f"has {len(values)} targets: give 1 to {MAX_TARGETS} addresses, or one name")
    found = []
    for value in values:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            if len(values) > 1 or value.replace(".", "").isdigit():
                raise ValueError(f"has {value[:60]!r}, which is no address: give addresses, or one name") from None
            name = canonical_name(value)
            if "." not in name or "*" in name or "_" in name:
                raise ValueError(f"has {value[:60]!r}, which is no hostname: give one with a dot in it") from None
            return (name,)
        if address.is_unspecified or address.is_multicast or "%" in value:
            raise ValueError(f"has {value[:60]!r}, to which nobody can connect: give the edge's public address")
        found.append(str(address))
    return tuple(sorted(set(found), key=lambda text: (":" in text, text)))


def direction(state: ZoneState, now: datetime) -> Direction:
    if state.move_at is None or not state.next_targets:
        return Direction(state.targets, state.ttl_s)
    begins = switches_at(state)
    if begins is None or now < begins:
        return Direction(state.targets, state.low_ttl_s)
    if now < begins + timedelta(seconds=state.low_ttl_s):
        return Direction(state.next_targets, state.low_ttl_s, is_moved=True)
    return Direction(state.next_targets, state.ttl_s, is_moved=True, is_over=True)


def switches_at(state: ZoneState) -> datetime | None:
    """When the targets change. None while nobody knows, since not all records have the low TTL yet."""
    if state.move_at is None or state.lowered_at is None:
        return None
    return max(state.move_at, state.lowered_at + timedelta(seconds=remembered_s(state)))


def earliest_move(state: ZoneState, now: datetime) -> datetime:
    return now + timedelta(seconds=remembered_s(state))


def remembered_s(state: ZoneState) -> int:
    """How long caches may remember what is there before the TTL is lowered."""
    return max(state.ttl_s, state.remembered_ttl_s)


def desired(state: ZoneState, hostnames: Iterable[Hostname], now: datetime) -> list[Wanted]:
    """All record sets that the zone shall hold of Berth's. Raises `ValueError` for targets that can't be."""
    to = direction(state, now)
    by_type: dict[str, list[str]] = {}
    for target in checked_targets(to.targets):
        by_type.setdefault(_type_of(target), []).append(target)
    if state.is_wildcard:
        hostnames = [Hostname(f"*.{state.zone}", PLATFORM)]
    wanted = []
    for hostname in hostnames:
        if not is_in_zone(hostname.name, state.zone) or hostname.name == state.zone:
            raise ValueError(f"{hostname.name} is no name below {state.zone}")
        for type_, values in by_type.items():
            record = record_set(hostname.name, type_, values, to.ttl_s)
            wanted.append(Wanted(record, hostname.app, hostname.environment))
    return wanted


def _type_of(target: str) -> str:
    if ":" in target:
        return "AAAA"
    return "A" if target.replace(".", "").isdigit() else "CNAME"
