"""Shared by the tests of domains."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tenants.models import AuditEvent, CustomDomain, PluginApp
from tenants.names.choices import Finding
from tenants.names.selectors import domains as selectors
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import domain_add
from tests.factories import environment_of, owner_of

NAME = "plugin.customer.test"


NO_PROOF = "none of its servers has the TXT record"


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


FINE = {"control": Finding.YES, "pointing": Finding.YES}


GONE = {"control": Finding.NO, "control_detail": NO_PROOF, "pointing": Finding.YES}


NOTHING = {**GONE, "pointing": Finding.NO, "pointing_detail": "it points elsewhere"}


def add(app: PluginApp, name: str = NAME, environment: str = "production") -> CustomDomain:
    return domain_add(environment=environment_of(app, environment), hostname=name, actor=owner_of(app.organization))


def check(domain: CustomDomain, found: dict[str, Any], *, after: timedelta = timedelta()) -> CustomDomain:
    """What a worker does who looks at the domain `after` its last look, and finds this."""
    rewind(domain, after)
    # The one that is due longest.
    CustomDomain.objects.filter(pk=domain.pk).update(next_check_at=LONG_AGO, lease_until=None)
    (taken,) = domains_take(count=1)
    assert domain_checked(domain=taken, look=Look(**found))
    domain.refresh_from_db()
    return domain


def rewind(domain: CustomDomain, by: timedelta) -> None:
    """As if all that has happened to the domain had happened so much earlier."""
    domain.refresh_from_db()
    times = ("created_at", "proven_at", "failing_since", "unheard_since", "check_requested_at")
    earlier = {name: getattr(domain, name) - by for name in times if getattr(domain, name) is not None}
    CustomDomain.objects.filter(pk=domain.pk).update(**earlier)


def proven(app: PluginApp, name: str = NAME, environment: str = "production") -> CustomDomain:
    return check(add(app, name, environment), FINE)


def told(domain: CustomDomain) -> list[str]:
    events = AuditEvent.objects.filter(object_type="custom_domain", object_id=str(domain.pk)).order_by("pk")
    return [event.action for event in events]


def served(app: PluginApp, environment: str = "production") -> tuple[str, ...]:
    return selectors.served_hostnames(environment_of(app, environment))
