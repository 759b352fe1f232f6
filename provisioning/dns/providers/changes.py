"""What every provider does with changes before it sends them."""

from collections.abc import Collection, Mapping, Sequence

from provisioning.dns.protocol import Provider
from provisioning.dns.records import TYPES, Change, RecordSet, canonical_name, is_in_zone, record_set
from provisioning.exceptions import OperatorError, RecordsChanged


def refuse_unfit(zone: str, changes: Sequence[Change], *, batch_size: int) -> None:
    """Raises `OperatorError` for what must not be sent at all, naming the record and the fault."""
    if batch_size > 1 and len(changes) > batch_size:
        raise OperatorError(f"{len(changes)} changes at once: at most {batch_size}, whoever plans them must split them")
    keys = set()
    for change in changes:
        name, type_ = change.key
        where = f"{name[:80]!r} {type_[:10]!r} in zone {zone}"
        if type_ not in TYPES:
            raise OperatorError(f"{where}: Berth changes {', '.join(TYPES)} and no other type")
        if change.key in keys or (change.before and change.before.key != change.key):
            raise OperatorError(f"{where}: one change for one record set, with its name and type before and after")
        keys.add(change.key)
        if change.after is not None:
            _refuse_odd(change.after, where)
        # What there is already may have values that Berth would not make, and no such name.
        if not is_plain_name(name):
            raise OperatorError(f"{where}: this is no name that Berth gives to a record")
        if not is_in_zone(name, zone):
            raise OperatorError(f"{where}: the name is outside the zone; ask the provider that has its zone")
        if change.after is not None and type_ == "CNAME" and name == zone:
            raise OperatorError(f"{where}: a CNAME can't stand where the zone begins: use addresses there")


def is_plain_name(name: str) -> bool:
    """A name as `records` has it, which means the same wherever it is put."""
    try:
        return canonical_name(name) == name
    except ValueError:
        return False


def _refuse_odd(record: RecordSet, where: str) -> None:
    """A record set that was not made by `record_set` may hold anything."""
    try:
        checked = record_set(record.name, record.type, record.values, record.ttl_s)
    except ValueError as exc:
        raise OperatorError(f"{where}: {exc}") from exc
    if checked != record:
        raise OperatorError(f"{where}: not in the form that record_set() gives")


def names_within(zone: str, names: Collection[str]) -> list[str]:
    """Those of `names` at which the zone can have a record that Berth names."""
    return sorted(name for name in set(names) if is_plain_name(name) and is_in_zone(name, zone))


def by_key(records: Collection[RecordSet]) -> dict[tuple[str, str], RecordSet]:
    return {record.key: record for record in records}


def outstanding(zone: str, changes: Sequence[Change], present: Mapping[tuple[str, str], RecordSet]) -> list[Change]:
    """The changes that are not in force yet. Raises `RecordsChanged` where one does not start from what is there.

    What it started from is compared by its values: that is all that RFC 2136 can compare.
    """
    left = [change for change in changes if present.get(change.key) != change.after]
    for change in left:
        found, expected = present.get(change.key), change.before
        if (found.values if found else None) != (expected.values if expected else None):
            name, type_ = change.key
            raise RecordsChanged(
                f"{name} {type_} in zone {zone} is not what it was when the change was planned: "
                "somebody else has changed it, so nothing was changed; plan again"
            )
    return left


def refuse_conflicts(zone: str, changes: Sequence[Change], present: Mapping[tuple[str, str], RecordSet]) -> None:
    """Raises `OperatorError` where an alias would stand beside something else (RFC 1034, section 3.6.2)."""
    after = set(present) - {change.key for change in changes if change.after is None}
    after |= {change.key for change in changes if change.after is not None}
    aliases = {name for name, type_ in after if type_ == "CNAME"}
    # What signs a zone stands beside aliases too.
    conflicts = {key for key in after if key[0] in aliases and key[1] not in {"CNAME", "RRSIG", "NSEC"}}
    for name in sorted({change.key[0] for change in changes} & {key[0] for key in conflicts}):
        types = ", ".join(sorted(type_ for found, type_ in conflicts if found == name))
        raise OperatorError(
            f"{name} in zone {zone}: a CNAME can't stand beside {types}; whoever made one of them must remove it"
        )


def removals_first(changes: Sequence[Change]) -> list[Change]:
    """For a batch that is atomic: a CNAME makes room for addresses, and the other way round."""
    return sorted(changes, key=lambda change: change.after is not None)


def ensure(provider: Provider, zone: str, record: RecordSet) -> None:
    """`ensure_record` of every provider."""
    found = _look(provider, zone, record)
    if found != record:
        provider.apply(zone, [Change(before=found, after=record)])


def remove(provider: Provider, zone: str, record: RecordSet) -> None:
    """`remove_record` of every provider."""
    found = _look(provider, zone, record)
    if found is not None:
        provider.apply(zone, [Change(before=found, after=None)])


def _look(provider: Provider, zone: str, record: RecordSet) -> RecordSet | None:
    # What must not be sent is refused before anything is.
    refuse_unfit(zone, [Change(before=None, after=record)], batch_size=1)
    return by_key(provider.list_records(zone, names=[record.name])).get(record.key)
