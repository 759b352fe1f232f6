"""Plans that are applied, and records that are taken over: by operators, each with its reason."""

import hmac
from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.account_calls import AccountCalls
from provisioning.dns.change_plan import Plan
from provisioning.dns.desired import Wanted
from provisioning.dns.models import DnsRecord, HostedZone
from provisioning.dns.ownership import PLATFORM, PREFIX, Ownership, parsed, registry_name, registry_record
from provisioning.dns.planner import names_around
from provisioning.dns.records import TYPES, Change, RecordSet, canonical_name, is_in_zone
from provisioning.dns.selectors.zones import hosted_zone, wanted_records, zone_plan
from provisioning.dns.services.events import zone_event
from provisioning.operations.wakeups import wake_zone
from tenants import access, validators
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.names.models.subdomain import Subdomain
from tenants.names.models.zone import Zone
from tenants.people.models.user import User

# What the trail quotes of a plan.
QUOTED = 50


def zone_apply(*, zone: Zone, digest: str, actor: User | None, override: str = "") -> Plan:
    """Has the plan written that `digest` is of; it is on its way when this returns.

    `override` says why, where the plan would change or delete more of the zone than plans may. What is in conflict is
    left alone. Raises `InvalidTransition` where the plan is not what it was, `InvalidInput`, and what providers raise.
    """
    with unit_of_work():
        _require(actor, zone)
    hosted = hosted_zone(zone)
    wanted = wanted_records(hosted, timezone.now())
    plan = zone_plan(hosted, wanted)
    if not hmac.compare_digest(digest.encode(), plan.digest.encode()):
        raise InvalidTransition("plan: the zone or what is wanted of it has changed since: look at the new plan")
    check_override(plan, override)
    with unit_of_work():
        # Again, since listing the zone took its time.
        _require(actor, zone)
        accept(hosted, plan, wanted)
        audit_record(
            action="dns.applied",
            message=f"zone {zone.name}: {plan.summary}" + (f"; {override.strip()}" if override.strip() else ""),
            actor=actor,
            obj=zone,
            data={
                "plan": plan.digest,
                "override": override.strip(),
                "changes": [f"{sign} {item}" for sign, item in plan.signed[:QUOTED]],
            },
        )
        transaction.on_commit(partial(wake_zone, hosted.pk))
    return plan


@unit_of_work
def names_ensure(*, hosted: HostedZone) -> int:
    """Has the records of all apps' hostnames written that nobody has asked for yet: apps that are older than the zone
    have their names in it, too. Gives their number. May run again at any time: records that are there are left alone.

    Raises `OperatorError` where names have nowhere to point.
    """
    before = set(hosted.records.values_list("name", "type"))
    named = Subdomain.objects.filter(zone=hosted.zone_id).values("environment__app")
    # One that goes at the same moment does so before this, and gets no row, or after it, and has its rows removed.
    list(PluginApp.objects.select_for_update(no_key=True).filter(pk__in=named).order_by("pk"))
    missing = [one for one in wanted_records(hosted, timezone.now()) if one.key not in before]
    if missing:
        dns_rows.want(hosted, missing)
        message = f"zone {hosted.zone.name}: records of apps that had none are on their way"
        records = [" ".join(one.key) for one in missing[:QUOTED]]
        zone_event(zone=hosted.zone, action="dns.asked_for", message=message, data={"records": records})
    return len(missing)


def record_adopt(
    *, zone: Zone, name: str, type_: str, reason: str, actor: User | None, previous_owner: str = ""
) -> RecordSet:
    """Makes a record Berth's own that it did not make: its owner record is written, and nothing else, by this.

    What is wanted at the name is written over it soon after; what is not wanted there is then removed. A record with an
    owner record of somebody else's is taken over only where `previous_owner` has its text.
    Raises `InvalidInput`, `InvalidTransition`, and what providers raise.
    """
    with unit_of_work():
        _require(actor, zone)
    hosted = hosted_zone(zone)
    type_ = type_.upper()
    name = _checked_name(zone, name, type_)
    if not reason.strip():
        raise InvalidInput.field("reason", "is empty: say why Berth may take the record over")
    validators.free_text(reason, field="reason")
    calls = AccountCalls(hosted.account)
    found = {
        record.key: record for record in calls.list_records(zone.name, names=names_around([(name, type_)], zone.name))
    }
    record, registered = found.get((name, type_)), found.get((registry_name(name, type_), "TXT"))
    if record is None:
        raise InvalidTransition(f"{name} {type_} is not in the zone: there is nothing to take over")
    said = parsed(registered) if registered else None
    if said is not None and said.owner == hosted.owner:
        raise InvalidTransition(f"{name} {type_} is Berth's own already")
    if registered is not None and previous_owner not in registered.values:
        raise InvalidInput.field(
            "previous_owner", f"the record is somebody else's: repeat the text of its owner record, {registered.values}"
        )
    wanted = next((one for one in wanted_records(hosted, timezone.now()) if one.key == (name, type_)), None)
    mark = registry_record(name, type_, Ownership(hosted.owner, wanted.app if wanted else PLATFORM))
    calls.apply(zone.name, [Change(registered, mark)])
    with unit_of_work():
        _require(actor, zone)
        dns_rows.hold(hosted, [name])
        if wanted is None:
            dns_rows.remove_orphans(hosted, [record])
        DnsRecord.objects.filter(hosted_zone=hosted, name=name, type=type_).exclude(error="").update(error="")
        if wanted is not None:
            dns_rows.want(hosted, [one for one in wanted_records(hosted, timezone.now()) if one.record.name == name])
        audit_record(
            action="dns.adopted",
            message=f"{name} {type_} taken over: {reason.strip()}",
            actor=actor,
            obj=zone,
            before={
                "values": list(record.values),
                "ttl_s": record.ttl_s,
                "owner": registered.values[0] if registered else "",
            },
            after={"owner": hosted.owner},
        )
        transaction.on_commit(partial(wake_zone, hosted.pk))
    return record


def accept(hosted: HostedZone, plan: Plan, wanted: Sequence[Wanted]) -> None:
    """Leaves rows for all that the plan does, for whoever writes to the zone next."""
    disputed = {conflict.key[0] for conflict in plan.conflicts}
    changed = {item.key[0] for item in plan.items}
    dns_rows.hold(hosted, changed | {one.record.name for one in wanted})
    dns_rows.want(hosted, [one for one in wanted if one.record.name not in disputed | changed])
    dns_rows.want(hosted, [one for one in wanted if one.record.name in changed - disputed], again=True)
    gone = [item.before or RecordSet(*item.key, (), 1) for item in plan.deletes]
    dns_rows.remove_orphans(hosted, gone)


def check_override(plan: Plan, override: str) -> None:
    validators.free_text(override, field="override")
    if plan.needs_override and not override.strip():
        raise InvalidInput.field(
            "override",
            f"{plan.affected} of the zone's {plan.total} records would change or be deleted ({plan.share:.0%}): "
            "look at the plan, and if it is right, say why",
        )


def _require(actor: User | None, zone: Zone) -> None:
    """Nobody is who has a shell on the platform's own machine."""
    if actor is not None:
        access.require(actor, "dns.apply", zone)


def _checked_name(zone: Zone, name: str, type_: str) -> str:
    if type_ not in TYPES:
        raise InvalidInput.field("type", f"is none of {', '.join(TYPES)}: Berth keeps no others, leave it alone")
    try:
        name = canonical_name(name)
    except ValueError:
        raise InvalidInput.field("name", "is no name of a record: give it whole, as the plan shows it") from None
    if not is_in_zone(name, zone.name) or name == zone.name:
        raise InvalidInput.field("name", f"is no name below {zone.name}: name a record of the zone")
    if name.startswith(f"{PREFIX}."):
        raise InvalidInput.field("name", "is an owner record's: name the record that it speaks of")
    return name
