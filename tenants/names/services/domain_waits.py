"""Customers' domains in an installation that looks up no outside names: they wait, and their clocks stand still."""

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from tenants.audit.services.unit_of_work import unit_of_work
from tenants.names.choices import OPEN_DOMAIN_STATES
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors import domains as selectors
from tenants.names.services.domains import record


@unit_of_work
def domains_wait() -> int:
    """Notes since when each open domain waits. Gives how many began to; those that wait already stay as they are."""
    now, count = timezone.now(), 0
    for domain in selectors.domains().filter(state__in=OPEN_DOMAIN_STATES, waiting_since=None):
        if CustomDomain.objects.filter(pk=domain.pk, waiting_since=None).update(waiting_since=now):
            record(domain, "domain.waiting", f"{domain} is not checked: {selectors.NO_LOOKUPS}")
            count += 1
    return count


@unit_of_work
def domains_resume() -> int:
    """Has all that waited looked at now. The time in which nobody looked counts for no limit."""
    now, count = timezone.now(), 0
    for domain in selectors.domains().exclude(waiting_since=None):
        since = domain.waiting_since or now
        waited = max(now - since, timedelta())
        fields: dict[str, Any] = {
            "waiting_since": None,
            "waited": F("waited") + waited,
            "failing_since": F("failing_since") + waited,
            "unheard_since": F("unheard_since") + waited,
        }
        if domain.is_open:
            fields["next_check_at"] = now
        if CustomDomain.objects.filter(pk=domain.pk, waiting_since=since).update(**fields):
            hours = waited.total_seconds() / 3600
            message = f"{domain} is checked again; the {hours:.1f} hours that it waited count for no limit"
            record(domain, "domain.resumed", message)
            count += 1
    return count
