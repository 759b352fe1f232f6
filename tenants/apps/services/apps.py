"""An app's life: requested here, made and unmade by the platform."""

from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from tenants import access, validators
from tenants.apps.choices import APP_SOURCES, AppState, EnvironmentName, Fallback
from tenants.apps.models.environment import DEFAULT_MEMORY_MIB, Environment
from tenants.apps.models.plugin_app import FIRST_NUMBER, PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidTransition
from tenants.names.hostnames import platform_hostname
from tenants.names.models.subdomain import Subdomain
from tenants.names.selectors.zones import zone_of, zones_in_order
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Organization
from tenants.organizations.services.quotas import quota_claim
from tenants.people.models.user import User
from tenants.people.services.memberships import lock
from tenants.releases.choices import RELEASE_SOURCES, ReleaseState
from tenants.releases.services.transitions import transition
from tenants.signals import app_requested, app_retiring, release_cancelled

_ATTEMPTS = 50


@unit_of_work
def app_create(*, organization: Organization, name: str, slug: str, stack: str, actor: User) -> PluginApp:
    """A new app in state `provisioning`, with its two environments and their platform hostnames.

    Each hostname is in the zone that the zones' conditions choose for its environment, for ever.

    Raises `InvalidInput` naming the fields, `AlreadyExists` for a slug that a living app of the organization has,
    `QuotaExceeded` for an app, or memory, beyond what the organization may have.
    """
    lock(organization)
    asked_for = PluginApp(organization=organization, name=name, slug=slug, stack=stack, created_by=actor)
    access.require(actor, "app.create", asked_for)
    validators.together(
        lambda: validators.display_name(name), lambda: validators.slug(slug), lambda: validators.stack(stack)
    )
    quota_claim(organization, QuotaName.APPS)
    quota_claim(organization, QuotaName.MEMORY_MIB, more=len(EnvironmentName) * DEFAULT_MEMORY_MIB)
    app = _numbered(PluginApp(organization=organization, name=name, slug=slug, stack=stack, created_by=actor))
    zones = zones_in_order()
    for environment in (EnvironmentName.PRODUCTION, EnvironmentName.TEST):
        fallback = Fallback.STANDBY if environment == EnvironmentName.PRODUCTION else Fallback.NONE
        row = Environment.objects.create(app=app, name=environment, fallback=fallback)
        zone = zone_of(row, zones)
        hostname = platform_hostname(app.public_id, environment, zone.name if zone else settings.APPS_DOMAIN)
        Subdomain.objects.create(environment=row, hostname=hostname, zone=zone)
    audit_record(
        action="app.created",
        message=f"app {name} ({stack}) requested",
        actor=actor,
        app=app,
        after={"name": name, "slug": slug, "stack": stack, "state": app.state},
    )
    _announce_requested(app)
    return app


def _numbered(app: PluginApp) -> PluginApp:
    # The unique constraint decides who gets a number; who comes second takes the next.
    for _ in range(_ATTEMPTS):
        highest = PluginApp.objects.aggregate(highest=Max("number"))["highest"]
        app.number = FIRST_NUMBER if highest is None else highest + 1
        try:
            with transaction.atomic():
                app.save(force_insert=True)
        except IntegrityError:
            taken = PluginApp.objects.filter(organization=app.organization, slug=app.slug)
            if taken.exclude(state=AppState.RETIRED).exists():
                raise AlreadyExists(
                    f"slug: {app.organization} has an app {app.slug}: choose another",
                    errors={"slug": ["is in use in this organization: choose another"]},
                ) from None
            continue
        return app
    raise AlreadyExists("too many apps are being created at once: try again")


@unit_of_work
def app_update(*, app: PluginApp, name: str, actor: User) -> PluginApp:
    """Gives a living app another name; the same name again leaves no trace.

    Raises `InvalidTransition` for an app that is retiring or retired.
    """
    with access.changing(actor, "app.change", app):
        validators.display_name(name)
        before = PluginApp.objects.select_for_update(no_key=True).get(pk=app.pk)
        if before.state in (AppState.RETIRING, AppState.RETIRED):
            raise InvalidTransition(f"{before.public_id} is {before.state}: it can't be changed any more")
        PluginApp.objects.filter(pk=app.pk).exclude(name=name).update(name=name)
    if name != before.name:
        audit_record(
            action="app.renamed",
            message=f"app renamed to {name}",
            actor=actor,
            app=app,
            before={"name": before.name},
            after={"name": name},
        )
    app.refresh_from_db()
    return app


@unit_of_work
def app_retire(*, app: PluginApp, actor: User) -> PluginApp:
    """Asks for the end of an app; releases that are not live are cancelled. Raises `InvalidTransition`."""
    access.require(actor, "app.retire", app)
    before = transition(app, to=AppState.RETIRING, sources=APP_SOURCES, error="")
    _record(app, "app.retiring", "app is being retired", before, actor=actor)
    for release in app.releases.filter(state__in=RELEASE_SOURCES[ReleaseState.CANCELLED]):
        before = transition(release, to=ReleaseState.CANCELLED, sources=RELEASE_SOURCES)
        audit_record(
            action="release.cancelled",
            message=f"release {release.number} cancelled, since the app is being retired",
            actor=actor,
            release=release,
            before={"state": before},
            after={"state": release.state},
        )
        transaction.on_commit(partial(release_cancelled.send_robust, sender=type(release), release_id=release.pk))
    transaction.on_commit(partial(app_retiring.send_robust, sender=PluginApp, app_id=app.pk))
    return app


@unit_of_work
def app_retry(*, app: PluginApp, actor: User) -> PluginApp:
    """Provisions a failed app again. Raises `InvalidTransition` for one that is not failed."""
    access.require(actor, "app.change", app)
    before = transition(app, to=AppState.PROVISIONING, sources=APP_SOURCES, error="")
    _record(app, "app.retried", "provisioning is tried again", before, actor=actor)
    _announce_requested(app)
    return app


@unit_of_work
def app_activated(*, app: PluginApp) -> None:
    before = transition(app, to=AppState.ACTIVE, sources=APP_SOURCES, error="")
    _record(app, "app.activated", "app is ready for releases", before)


@unit_of_work
def app_failed(*, app: PluginApp, error: str) -> None:
    """`error` is shown to the developers: why, and whose move it is; never a secret."""
    before = transition(app, to=AppState.FAILED, sources=APP_SOURCES, error=error)
    _record(app, "app.failed", error, before)


@unit_of_work
def app_retired(*, app: PluginApp) -> None:
    before = transition(app, to=AppState.RETIRED, sources=APP_SOURCES, error="")
    Environment.objects.filter(app=app).update(current_release=None)
    _record(app, "app.retired", "app is retired", before)


@unit_of_work
def app_repository_recorded(*, app: PluginApp, http_url: str) -> None:
    """Where developers clone and push; without effect if it is known already."""
    before = app.repository_http_url
    if PluginApp.objects.filter(pk=app.pk).exclude(repository_http_url=http_url).update(repository_http_url=http_url):
        audit_record(
            action="app.repository",
            message="the code repository is ready",
            app=app,
            before={"repository_http_url": before},
            after={"repository_http_url": http_url},
        )
    app.refresh_from_db()


def _record(app: PluginApp, action: str, message: str, before: str, *, actor: User | None = None) -> None:
    """One change of the app's state, from `before` to what it is now."""
    audit_record(
        action=action,
        message=message,
        actor=actor,
        app=app,
        before={"state": before},
        after={"state": app.state},
    )


def _announce_requested(app: PluginApp) -> None:
    transaction.on_commit(partial(app_requested.send_robust, sender=PluginApp, app_id=app.pk))
