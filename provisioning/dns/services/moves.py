"""Planned moves: a zone's names are to lead elsewhere at a moment that is known, and no cache is to be outrun."""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Coalesce
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.change_plan import Plan
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.desired import direction, earliest_move, remembered_s, switches_at
from provisioning.dns.models import HostedZone
from provisioning.dns.selectors.zones import hosted_zone, wanted_records, zone_plan, zone_state
from provisioning.dns.services.plans import check_override
from provisioning.dns.services.zones import checked_targets_of, targets_of
from provisioning.exceptions import LeaseLost
from provisioning.operations.lease import Lease
from provisioning.operations.wakeups import wake_zone
from tenants import access
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.names.models.zone import Zone
from tenants.people.models.user import User


def move_plan(*, zone: Zone, targets: list[str], at: datetime, actor: User, override: str = "") -> HostedZone:
    """Has all names of the zone lead to `targets` from `at` on. The TTL is lowered now, and raised again afterwards.

    `at` is at least as far away as caches remember what is there. `override` says why, where the move changes more of
    the zone than plans may.
    Raises `InvalidInput` naming the field, `InvalidTransition` where a move is planned, and what providers raise.
    """
    with unit_of_work():
        access.require(actor, "zone.change", zone)
    hosted = hosted_zone(zone)
    if hosted.move_at is not None:
        raise InvalidTransition("a move is planned for this zone: take it back first")
    now = timezone.now()
    next_targets = checked_targets_of(zone, targets, "targets")
    if tuple(next_targets) == targets_of(hosted):
        raise InvalidInput.field("targets", "are where the names lead now: name others")
    hosted.next_targets, hosted.move_at, hosted.lowered_at = next_targets, at, None
    plan = zone_plan(hosted)
    hosted.remembered_ttl_s = _longest_ttl_s(hosted, plan)
    earliest = earliest_move(zone_state(hosted), now)
    if at < earliest:
        raise InvalidInput.field(
            "at",
            f"is too early: caches remember the present TTL of {remembered_s(zone_state(hosted))} s; the earliest is "
            f"{earliest.isoformat(timespec='seconds')}",
        )
    check_override(plan, override)
    with unit_of_work():
        access.require(actor, "zone.change", zone)
        planned = HostedZone.objects.filter(pk=hosted.pk, move_at=None).update(
            next_targets=next_targets,
            move_at=at,
            lowered_at=None,
            remembered_ttl_s=hosted.remembered_ttl_s,
            override=override.strip(),
        )
        if not planned:
            raise InvalidTransition("a move is planned for this zone: take it back first")
        # As it is now: listing the zone took its time.
        hosted = _locked(hosted)
        dns_rows.want(hosted, wanted_records(hosted, now))
        audit_record(
            action="zone.move_planned",
            message=f"zone {zone.name} moves to {', '.join(next_targets)} at {at:%Y-%m-%d %H:%M} UTC"
            + (f"; {override.strip()}" if override.strip() else ""),
            actor=actor,
            obj=zone,
            before={"targets": list(targets_of(hosted)), "ttl_s": hosted.ttl_s},
            after={"targets": next_targets, "move_at": at.isoformat(), "ttl_s": hosted.low_ttl_s},
        )
        transaction.on_commit(partial(wake_zone, hosted.pk))
    return hosted


@unit_of_work
def move_cancel(*, zone: Zone, actor: User) -> HostedZone:
    """Takes a planned move back, and the TTL goes up again. Raises `InvalidTransition` where there is none, or where
    the names lead to the new targets already.
    """
    access.require(actor, "zone.change", zone)
    hosted = _locked(hosted_zone(zone))
    if hosted.move_at is None:
        raise InvalidTransition("no move is planned for this zone")
    if direction(zone_state(hosted), timezone.now()).is_moved:
        raise InvalidTransition("the names lead to the new targets already: plan a move back")
    before = {"move_at": hosted.move_at.isoformat(), "targets": hosted.next_targets}
    _ended(hosted)
    audit_record(
        action="zone.move_cancelled",
        message=f"the move of zone {zone.name} is taken back",
        actor=actor,
        obj=zone,
        before=before,
        after={"move_at": None, "targets": list(targets_of(hosted))},
    )
    transaction.on_commit(partial(wake_zone, hosted.pk))
    return hosted


@unit_of_work
def move_advance(*, lease: Lease[HostedZone]) -> bool:
    """Does of a planned move what its time has come for. Gives whether the zone has something to be written.

    Raises `LeaseLost`.
    """
    hosted = _locked(lease.row)
    if hosted.fence != lease.fence:
        raise LeaseLost
    if hosted.move_at is None:
        return False
    now = timezone.now()
    if hosted.lowered_at is None and _has_low_ttl(hosted, now):
        HostedZone.objects.filter(pk=hosted.pk).update(lowered_at=now)
        hosted.lowered_at = now
        _tell(hosted, "zone.ttl_lowered", f"all names of zone {hosted.zone.name} have a TTL of {hosted.low_ttl_s} s")
    begins = switches_at(zone_state(hosted))
    to = direction(zone_state(hosted), now)
    # The TTL stays low until all is written and no cache can have what was.
    if dns_rows.want(hosted, wanted_records(hosted, begins if to.is_over and begins else now)):
        _tell(hosted, "zone.moving", f"the names of zone {hosted.zone.name} lead to {', '.join(to.targets)} now")
        return True
    if not to.is_over or begins is None:
        return False
    if not _is_forgotten(hosted, begins, now):
        return dns_rows.waiting(hosted).exists()
    HostedZone.objects.filter(pk=hosted.pk).update(targets=hosted.next_targets)
    hosted.targets = hosted.next_targets
    _ended(hosted)
    _tell(hosted, "zone.moved", f"zone {hosted.zone.name} has moved to {', '.join(to.targets)}")
    return True


def _locked(hosted: HostedZone) -> HostedZone:
    """As it is now, and nobody else plans, takes back or ends its move before this transaction has ended."""
    rows = HostedZone.objects.select_for_update(no_key=True, of=("self",)).select_related("zone", "account")
    return rows.get(pk=hosted.pk)


def _ended(hosted: HostedZone) -> None:
    hosted.next_targets, hosted.move_at, hosted.lowered_at, hosted.override = [], None, None, ""
    hosted.remembered_ttl_s = 0
    hosted.save(update_fields=["next_targets", "move_at", "lowered_at", "override", "remembered_ttl_s"])
    dns_rows.want(hosted, wanted_records(hosted, timezone.now()))


def _longest_ttl_s(hosted: HostedZone, plan: Plan) -> int:
    """Of all that is there: the zone's own TTL may have been another until a moment ago, or not be the vendor's."""
    found = hosted.records.aggregate(longest=Max(Coalesce("given_ttl_s", "ttl_s")))["longest"] or 0
    return max(found, *(item.before.ttl_s for item in plan.updates if item.before is not None), 0)


def _has_low_ttl(hosted: HostedZone, now: datetime) -> bool:
    """Whether all that is wanted was written with it, whatever the vendor makes of it."""
    late = hosted.records.exclude(state=DnsRecordState.APPLIED, ttl_s__lte=hosted.low_ttl_s)
    late = late.exclude(state__in=[DnsRecordState.REMOVING, DnsRecordState.CONFLICT])
    keys = set(late.values_list("name", "type"))
    return not keys or keys.isdisjoint(one.key for one in wanted_records(hosted, now))


def _is_forgotten(hosted: HostedZone, begins: datetime, now: datetime) -> bool:
    """Whether all records are written, and no cache can remember what stood there before.

    A vendor may make more of the low TTL than it is. Records of names that came later never led elsewhere.
    """
    rows = hosted.records.exclude(state__in=[DnsRecordState.REMOVING, DnsRecordState.CONFLICT])
    if rows.filter(state=DnsRecordState.PENDING).exists():
        return False
    rows = rows.filter(created_at__lt=begins)
    ends = rows.annotate(given=Coalesce("given_ttl_s", hosted.low_ttl_s)).values_list("applied_at", "given")
    return all(at is None or at + timedelta(seconds=max(given, hosted.low_ttl_s)) <= now for at, given in ends)


def _tell(hosted: HostedZone, action: str, message: str) -> None:
    audit_record(action=action, message=message, obj=hosted.zone)
