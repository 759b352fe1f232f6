"""The steps that give an app's hostnames their records, and take them away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.desired import Hostname, desired
from provisioning.dns.models import DnsRecord, HostedZone
from provisioning.dns.selectors.zones import wanted_records, zone_state
from provisioning.dns.services.events import names_back, names_wait
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import OperatorError, PermanentError, RateLimited, RetryableError, ServiceUnavailable
from provisioning.operations.engine import Cancelled, Run, Wait
from tenants.apps.choices import AppState
from tenants.apps.models.plugin_app import PluginApp
from tenants.names.models.subdomain import Subdomain

# While another worker writes the zone, this one looks again; after a while it gives the work back.
LOOK_S, LOOK_FOR_S, PAUSE_S = 0.03, 3.0, 0.5
MAX_NEWCOMERS = 500
CHOICES = (
    "an operator must remove it, or have Berth take it over (manage.py dns adopt), or choose another zone for the app; "
    "then try again"
)


def ensure_dns_records_asked_for(run: Run) -> None:
    """Has the records written while the forge has its work to do, so that names answer soon.

    With them go those of all apps that have just come and wait for a worker: many at once take no more calls than one.
    What does not go now holds nothing up: `ensure_dns_records` comes back to it, and says what is in the way.
    """
    for hosted in _hosted_zones(run):
        try:
            _want(run, hosted)
            _want_newcomers(hosted)
            is_written = sync(hosted.pk)
        except (RetryableError, PermanentError, ValueError) as error:
            run.note(f"zone {hosted.zone.name}: {error}")
        else:
            run.note(f"zone {hosted.zone.name}: {'written' if is_written else 'another worker writes it'}")


def ensure_dns_records(run: Run) -> None:
    """Every hostname of the app's has its records in its zone, seen there; a zone with a wildcard has that."""
    found = _hosted_zones(run)
    if not found:
        run.note("no zone of the app's hostnames is hosted: its records are somebody else's to make")
    for hosted in found:
        names = DnsRecord.objects.filter(hosted_zone=hosted, name__in=_want(run, hosted))
        _settled(run, hosted, names)
        for row in names.filter(state=DnsRecordState.APPLIED).order_by("pk"):
            covers = " for all names in it" if row.app_id is None else ""
            instead = "" if row.given_ttl_s is None else f", of which the vendor makes {row.given_ttl_s}"
            run.note(f"{row.name} {row.type} {' '.join(row.values)} (TTL {row.ttl_s}{instead}){covers}")


def _hosted_zones(run: Run) -> list[HostedZone]:
    """Those of the app's hostnames. Raises `Cancelled` where the app is no longer wanted."""
    app = run.app
    app.refresh_from_db()
    if app.state in {AppState.RETIRING, AppState.RETIRED}:
        raise Cancelled
    hosted_zones = HostedZone.objects.filter(zone__subdomains__environment__app=app).distinct()
    return list(hosted_zones.select_related("zone", "account").order_by("pk"))


def _want(run: Run, hosted: HostedZone) -> set[str]:
    """Leaves rows for the app's records in the zone, and gives their names."""
    wanted = wanted_records(hosted, timezone.now(), app=run.app)
    dns_rows.want(hosted, wanted)
    return {one.record.name for one in wanted}


def _want_newcomers(hosted: HostedZone) -> None:
    """Leaves rows for apps that are to be provisioned and have none yet. An app that goes at the same moment does so
    before this, and has no row, or after it, and has its rows removed: its own row is locked here."""
    if hosted.zone.is_wildcard:
        return
    rows = DnsRecord.objects.filter(hosted_zone=hosted, app=OuterRef("pk"))
    named = Subdomain.objects.filter(zone=hosted.zone_id, environment__app=OuterRef("pk"))
    with transaction.atomic():
        waiting = PluginApp.objects.select_for_update(no_key=True).filter(
            Exists(named), ~Exists(rows), state=AppState.PROVISIONING
        )
        apps = [app.pk for app in waiting.order_by("pk")[:MAX_NEWCOMERS]]
        names = Subdomain.objects.filter(zone=hosted.zone_id, environment__app__in=apps).order_by("pk")
        found = names.values_list("hostname", "environment__app__number", "environment__name")
        hostnames = [Hostname(name, f"app{number}", environment) for name, number, environment in found]
        dns_rows.want(hosted, desired(zone_state(hosted), hostnames, timezone.now()))


def remove_dns_records(run: Run) -> None:
    """No record leads to the app any more, before anything else of it goes. A wildcard stays: others need it."""
    app = run.app
    dns_rows.hold_off(app)
    rows = DnsRecord.objects.filter(app=app)
    names = sorted(rows.values_list("name", flat=True).distinct())
    dns_rows.remove(rows)
    for hosted in HostedZone.objects.filter(records__app=app).distinct().select_related("zone", "account"):
        _settled(run, hosted, rows.filter(hosted_zone=hosted))
    run.note("records removed: " + ", ".join(names) if names else "the app has no record of its own")


def _settled(run: Run, hosted: HostedZone, rows: QuerySet[DnsRecord]) -> None:
    """Has all of `rows` written, by whichever worker. Raises `OperatorError` for what stands in the way, `Wait`."""
    waiting = rows.filter(state__in=[DnsRecordState.PENDING, DnsRecordState.REMOVING], error="")
    until = time.monotonic() + LOOK_FOR_S
    with _told(run, hosted):
        while waiting.exists():
            if not sync(hosted.pk):
                if time.monotonic() > until:
                    raise Wait(f"another worker writes zone {hosted.zone.name}", seconds=PAUSE_S)
                run.write()
                time.sleep(LOOK_S)
    faults = list(rows.exclude(error="").order_by("pk").values_list("error", flat=True))
    if faults:
        raise OperatorError(f"zone {hosted.zone.name}: {'; '.join(faults)}: {CHOICES}")


@contextmanager
def _told(run: Run, hosted: HostedZone) -> Iterator[None]:
    """The app's timeline says once that its names wait for the provider, and once that they don't any more."""
    key = f"names_wait_{hosted.pk}"
    try:
        yield
    except RateLimited as limited:
        raise Wait(str(limited), seconds=limited.retry_after_s) from limited
    except ServiceUnavailable as outage:
        if not run.operation.data.get(key):
            names_wait(app=run.app, zone=hosted.zone, error=str(outage))
            run.remember(**{key: True})
        raise
    if run.operation.data.get(key):
        names_back(app=run.app, zone=hosted.zone)
        run.remember(**{key: False})
