"""The rows of records: what is wanted of a zone, waiting for whoever writes to it next.

A change of what is wanted is a new `generation`: what was written for an earlier one does not count.

Whoever writes to many rows locks them first, all in the order of their keys, and adds new ones in the order of their
names: so that of those who write to the same rows at once none waits for one who waits for it.
"""

from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import F, QuerySet

from provisioning.dns.choices import DnsRecordState
from provisioning.dns.desired import Wanted
from provisioning.dns.models import DnsRecord, HostedZone
from provisioning.dns.ownership import PLATFORM
from provisioning.dns.records import RecordSet
from tenants.apps.choices import AppState
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp

Key = tuple[str, str]
# A statement takes so many values.
CHUNK = 500


def waiting(hosted: HostedZone) -> QuerySet[DnsRecord]:
    """What nobody has written yet, and nothing stands in the way of."""
    return DnsRecord.objects.filter(
        hosted_zone=hosted, state__in=[DnsRecordState.PENDING, DnsRecordState.REMOVING], error=""
    )


def given(hosted: HostedZone) -> dict[Key, tuple[int, int]]:
    """Of records for which the vendor takes no such TTL, the one that it is asked for and the one that it gives."""
    rows = DnsRecord.objects.filter(hosted_zone=hosted, given_ttl_s__isnull=False)
    return {
        (name, type_): (asked, found)
        for name, type_, asked, found in rows.values_list("name", "type", "ttl_s", "given_ttl_s")
        if found is not None
    }


def want(hosted: HostedZone, wanted: Sequence[Wanted], *, again: bool = False) -> int:
    """Has the records made or changed, and what else Berth has at their names removed. Gives how many rows wait for it.

    What is applied already is left alone, unless `again`: it was found to be not there. An app that is going gets
    nothing, whatever it had when `wanted` was made: who removes its rows waits in `hold_off`.
    """
    names = {one.record.name for one in wanted}
    keys = {one.key for one in wanted}
    # Mostly one: a move changes all in the same way.
    groups: dict[tuple[tuple[str, ...], int], list[int]] = {}
    with transaction.atomic():
        held = {(row.name, row.type): row for row in hold(hosted, names)}
        environments = _environments(wanted)
        missing = [_row(hosted, one, environments) for one in wanted if one.key not in held]
        missing.sort(key=lambda row: (row.name, row.type))
        DnsRecord.objects.bulk_create(missing, batch_size=CHUNK, ignore_conflicts=True)
        late = [(held[one.key], one) for one in wanted if one.key in held]
        late = [(row, one) for row, one in late if again or not _is_applied(row, one)]
        # Looked at last: an app that goes later finds these rows, or waits for them.
        going = _going({row.app_id for row in missing} | {row.app_id for row, _ in late})
        changed = len(missing)
        for row, one in late:
            if row.app_id not in going:
                groups.setdefault((one.record.values, one.record.ttl_s), []).append(row.pk)
        changed += sum(_change(pks, *content) for content, pks in groups.items())
        others = [row.pk for key, row in held.items() if key not in keys]
        if going:
            remove(DnsRecord.objects.filter(hosted_zone=hosted, app__in=going))
        return changed + remove(DnsRecord.objects.filter(pk__in=others))


def hold_off(app: PluginApp) -> None:
    """Returns when nobody is about to add rows for the app any more. It is going already."""
    with transaction.atomic():
        # Stronger than other locks on apps: a row that is being added refers to its app.
        list(PluginApp.objects.select_for_update().filter(pk=app.pk).values_list("pk", flat=True))


def _going(apps: Collection[int | None]) -> set[int]:
    pks = sorted(pk for pk in apps if pk is not None)
    found: set[int] = set()
    for start in range(0, len(pks), CHUNK):
        rows = PluginApp.objects.filter(
            pk__in=pks[start : start + CHUNK], state__in=(AppState.RETIRING, AppState.RETIRED)
        )
        found.update(rows.values_list("pk", flat=True))
    return found


def remove(rows: QuerySet[DnsRecord]) -> int:
    """Has the records removed. A row goes when its record is gone."""
    with transaction.atomic():
        pks = lock(rows)
        for start in range(0, len(pks), CHUNK):
            DnsRecord.objects.filter(pk__in=pks[start : start + CHUNK]).update(
                state=DnsRecordState.REMOVING, error="", generation=F("generation") + 1
            )
    return len(pks)


def remove_orphans(hosted: HostedZone, records: Iterable[RecordSet]) -> None:
    """Has records removed that are Berth's, and for which there is no row (any more)."""
    rows = [
        DnsRecord(
            hosted_zone=hosted,
            name=record.name,
            type=record.type,
            values=list(record.values),
            ttl_s=record.ttl_s,
            state=DnsRecordState.REMOVING,
        )
        for record in sorted(records)
    ]
    keys = {(row.name, row.type) for row in rows}
    with transaction.atomic():
        held = hold(hosted, {row.name for row in rows})
        DnsRecord.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
        remove(DnsRecord.objects.filter(pk__in=[row.pk for row in held if (row.name, row.type) in keys]))


def hold(hosted: HostedZone, names: Collection[str]) -> list[DnsRecord]:
    """The rows at these names, which nobody else changes before this transaction has ended."""
    listed = sorted(names)
    pks: list[int] = []
    for start in range(0, len(listed), CHUNK):
        rows = DnsRecord.objects.filter(hosted_zone=hosted, name__in=listed[start : start + CHUNK])
        pks += rows.values_list("pk", flat=True)
    pks.sort()
    found: list[DnsRecord] = []
    for start in range(0, len(pks), CHUNK):
        rows = DnsRecord.objects.filter(pk__in=pks[start : start + CHUNK])
        found += rows.select_for_update(no_key=True).order_by("pk")
    return found


def lock(rows: QuerySet[DnsRecord]) -> list[int]:
    """The keys of the rows, which nobody else changes before this transaction has ended."""
    return list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _environments(wanted: Iterable[Wanted]) -> dict[tuple[str, str], tuple[int, int]]:
    """(public id, environment's name) -> (app, environment)."""
    numbers = sorted({int(one.app.removeprefix("app")) for one in wanted if one.app != PLATFORM})
    found = {}
    for start in range(0, len(numbers), CHUNK):
        rows = Environment.objects.filter(app__number__in=numbers[start : start + CHUNK])
        for pk, name, app, number in rows.values_list("pk", "name", "app", "app__number"):
            found[(f"app{number}", name)] = (app, pk)
    return found


def _row(hosted: HostedZone, one: Wanted, environments: dict[tuple[str, str], tuple[int, int]]) -> DnsRecord:
    app, environment = environments.get((one.app, one.environment), (None, None))
    return DnsRecord(
        hosted_zone=hosted,
        name=one.record.name,
        type=one.record.type,
        values=list(one.record.values),
        ttl_s=one.record.ttl_s,
        app_id=app,
        environment_id=environment,
    )


def _is_applied(row: DnsRecord, one: Wanted) -> bool:
    same = (tuple(row.values), row.ttl_s) == (one.record.values, one.record.ttl_s)
    return same and (row.state == DnsRecordState.APPLIED or (row.state == DnsRecordState.PENDING and not row.error))


def _change(pks: Sequence[int], values: tuple[str, ...], ttl_s: int) -> int:
    for start in range(0, len(pks), CHUNK):
        DnsRecord.objects.filter(pk__in=pks[start : start + CHUNK]).update(
            values=list(values),
            ttl_s=ttl_s,
            given_ttl_s=None,
            state=DnsRecordState.PENDING,
            error="",
            generation=F("generation") + 1,
        )
    return len(pks)
