"""From what a zone should hold and what it holds to the changes that lead there. Pure, and linear in both.

What Berth did not make is never changed, removed or adopted: a record is Berth's where its registry record names the
owner (see `ownership`), and only there. Everything else at a name that Berth wants is a conflict, for a person.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from provisioning.dns.change_plan import SIGNATURES, Conflict, Item, Key, Plan, Reason
from provisioning.dns.desired import Wanted
from provisioning.dns.ownership import PREFIX, Ownership, parsed, registered_key, registry_name, registry_record
from provisioning.dns.records import TYPES, Change, RecordSet, is_in_zone

# What, at a name of Berth's, would answer in its place or send visitors elsewhere.
_RIVALS = frozenset({*TYPES, "NS", "DNAME"})


def plan(
    zone: str,
    wanted: Iterable[Wanted],
    actual: Sequence[RecordSet],
    owner: str,
    *,
    removing: Collection[Key] | None = None,
    given: Mapping[Key, tuple[int, int]] | None = None,
) -> Plan:
    """What leads from `actual` to `wanted`.

    `removing` has the names and types that shall go; None: all of the owner's that are not wanted, where `actual` is
    the whole zone. `given` has, of names and types for which the vendor took no such TTL, the one it was asked for and
    the one it gave instead: to ask again would change nothing.
    Raises `ValueError` for what Berth never writes: at the apex, outside of the zone, twice.
    """
    return _Planner(zone, wanted, actual, owner, given or {}).plan(removing)


class _Planner:
    def __init__(
        self,
        zone: str,
        wanted: Iterable[Wanted],
        actual: Sequence[RecordSet],
        owner: str,
        given: Mapping[Key, tuple[int, int]],
    ) -> None:
        self.zone, self.owner, self.given = zone, owner, given
        self.wanted: dict[Key, Wanted] = {}
        for one in wanted:
            self._check(one.key)
            self.wanted[one.key] = one
        self.actual = {record.key: record for record in actual}
        self.types: dict[str, list[str]] = {}
        # What each registry record speaks of, and what it says: None where it is not as Berth writes it.
        self.registry: dict[Key, tuple[RecordSet, Ownership | None]] = {}
        for record in self.actual.values():
            self.types.setdefault(record.name, []).append(record.type)
            if record.type == "TXT" and record.name.startswith(f"{PREFIX}."):
                key = registered_key(record.name, zone)
                if key is not None:
                    self.registry[key] = record, parsed(record)
        # What at a name hides all that is below it, and an NS what is at the name itself, too.
        self.cuts = {
            name: "NS" if "NS" in types and name != zone else "DNAME"
            for name, types in self.types.items()
            if "DNAME" in types or ("NS" in types and name != zone)
        }

    def plan(self, removing: Collection[Key] | None) -> Plan:
        creates: list[Item] = []
        updates: list[Item] = []
        deletes: list[Item] = []
        conflicts: list[Conflict] = []
        for key in sorted(self.wanted):
            one = self.wanted[key]
            conflict = self._conflict(one)
            if conflict is not None:
                conflicts.append(conflict)
                continue
            changes = tuple(self._towards(one))
            if changes:
                before = self.actual.get(key)
                item = Item(key, one.app, before, one.record, changes)
                (creates if before is None else updates).append(item)
        for key in sorted(self.registry if removing is None else removing):
            if key in self.wanted:
                continue
            if self._is_own(key):
                deletes.append(self._deletion(key))
            elif removing is not None and key not in self.registry and key in self.actual:
                conflicts.append(Conflict(key, Reason.LOST_OWNER, self.actual[key]))
        return Plan(
            self.zone,
            tuple(creates),
            tuple(updates),
            tuple(deletes),
            tuple(conflicts),
            sum(map(self._counts, self.actual)),
        )

    def _check(self, key: Key) -> None:
        name, type_ = key
        if type_ not in TYPES or not is_in_zone(name, self.zone) or name == self.zone:
            raise ValueError(f"{name} {type_}: Berth writes {', '.join(TYPES)} below {self.zone}, and nothing else")
        if key in self.wanted:
            raise ValueError(f"{name} {type_} is wanted twice")

    def _counts(self, key: Key) -> bool:
        name, type_ = key
        return type_ not in SIGNATURES and not (name == self.zone and type_ in ("SOA", "NS"))

    def _is_own(self, key: Key) -> bool:
        _, said = self.registry.get(key, (None, None))
        return said is not None and said.owner == self.owner

    def _conflict(self, one: Wanted) -> Conflict | None:
        name, type_ = one.key
        found = self.actual.get(one.key)
        if one.key in self.registry and not self._is_own(one.key):
            return Conflict(one.key, Reason.FOREIGN_OWNER, found or self.registry[one.key][0], one.record, one.app)
        if found is not None and one.key not in self.registry:
            reason = Reason.LOST_OWNER if found.values == one.record.values else Reason.FOREIGN_RECORD
            return Conflict(one.key, reason, found, one.record, one.app)
        cut = self._cut(name)
        if cut is not None:
            reason = Reason.DELEGATED if cut[1] == "NS" else Reason.REDIRECTED
            return Conflict(one.key, reason, self.actual[cut], one.record, one.app)
        for other in self.types.get(name, ()):
            key = (name, other)
            if other == type_ or key in self.wanted or self._is_own(key) or other in SIGNATURES:
                continue
            if other in _RIVALS:
                return Conflict(one.key, Reason.FOREIGN_RECORD, self.actual[key], one.record, one.app)
            if type_ == "CNAME":
                return Conflict(one.key, Reason.BESIDE_CNAME, self.actual[key], one.record, one.app)
        return None

    def _cut(self, name: str) -> Key | None:
        """What hides the name: a delegation at or above it, or a DNAME above it."""
        if not self.cuts:
            return None
        for above in (name, *names_between(name, self.zone), self.zone):
            type_ = self.cuts.get(above)
            if type_ == "NS" or (type_ == "DNAME" and above != name):
                return above, type_
        return None

    def _towards(self, one: Wanted) -> Iterator[Change]:
        """The registry record first: at no moment is there a record of Berth's that nothing says it made."""
        name, type_ = one.key
        registered, said = self.registry.get(one.key, (None, None))
        if said is None or said.app != one.app:
            yield Change(registered, registry_record(name, type_, Ownership(self.owner, one.app)))
        before = self.actual.get(one.key)
        if before != one.record and not self._is_given(before, one.record):
            yield Change(before, one.record)

    def _is_given(self, before: RecordSet | None, record: RecordSet) -> bool:
        """Whether what is there is all that the vendor makes of `record`."""
        same = before is not None and before.values == record.values
        return same and self.given.get(record.key) == (record.ttl_s, before.ttl_s if before else 0)

    def _deletion(self, key: Key) -> Item:
        """The registry record last, for the same reason."""
        registered, said = self.registry[key]
        before = self.actual.get(key)
        first = () if before is None else (Change(before, None),)
        return Item(key, said.app if said else "", before, None, (*first, Change(registered, None)))


def batches(items: Sequence[Item], batch_size: int) -> Iterator[list[Change]]:
    """The changes in batches of at most `batch_size`; those of one record stay together, in their order."""
    batch: list[Change] = []
    for item in items:
        if batch and len(batch) + len(item.changes) > batch_size:
            yield batch
            batch = []
        batch.extend(item.changes)
    if batch:
        yield batch


def names_around(keys: Collection[Key], zone: str, types: Sequence[str] = ()) -> set[str]:
    """The names that a plan about `keys` alone must know: theirs, those of their registry records (of `types`, too,
    where something else is at one of the names), and those between them and the zone's, which may be delegated.
    """
    around = {part for name, own in keys for part in (name, *(registry_name(name, type_) for type_ in {own, *types}))}
    return around.union(*(names_between(name, zone) for name, _ in keys))


def names_between(name: str, zone: str) -> list[str]:
    """The names above `name` and below the zone's."""
    found = []
    while is_in_zone(name := name.partition(".")[2], zone) and name != zone:
        found.append(name)
    return found
