"""Writes what waits in a zone: one worker at a time, for all who wait (group commit).

Whoever wants records leaves rows, then tries to become the zone's writer. The writer takes all that waits in as few
calls as the vendor's batches allow, looks at what is there first, and reads back last: a row is applied when its record
was seen. A writer that dies leaves the zone to the next one after its lease; what it had half done is found by looking.
It does *not* judge how much of a zone may change: who leaves the rows does.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from provisioning.dns import planner
from provisioning.dns import record_rows as dns_rows
from provisioning.dns.account_calls import AccountCalls
from provisioning.dns.change_plan import Item, Key, Plan
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.desired import Wanted
from provisioning.dns.models import DnsRecord, HostedZone
from provisioning.dns.ownership import PLATFORM, parsed, registry_name
from provisioning.dns.records import TYPES, RecordSet, record_set
from provisioning.dns.services.moves import move_advance
from provisioning.exceptions import LeaseLost, OperatorError, ProvisioningError, RecordsChanged, RetryableError
from provisioning.operations.lease import Lease, holding

logger = logging.getLogger(__name__)

# Rows of one round, and rounds of one turn: another worker goes on.
MAX_ROWS, MAX_ROUNDS = 2_000, 50
# How often a zone that somebody else writes to is looked at again before the work is given back.
MAX_LOOKS = 3

# A worker that only wants to be sure waits for another one so often, and so long.
TURNS, TURN_S = 40, 0.05
# RFC 2181, section 8.
MAX_TTL_S = 2**31 - 1


def sync(hosted_id: int) -> bool:
    """Writes all that waits in the zone. False: another worker is at it.

    Raises what the provider raises; what was written by then stays, and the rest waits.
    """
    with zone_held(hosted_id) as lease:
        return lease is not None and write_waiting(lease)


def zone_held(hosted_id: int) -> AbstractContextManager[Lease[HostedZone] | None]:
    """The zone for the caller alone; None if another worker writes to it."""
    return holding(HostedZone.objects.select_related("zone", "account").filter(pk=hosted_id))


def write_waiting(lease: Lease[HostedZone]) -> bool:
    """As `sync`, for the worker that holds the zone. False: it went to another worker."""
    error = ""
    try:
        calls = AccountCalls(lease.row.account)
        for _ in range(MAX_ROUNDS):
            if not _round(lease, calls):
                break
    except LeaseLost:
        logger.warning("zone %s went to another worker", lease.row)
        return False
    except ProvisioningError as failure:
        error = str(failure)
        raise
    finally:
        lease.last = {"last_sync_at": timezone.now(), "last_error": error}
    return True


def advance(hosted_id: int) -> bool:
    """Has a planned move go on, and writes what waits, both under one lease. False: another worker is at it.

    Raises what the provider raises.
    """
    with zone_held(hosted_id) as lease:
        if lease is None:
            return False
        try:
            has_moved = lease.row.move_at is not None and move_advance(lease=lease)
        except LeaseLost:
            return False
        return write_waiting(lease) if has_moved or dns_rows.waiting(lease.row).exists() else True


def sync_all(hosted_id: int) -> None:
    """As `sync`; where another worker is at it, looks for a while whether it has taken all that waits."""
    for _ in range(TURNS):
        if sync(hosted_id) or not dns_rows.waiting(HostedZone(pk=hosted_id)).exists():
            return
        time.sleep(TURN_S)


def _round(lease: Lease[HostedZone], calls: AccountCalls) -> bool:
    """Takes all that waits now, as far as it goes. False: nothing waits."""
    rows = list(dns_rows.waiting(lease.row).select_related("app").order_by("pk")[:MAX_ROWS])
    if not rows:
        return False
    for look in range(MAX_LOOKS):
        lease.write()
        plan, actual = _planned(lease.row, rows, calls)
        try:
            refused = _applied(lease, plan.items, calls)
        except RecordsChanged:
            if look == MAX_LOOKS - 1:
                raise
            continue
        break
    if plan.items:
        lease.write()
        actual = calls.list_records(lease.row.zone.name, names=planner.names_around(_keys(rows), lease.row.zone.name))
    faults = {conflict.key: str(conflict) for conflict in plan.conflicts} | refused
    with lease.fenced():
        unseen = _record(lease.row, rows, actual, faults)
    if unseen:
        raise RetryableError(
            f"zone {lease.row.zone.name}: {unseen} does not show yet what was written: Berth looks again"
        )
    return True


def _planned(hosted: HostedZone, rows: Sequence[DnsRecord], calls: AccountCalls) -> tuple[Plan, list[RecordSet]]:
    zone, keys = hosted.zone.name, _keys(rows)
    wanted = [_wanted(row) for row in rows if row.state == DnsRecordState.PENDING]
    removing = {(row.name, row.type) for row in rows if row.state == DnsRecordState.REMOVING}
    actual = calls.list_records(zone, names=planner.names_around(keys, zone))
    plan = planner.plan(zone, wanted, actual, hosted.owner, removing=removing)
    if any(conflict.found.key not in keys for conflict in plan.conflicts):
        # Something else at one of the names: Berth's own, or not?
        actual = calls.list_records(zone, names=planner.names_around(keys, zone, TYPES))
        plan = planner.plan(zone, wanted, actual, hosted.owner, removing=removing)
    return plan, actual


def _applied(lease: Lease[HostedZone], items: Sequence[Item], calls: AccountCalls) -> dict[Key, str]:
    """Gives what the vendor refused, and why. Raises what concerns more than single records."""
    refused: dict[Key, str] = {}
    for batch in planner.batches(items, calls.capabilities.batch_size):
        lease.write()
        try:
            calls.apply(lease.row.zone.name, batch)
        except OperatorError as error:
            # The account itself, or one record of the batch? What is wrong with the account, its check says.
            calls.check()
            keys = {change.key for change in batch}
            inside = [item for item in items if keys.intersection(change.key for change in item.changes)]
            refused |= _one_by_one(lease, inside, calls) if len(inside) > 1 else {inside[0].key: str(error)}
    return refused


def _one_by_one(lease: Lease[HostedZone], items: Sequence[Item], calls: AccountCalls) -> dict[Key, str]:
    refused: dict[Key, str] = {}
    for item in items:
        lease.write()
        try:
            calls.apply(lease.row.zone.name, item.changes)
        except OperatorError as error:
            refused[item.key] = str(error)
    return refused


def _record(hosted: HostedZone, rows: Sequence[DnsRecord], actual: Sequence[RecordSet], faults: dict[Key, str]) -> str:
    """Writes down what was seen. Gives the name of one that does not show what it should; empty where all do."""
    found = {record.key: record for record in actual}
    # By what the vendor makes of the TTL: None where it takes it.
    applied: dict[int | None, list[DnsRecord]] = {}
    gone: list[DnsRecord] = []
    unseen = ""
    for row in rows:
        key = (row.name, row.type)
        registered = found.get((registry_name(*key), "TXT"))
        said = parsed(registered) if registered else None
        is_own = said is not None and said.owner == hosted.owner
        if key in faults:
            _at_its_generation([row]).update(
                error=faults[key],
                state=row.state if row.state == DnsRecordState.REMOVING else DnsRecordState.CONFLICT,
            )
        elif row.state == DnsRecordState.REMOVING:
            if is_own:
                unseen = row.name
            else:
                gone.append(row)
        elif is_own and key in found and list(found[key].values) == row.values:
            ttl_s = min(found[key].ttl_s, MAX_TTL_S)
            applied.setdefault(None if ttl_s == row.ttl_s else ttl_s, []).append(row)
        else:
            unseen = row.name
    for ttl_s_given, seen in applied.items():
        for part in _by_generation(seen):
            with transaction.atomic():
                dns_rows.lock(part)
                part.update(state=DnsRecordState.APPLIED, applied_at=timezone.now(), given_ttl_s=ttl_s_given, error="")
    for part in _by_generation(gone):
        with transaction.atomic():
            dns_rows.lock(part)
            part.delete()
    return unseen


def _by_generation(rows: Sequence[DnsRecord]) -> Iterator[QuerySet[DnsRecord]]:
    for generation in {row.generation for row in rows}:
        same = [row for row in rows if row.generation == generation]
        for start in range(0, len(same), dns_rows.CHUNK):
            yield _at_its_generation(same[start : start + dns_rows.CHUNK])


def _at_its_generation(rows: Sequence[DnsRecord]) -> QuerySet[DnsRecord]:
    """Rows of one generation, if nobody wants something else of them by now."""
    return DnsRecord.objects.filter(pk__in=[row.pk for row in rows], generation=rows[0].generation)


def _wanted(row: DnsRecord) -> Wanted:
    return Wanted(record_set(row.name, row.type, row.values, row.ttl_s), row.app.public_id if row.app else PLATFORM)


def _keys(rows: Iterable[DnsRecord]) -> set[Key]:
    return {(row.name, row.type) for row in rows}
