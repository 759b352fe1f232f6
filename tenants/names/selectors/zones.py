"""Which zone an environment's hostname is made in, and which domains are the platform's own."""

from collections.abc import Sequence

from django.conf import settings

from tenants.access.evaluation import condition_holds
from tenants.apps.models.environment import ENVIRONMENT, Environment
from tenants.names.models.zone import Zone
from tenants.policies.conditions import parse


def zones_in_order() -> list[Zone]:
    """The enabled zones, as they are asked."""
    return list(Zone.objects.filter(is_enabled=True).order_by("priority", "pk"))


def zone_of(environment: Environment, zones: Sequence[Zone]) -> Zone | None:
    """The first of `zones` whose condition holds for the environment; None: the setting BERTH_APPS_DOMAIN stands."""
    for zone in zones:
        condition = parse(zone.applies_to, "applies_to", ENVIRONMENT.attributes)
        if condition_holds(ENVIRONMENT, condition, environment):
            return zone
    return None


def platform_domains() -> list[str]:
    """The domains whose names the platform alone gives out: nobody's own domain is in one of them."""
    return sorted({settings.APPS_DOMAIN.lower(), *Zone.objects.values_list("name", flat=True)})
