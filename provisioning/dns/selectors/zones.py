"""What is wanted of a hosted zone now: from rows to the values that the pure rooms take."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.account_calls import AccountCalls
from provisioning.dns.change_plan import Plan
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.desired import Hostname, Wanted, ZoneState, desired
from provisioning.dns.models import DnsRecord, HostedZone
from provisioning.dns.planner import plan
from provisioning.dns.services.zones import targets_of
from provisioning.exceptions import OperatorError
from tenants.apps.choices import AppState
from tenants.apps.models.plugin_app import PluginApp
from tenants.exceptions import InvalidTransition
from tenants.names.models.subdomain import Subdomain
from tenants.names.models.zone import Zone


def zone_state(hosted: HostedZone) -> ZoneState:
    return ZoneState(
        zone=hosted.zone.name,
        targets=targets_of(hosted),
        ttl_s=hosted.ttl_s,
        low_ttl_s=hosted.low_ttl_s,
        next_targets=tuple(hosted.next_targets),
        move_at=hosted.move_at,
        lowered_at=hosted.lowered_at,
        remembered_ttl_s=hosted.remembered_ttl_s,
        is_wildcard=hosted.zone.is_wildcard,
    )


def hostnames(hosted: HostedZone, *, app: PluginApp | None = None) -> list[Hostname]:
    """The names that shall be in the zone: of all apps that are not going.

    A failed app keeps the records that it has. One that failed while it was retired has none left, and gets none.
    """
    kept = DnsRecord.objects.filter(hosted_zone=hosted, app=OuterRef("environment__app")).exclude(
        state=DnsRecordState.REMOVING
    )
    rows = Subdomain.objects.filter(
        Q(environment__app__state__in=[AppState.PROVISIONING, AppState.ACTIVE])
        | Q(Exists(kept), environment__app__state=AppState.FAILED),
        zone=hosted.zone_id,
    )
    if app is not None:
        rows = rows.filter(environment__app=app)
    named = rows.order_by("pk").values_list("hostname", "environment__app__number", "environment__name")
    return [Hostname(name, f"app{number}", environment) for name, number, environment in named]


def wanted_records(hosted: HostedZone, now: datetime, *, app: PluginApp | None = None) -> list[Wanted]:
    """Raises `OperatorError` where what is set can't be made into records."""
    if not targets_of(hosted):
        raise OperatorError(
            f"zone {hosted.zone.name}: its names would point nowhere: an operator must set "
            "BERTH_EDGE_PUBLIC_ADDRESSES to the addresses at which visitors reach the edge"
        )
    try:
        return desired(zone_state(hosted), hostnames(hosted, app=app), now)
    except ValueError as error:
        raise OperatorError(f"zone {hosted.zone.name}: an operator must mend what it points to: {error}") from None


def zone_plan(hosted: HostedZone, wanted: Sequence[Wanted] | None = None) -> Plan:
    """What would lead the zone from what its servers' provider lists to what is wanted now. One listing.

    Raises what providers raise.
    """
    wanted = wanted_records(hosted, timezone.now()) if wanted is None else wanted
    actual = AccountCalls(hosted.account).list_records(hosted.zone.name)
    return plan(hosted.zone.name, wanted, actual, hosted.owner, given=dns_rows.given(hosted))


def hosted_zone(zone: Zone) -> HostedZone:
    """Raises `InvalidTransition` for a zone that no account holds."""
    hosted = HostedZone.objects.filter(zone=zone).select_related("zone", "account").first()
    if hosted is None:
        raise InvalidTransition(f"zone {zone.name} is not hosted: host it with an account first")
    return hosted
