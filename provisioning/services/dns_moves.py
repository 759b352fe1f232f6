"""Planned moves: a zone's names are to lead elsewhere at a moment that is known, and no cache is to be outrun."""

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from provisioning import dns_rows
from provisioning.choices import DnsRecordState
from provisioning.dns.desired import direction, earliest_move
from provisioning.models import HostedZone
from provisioning.selectors.zones import hosted_zone, wanted_records, zone_plan, zone_state
from provisioning.services.dns_plans import check_override
from provisioning.services.dns_zones import checked_targets_of, targets_of
from provisioning.wakeups import wake_zone
from tenants import access
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.models import User, Zone
from tenants.services.audit import audit_record
from tenants.services.unit import unit_of_work


def move_plan(*, zone: Zone, targets: list[str], at: datetime, actor: User, override: str = "") -> HostedZone:
    """Has all names of the zone lead to `targets` from `at` on. The TTL is lowered now, and raised again afterwards.

    `at` is at least the present TTL away. `override` says why, where the move changes more of the zone than plans may.
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
    earliest = earliest_move(zone_state(hosted), now)
    if at < earliest:
        raise InvalidInput.field(
            "at",
            f"is too early: caches remember the present TTL of {hosted.ttl_s} s; the earliest is "
            f"{earliest.isoformat(timespec='seconds')}",
        )
    hosted.next_targets, hosted.move_at, hosted.lowered_at = next_targets, at, None
    wanted = wanted_records(hosted, now)
    check_override(zone_plan(hosted, wanted), override)
    with unit_of_work():
        access.require(actor, "zone.change", zone)
        planned = HostedZone.objects.filter(pk=hosted.pk, move_at=None).update(
            next_targets=next_targets, move_at=at, lowered_at=None, override=override.strip()
        )
        if not planned:
            raise InvalidTransition("a move is planned for this zone: take it back first")
        dns_rows.want(hosted, wanted)
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
    hosted = hosted_zone(zone)
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
def move_advance(*, hosted: HostedZone) -> bool:
    """Does of a planned move what its time has come for. Gives whether the zone has something to be written."""
    hosted = HostedZone.objects.select_related("zone", "account").get(pk=hosted.pk)
    if hosted.move_at is None:
        return False
    now = timezone.now()
    if hosted.lowered_at is None and _has_low_ttl(hosted):
        HostedZone.objects.filter(pk=hosted.pk, move_at=hosted.move_at).update(lowered_at=now)
        hosted.lowered_at = now
        _tell(hosted, "zone.ttl_lowered", f"all names of zone {hosted.zone.name} have a TTL of {hosted.low_ttl_s} s")
    to = direction(zone_state(hosted), now)
    if to.is_over:
        HostedZone.objects.filter(pk=hosted.pk).update(targets=hosted.next_targets)
        hosted.targets = hosted.next_targets
        _ended(hosted)
        _tell(hosted, "zone.moved", f"zone {hosted.zone.name} has moved to {', '.join(to.targets)}")
        return True
    if dns_rows.want(hosted, wanted_records(hosted, now)):
        _tell(hosted, "zone.moving", f"the names of zone {hosted.zone.name} lead to {', '.join(to.targets)} now")
        return True
    return False


def _ended(hosted: HostedZone) -> None:
    hosted.next_targets, hosted.move_at, hosted.lowered_at, hosted.override = [], None, None, ""
    hosted.save(update_fields=["next_targets", "move_at", "lowered_at", "override"])
    dns_rows.want(hosted, wanted_records(hosted, timezone.now()))


def _has_low_ttl(hosted: HostedZone) -> bool:
    late = hosted.records.exclude(state=DnsRecordState.APPLIED, ttl_s__lte=hosted.low_ttl_s)
    return not late.exclude(state__in=[DnsRecordState.REMOVING, DnsRecordState.CONFLICT]).exists()


def _tell(hosted: HostedZone, action: str, message: str) -> None:
    audit_record(action=action, message=message, obj=hosted.zone)
