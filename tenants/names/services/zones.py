"""Zones: the domains in which apps get their hostnames. What name servers hold of them is provisioning's."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from tenants import access, validators
from tenants.apps.models.environment import ENVIRONMENT
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput
from tenants.names.choices import OPEN_DOMAIN_STATES
from tenants.names.hostnames import holds_names_of, is_within, zone_name
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.models.subdomain import Subdomain
from tenants.names.models.zone import Zone
from tenants.people.models.user import User
from tenants.policies.conditions import parse

FIELDS = ("applies_to", "priority", "is_wildcard", "is_enabled")
MAX_PRIORITY = 1_000_000


@unit_of_work
def zone_create(*, name: str, actor: User, **content: Any) -> Zone:
    """A new zone, chosen for new apps at once unless `is_enabled` is false. `content` has `FIELDS`.

    Hostnames of the setting BERTH_APPS_DOMAIN that lie in it belong to it from now on. Raises `InvalidInput` naming the
    field, also for a name in which another zone's hostnames would lie; `AlreadyExists` for a name in use.
    """
    zone = Zone(name=name, **content)
    access.require(actor, "zone.create", zone)
    validators.together(lambda: zone_name(name), *_checks(content))
    return _made(zone_name(name), actor, content)


@unit_of_work
def zone_register(*, name: str) -> Zone:
    """The installation's own zone, by its settings. May run again at any time."""
    name = zone_name(name)
    return Zone.objects.filter(name=name).first() or _made(name, None, {})


@unit_of_work
def zone_change(*, zone: Zone, actor: User, **changes: Any) -> Zone:
    """Changes `FIELDS`, all or nothing; the same values again leave no trace. What has its hostname keeps it.

    Raises `InvalidInput` naming each refused field.
    """
    zone = Zone.objects.select_for_update(no_key=True).get(pk=zone.pk)
    with access.changing(actor, "zone.change", zone):
        validators.together(*_checks(changes))
        before = {field: getattr(zone, field) for field in changes if getattr(zone, field) != changes[field]}
        for field in before:
            setattr(zone, field, changes[field])
        if before:
            zone.save(update_fields=list(before))
    if before:
        audit_record(
            action="zone.changed",
            message=f"zone {zone.name} changed: {', '.join(sorted(before))}",
            actor=actor,
            obj=zone,
            before=before,
            after={field: changes[field] for field in before},
        )
    return zone


def _made(name: str, actor: User | None, content: dict[str, Any]) -> Zone:
    _refuse_traps(name)
    zone = Zone(name=name, **content)
    try:
        with transaction.atomic():
            zone.save(force_insert=True)
    except IntegrityError:
        raise AlreadyExists(
            f"name: a zone {name} exists: change that one", errors={"name": ["is in use: change that zone"]}
        ) from None
    if is_within(settings.APPS_DOMAIN.lower(), name):
        Subdomain.objects.filter(zone=None, hostname__endswith=f".{name}").update(zone=zone)
    audit_record(
        action="zone.created",
        message=f"zone {name} created",
        actor=actor,
        obj=zone,
        after={"name": name} | {field: getattr(zone, field) for field in FIELDS},
    )
    return zone


def _checks(content: dict[str, Any]) -> list[Any]:
    return [lambda field=field, value=value: _check(field, value) for field, value in content.items()]


def _check(field: str, value: Any) -> None:
    match field:
        case "applies_to":
            parse(value, field, ENVIRONMENT.attributes)
        case "priority":
            if type(value) is not int or not 0 <= value <= MAX_PRIORITY:
                raise InvalidInput.field(field, f"must be a whole number from 0 to {MAX_PRIORITY}")
        case "is_wildcard" | "is_enabled":
            if type(value) is not bool:
                raise InvalidInput.field(field, "must be true or false")
        case _:
            raise InvalidInput.field(field, "can't be changed")


def _refuse_traps(name: str) -> None:
    """A zone may lie in another. But no name that the platform made, or will make, in one may lie in the other."""
    domains = {*Zone.objects.values_list("name", flat=True), settings.APPS_DOMAIN.lower()} - {name}
    for other in sorted(domains):
        if holds_names_of(name, other):
            raise InvalidInput.field("name", f"would hold hostnames that are made in {other}: use another name")
        if holds_names_of(other, name):
            raise InvalidInput.field("name", f"would make hostnames that lie in {other}: use another name")
    taken = Subdomain.objects.filter(hostname__endswith=f".{name}") | Subdomain.objects.filter(hostname=name)
    own = settings.APPS_DOMAIN.lower()
    for hostname, zone in taken.values_list("hostname", "zone__name"):
        # A hostname keeps to the zone it was made in, where that is this one or lies in it.
        if not is_within(zone or own, name) or not is_within(hostname, zone or own):
            raise InvalidInput.field("name", f"holds the hostname {hostname}, which is in use: use another name")
    claimed = CustomDomain.objects.filter(state__in=OPEN_DOMAIN_STATES)
    theirs = claimed.filter(hostname=name) | claimed.filter(hostname__endswith=f".{name}")
    if found := theirs.values_list("hostname", flat=True).first():
        raise InvalidInput.field("name", f"holds {found}, which a customer has added as a domain: use another name")
