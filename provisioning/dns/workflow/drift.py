"""Compares each zone with what it should hold, and repairs or reports by its policy; has moves go on in time.

What nobody has asked to be written yet is no drift: new names come with their app, or with a plan that is applied.
"""

import hashlib
import logging
from typing import Any

from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.change_plan import MAX_SHARE, Plan
from provisioning.dns.choices import DnsRecordState, DriftPolicy
from provisioning.dns.models import HostedZone
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import wanted_records, zone_plan
from provisioning.dns.services.events import zone_event
from provisioning.dns.workflow.sync import advance, sync
from provisioning.exceptions import LeaseLost, ProvisioningError
from provisioning.operations.choices import RoundKind
from provisioning.operations.lease import Lease
from provisioning.operations.rounds import Round, round_held

logger = logging.getLogger(__name__)
# What is kept and told of one round.
MAX_FINDINGS = 200
TOO_MUCH, UNREACHABLE = "too_much", "unreachable"


def compare_all() -> None:
    """Each zone once; one that can't be read is told once, and holds up no other.

    A zone that another worker compares is left to that one. Writers are not kept waiting: they hold the zone itself.
    """
    for pk in HostedZone.objects.filter(account__is_enabled=True).values_list("pk", flat=True):
        with round_held(RoundKind.COMPARE_ZONE, hosted_zone=HostedZone(pk=pk)) as lease:
            if lease is not None:
                _compare(lease, HostedZone.objects.select_related("zone", "account").get(pk=pk))


def _compare(lease: Lease[Round], hosted: HostedZone) -> None:
    try:
        compare(hosted, lease)
    except LeaseLost:
        logger.warning("another worker compares zone %s", hosted.zone.name)
    except ProvisioningError as error:
        logger.warning("zone %s was not compared: %s", hosted.zone.name, error)
        _unreachable(hosted, str(error))


def advance_all() -> None:
    """Moves whose time has come, and what still waits though nobody is at it."""
    for hosted in HostedZone.objects.filter(account__is_enabled=True).select_related("zone", "account"):
        try:
            if hosted.move_at is not None or dns_rows.waiting(hosted).exists():
                advance(hosted.pk)
        except ProvisioningError as error:
            logger.warning("zone %s waits: %s", hosted.zone.name, error)


def compare(hosted: HostedZone, lease: Lease[Round]) -> Plan:
    """One listing. Raises what providers raise, and `LeaseLost`.

    What is written while the zone is listed is no drift, whichever of the two came first.
    """
    applied = hosted.records.filter(state=DnsRecordState.APPLIED)
    before = set(applied.values_list("name", "type", "generation"))
    wanted = wanted_records(hosted, timezone.now())
    plan = zone_plan(hosted, wanted)
    after = applied.all().values_list("name", "type", "generation")
    steady = {(name, type_) for name, type_, generation in after if (name, type_, generation) in before}
    rows = set(hosted.records.values_list("name", "type"))
    strayed = {item.key for item in plan.items if item.key in steady or (item.after is None and item.key not in rows)}
    findings = [_finding(sign, item.key, item.app, str(item)) for sign, item in _of(plan, strayed)]
    findings += [
        _finding("conflict", conflict.key, conflict.app, str(conflict))
        for conflict in plan.conflicts
        if conflict.key in rows
    ]
    # Restored in one sweep, a zone that was emptied by mistake would look the same as one that Berth misjudges.
    affected = sum(change.before is not None for item in plan.items if item.key in strayed for change in item.changes)
    is_too_much = plan.needs_override and affected > MAX_SHARE * plan.total
    if is_too_much:
        text = f"{affected} of {plan.total} records would change or be deleted: an operator must look at the plan"
        findings.insert(0, _finding(TOO_MUCH, (hosted.zone.name, ""), "", text))
    with lease.fenced():
        _tell(hosted, findings)
    if strayed and hosted.drift_policy == DriftPolicy.REPAIR and not is_too_much:
        _repair(hosted, plan, strayed)
    return plan


def _repair(hosted: HostedZone, plan: Plan, strayed: set[tuple[str, str]]) -> None:
    names = {item.key[0] for item in plan.items if item.key in strayed and item.after is not None}
    wanted = [one for one in wanted_records(hosted, timezone.now()) if one.record.name in names]
    dns_rows.want(hosted, wanted, again=True)
    gone = [item for item in plan.deletes if item.key in strayed]
    dns_rows.remove_orphans(hosted, [item.before or RecordSet(*item.key, (), 1) for item in gone])
    sync(hosted.pk)
    zone_event(
        zone=hosted.zone,
        action="dns.repaired",
        message=f"zone {hosted.zone.name}: {len(strayed)} records put right",
        data={"records": [" ".join(key) for key in sorted(strayed)[:MAX_FINDINGS]]},
    )


def _of(plan: Plan, keys: set[tuple[str, str]]) -> list[tuple[str, Any]]:
    kinds = (("orphan", plan.deletes), ("changed", plan.updates), ("missing", plan.creates))
    return [(kind, item) for kind, items in kinds for item in items if item.key in keys]


def _finding(kind: str, key: tuple[str, str], app: str, text: str) -> dict[str, str]:
    name, type_ = key
    digest = hashlib.sha256(f"{kind} {name} {type_} {text}".encode()).hexdigest()[:16]
    return {"kind": kind, "name": name, "type": type_, "app": app, "text": text, "digest": digest}


def _tell(hosted: HostedZone, findings: list[dict[str, str]]) -> None:
    """Each finding once: as long as it lasts it is not told again."""
    known = {finding["digest"] for finding in hosted.findings}
    told = findings[:MAX_FINDINGS]
    for finding in told:
        if finding["digest"] not in known:
            zone_event(
                zone=hosted.zone,
                action="dns.drift",
                message=f"zone {hosted.zone.name}: {finding['kind']}: {finding['text']}",
                data={name: finding[name] for name in ("kind", "name", "type", "app")},
            )
    if _was_unreachable(hosted):
        zone_event(
            zone=hosted.zone, action="dns.reachable", message=f"zone {hosted.zone.name} can be compared again", data={}
        )
    if known != {finding["digest"] for finding in told} or hosted.last_error:
        HostedZone.objects.filter(pk=hosted.pk).update(findings=told, last_error="")


def _unreachable(hosted: HostedZone, error: str) -> None:
    """Told once, whatever those who write to the zone meanwhile leave in `last_error`."""
    HostedZone.objects.filter(pk=hosted.pk).update(last_error=error)
    if _was_unreachable(hosted):
        return
    findings = [_finding(UNREACHABLE, (hosted.zone.name, ""), "", error), *hosted.findings]
    HostedZone.objects.filter(pk=hosted.pk).update(findings=findings[: MAX_FINDINGS + 1])
    zone_event(
        zone=hosted.zone,
        action="dns.unreachable",
        message=f"zone {hosted.zone.name} can't be compared: {error}",
        data={},
    )


def _was_unreachable(hosted: HostedZone) -> bool:
    return any(finding["kind"] == UNREACHABLE for finding in hosted.findings)
