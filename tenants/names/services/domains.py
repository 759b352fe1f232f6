"""A customer's own domain from its claim to its end. Provisioning looks at the DNS; what follows is said here."""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from tenants import access, validators
from tenants.apps.choices import AppState
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, CheckedTooOften, InvalidInput, InvalidTransition, NameHeld, NameTaken
from tenants.names.choices import DOMAIN_SOURCES, OPEN_DOMAIN_STATES, SERVED_DOMAIN_STATES, DomainState
from tenants.names.custom_names import is_mixed_script, refuse_platforms_own, registrable_of
from tenants.names.models.custom_domain import CustomDomain, HeldName, RegistrableDomain
from tenants.names.selectors import domains as selectors
from tenants.organizations.choices import QuotaName
from tenants.organizations.services.quotas import quota_claim
from tenants.people.models.user import User
from tenants.people.services.memberships import lock
from tenants.releases.services.transitions import transition
from tenants.signals import custom_domain_changed, custom_domain_check_requested

# What one environment may claim: the edge serves at most 64 names of one, and every claim is looked up again and again.
MAX_DOMAINS = 20
# How long after one request for a check the next is taken.
CHECK_PAUSE = timedelta(seconds=15)


@unit_of_work
def domain_add(*, environment: Environment, hostname: str, actor: User) -> CustomDomain:
    """Claims a hostname for the environment: `pending` until control of it is proven with the claim's own challenge.

    Raises `InvalidInput` for what is no name of a customer's, `AlreadyExists` for one that the environment claims
    already, `NameTaken` and `NameHeld` for one that another organization has proven or had until not long ago,
    `QuotaExceeded`.
    """
    name = validators.hostname_custom(hostname)
    domain = CustomDomain(
        environment=environment, hostname=name, is_mixed_script=is_mixed_script(name), created_by=actor
    )
    domain.registrable = RegistrableDomain(name=registrable_of(name))
    lock(environment.app.organization)
    access.require(actor, "domain.create", domain)
    refuse_platforms_own(name, selectors.platform_names())
    app = PluginApp.objects.select_for_update(no_key=True).get(pk=environment.app_id)
    if app.state in (AppState.RETIRING, AppState.RETIRED):
        raise InvalidTransition(f"{app.public_id} is {app.state}: it gets no domain any more")
    domain.registrable = RegistrableDomain.objects.get_or_create(name=domain.registrable.name)[0]
    refuse_name_of_others(domain)
    _clear_the_way(domain, actor)
    quota_claim(environment.app.organization, QuotaName.DOMAINS)
    domain.next_check_at = timezone.now()
    try:
        with transaction.atomic():
            domain.save(force_insert=True)
    except IntegrityError:
        raise _in_use() from None
    record(domain, "domain.added", f"{name} was added: it is served once control of it is proven", actor=actor)
    _request_check(domain)
    return domain


def _clear_the_way(domain: CustomDomain, actor: User) -> None:
    """Takes an earlier claim of the name that has ended off the environment's list. Raises where there is no room."""
    listed = domain.environment.custom_domains.exclude(state=DomainState.REMOVED)
    if listed.filter(hostname=domain.hostname, state__in=OPEN_DOMAIN_STATES).exists():
        raise _in_use()
    for ended in listed.filter(hostname=domain.hostname):
        before = transition(ended, to=DomainState.REMOVED, sources=DOMAIN_SOURCES)
        record(ended, "domain.removed", f"{ended} made room for another attempt", actor=actor, before=before)
    if listed.count() >= MAX_DOMAINS:
        raise InvalidInput.field(
            "hostname", f"would be one more than the {MAX_DOMAINS} that an environment may have: remove another first"
        )


def _in_use() -> AlreadyExists:
    return AlreadyExists(
        "hostname: the environment has this domain: set its records, or remove it first",
        errors={"hostname": ["is on this environment's list already: set its records, or remove it first"]},
    )


def refuse_name_of_others(domain: CustomDomain) -> None:
    """Raises `NameTaken` or `NameHeld` where the name, or one above or below it, is or was somebody else's."""
    who: dict[str, Any] = {
        "registrable": domain.registrable,
        "organization_id": domain.environment.app.organization_id,
    }
    if taken := selectors.taken_by_others(domain.hostname, **who):
        raise NameTaken(f"hostname: {_related(taken, domain)} is proven by another organization: use another name")
    if held := selectors.held_for_others(domain.hostname, **who):
        raise NameHeld(
            f"hostname: {_related(held, domain)} was another organization's, and is held for it until "
            f"{held.held_until:%Y-%m-%d %H:%M} UTC: add it again after that, or ask the platform's operators"
        )


def _related(other: CustomDomain | HeldName, domain: CustomDomain) -> str:
    """The domain's own name, or what lies above or below it: which one exactly is nobody's business."""
    if other.hostname == domain.hostname:
        return domain.hostname
    return f"a name {'below' if len(other.hostname) > len(domain.hostname) else 'above'} {domain.hostname}"


@unit_of_work
def domain_check_request(*, domain: CustomDomain, actor: User) -> CustomDomain:
    """Has the domain looked at now. Raises `CheckedTooOften`, and `InvalidTransition` for one that has ended."""
    access.require(actor, "domain.check", domain)
    now = timezone.now()
    asked = CustomDomain.objects.filter(pk=domain.pk, state__in=OPEN_DOMAIN_STATES)
    earlier = Q(check_requested_at=None) | Q(check_requested_at__lte=now - CHECK_PAUSE)
    updated = asked.filter(earlier).update(check_requested_at=now, next_check_at=now)
    domain.refresh_from_db()
    if not domain.is_open:
        raise InvalidTransition(f"{domain} is {domain.state}: add it again to have it looked at")
    if not updated:
        wait_s = CHECK_PAUSE.seconds
        raise CheckedTooOften(f"{domain} was asked for a moment ago: wait {wait_s} seconds", wait_s=wait_s)
    record(domain, "domain.check_requested", f"a check of {domain} was asked for", actor=actor)
    _request_check(domain)
    return domain


@unit_of_work
def domain_remove(*, domain: CustomDomain, actor: User) -> None:
    """Ends a claim. A name that was proven is served no more, and is held for the organization for a while."""
    access.require(actor, "domain.remove", domain)
    domain_end(domain=domain, to=DomainState.REMOVED, action="domain.removed", why="it was removed", actor=actor)


@unit_of_work
def names_hold(*, app: PluginApp) -> None:
    """Ends all domains of an app that is retired, and holds its proven names. May run again."""
    open_ones = CustomDomain.objects.filter(environment__app=app, state__in=OPEN_DOMAIN_STATES)
    why = f"{app.public_id} is retired"
    for domain in open_ones.select_related("environment__app__organization").order_by("pk"):
        # Who has ended it meanwhile has held its name, too.
        with contextlib.suppress(InvalidTransition):
            domain_end(domain=domain, to=DomainState.REMOVED, action="domain.removed", why=why)


@unit_of_work
def domain_end(*, domain: CustomDomain, to: str, action: str, why: str, actor: User | None = None) -> None:
    """Withdraws or removes the domain, holds its name where that was proven, and tells who serves it."""
    before = transition(domain, to=to, sources=DOMAIN_SOURCES, detail=why, next_check_at=None, lease_until=None)
    message = f"{domain} is {to}: {why}"
    data: dict[str, Any] = {}
    if before in SERVED_DOMAIN_STATES:
        held_until = _hold(domain, reason=f"{to} from {domain.environment}: {why}"[:200])
        message += f"; the name is held for the organization until {held_until:%Y-%m-%d}"
        data["held_until"] = held_until.isoformat()
        announce_changed(domain)
    record(domain, action, message, actor=actor, before=before, data=data)


def _hold(domain: CustomDomain, *, reason: str) -> datetime:
    held_until = timezone.now() + timedelta(days=settings.NAME_QUARANTINE_DAYS)
    HeldName.objects.update_or_create(
        hostname=domain.hostname,
        defaults={
            "registrable": domain.registrable,
            "organization": domain.environment.app.organization,
            "held_until": held_until,
            "reason": reason,
        },
    )
    return held_until


def prove(domain: CustomDomain, **fields: Any) -> str:
    """Makes a pending domain served; gives the state it was in. Of proofs of one name, or of names of which one is
    above the other, by two organizations exactly one wins.

    Raises `NameTaken` or `NameHeld`. Call it inside a unit of work.
    """
    # Whoever proves another name of the same registrable domain waits here until this transaction has ended.
    RegistrableDomain.objects.filter(pk=domain.registrable_id).update(proofs=F("proofs") + 1)
    _refuse_platforms_own(domain)
    refuse_name_of_others(domain)
    try:
        with transaction.atomic():
            before = transition(
                domain, to=DomainState.ACTIVE, sources=DOMAIN_SOURCES, proven_at=timezone.now(), **fields
            )
    except IntegrityError:
        raise NameTaken(
            f"hostname: {domain} is served for another environment of your organization: remove it there first"
        ) from None
    HeldName.objects.filter(hostname=domain.hostname).delete()
    return before


def _refuse_platforms_own(domain: CustomDomain) -> None:
    """What was a customer's when it was claimed may be the platform's by now: a setting changes, a zone is added."""
    try:
        refuse_platforms_own(domain.hostname, selectors.platform_names())
    except InvalidInput as refused:
        raise NameTaken(f"hostname: {domain} {refused.errors['hostname'][0]}") from None


def announce_changed(domain: CustomDomain) -> None:
    transaction.on_commit(
        partial(
            custom_domain_changed.send_robust,
            sender=CustomDomain,
            domain_id=domain.pk,
            environment_id=domain.environment_id,
        )
    )


def _request_check(domain: CustomDomain) -> None:
    transaction.on_commit(partial(custom_domain_check_requested.send_robust, sender=CustomDomain, domain_id=domain.pk))


def record(
    domain: CustomDomain,
    action: str,
    message: str,
    *,
    actor: User | None = None,
    before: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    audit_record(
        action=action,
        message=message,
        actor=actor,
        app=domain.environment.app,
        environment=domain.environment.name,
        obj=domain,
        before={"state": before} if before and before != domain.state else {},
        after={"state": domain.state} if before != domain.state else {},
        data={"hostname": domain.hostname, "is_mixed_script": domain.is_mixed_script, **(data or {})},
    )
