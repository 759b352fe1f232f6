"""Celery's entry points: an id in, one workflow call. A message is only a wake-up: the row is the truth."""

import logging

from celery import shared_task
from django.core.management import call_command

from provisioning.certificates.services import certificates_refresh
from provisioning.dns.workflow import check_domain
from provisioning.dns.workflow import drift as dns_drift
from provisioning.dns.workflow import sync as dns_sync
from provisioning.exceptions import ProvisioningError
from provisioning.forge.config import forge_from_settings
from provisioning.operations import registry
from provisioning.operations import sweep as sweeper
from provisioning.operations.wakeups import (
    CHECK_DOMAINS,
    END_GIT_TOKENS,
    READ_PUSHES,
    REMOVE_DRAINED,
    RUN_OPERATION,
    SERVE_NAMES,
    SYNC_MEMBERS,
    SYNC_ZONE,
    wake,
    wake_removal,
)
from provisioning.reconcile import workflow as reconciler
from provisioning.releases.workflow import authors, draining
from provisioning.repositories.deliveries import forget_deliveries
from provisioning.repositories.services.pushes import pushes_read
from provisioning.repositories.services.repositories import git_tokens_end, organization_members_sync
from tenants.apps.models.plugin_app import PluginApp
from tenants.organizations.models.organization import Organization
from tenants.people.services.sign_in import sign_in_attempts_forget
from tenants.releases.choices import AuthorsState
from tenants.releases.models.release import Release
from tenants.rest.services import idempotency_keys_forget

logger = logging.getLogger(__name__)


@shared_task(name=RUN_OPERATION)
def run_operation(operation_id: int) -> None:
    pause = registry.run(operation_id)
    if pause is not None:
        wake(operation_id, countdown_s=pause)
        return
    for following in sweeper.following(operation_id):
        wake(following)


@shared_task(name="provisioning.sweep")
def sweep() -> None:
    for operation_id in sweeper.due():
        wake(operation_id)
    for environment_id in draining.environments_with_leftovers():
        wake_removal(environment_id)


@shared_task(name=REMOVE_DRAINED)
def remove_drained(environment_id: int) -> None:
    """What goes wrong here, the next sweep or the next deployment makes good."""
    try:
        pause = draining.remove_drained(environment_id)
        if pause is not None:
            wake_removal(environment_id, countdown_s=pause)
    except ProvisioningError as error:
        logger.warning("old containers of environment %s are not removed yet: %s", environment_id, error)


@shared_task(name="provisioning.reconcile")
def reconcile() -> None:
    reconciler.run()


@shared_task(name=CHECK_DOMAINS)
def check_domains(domain_id: int | None = None) -> None:
    """One customer's domain, when somebody asks for a check; or (every few seconds) all that are due."""
    try:
        check_domain.run(domain_id)
    except ProvisioningError as error:
        logger.warning("customers' domains can't be checked now: %s", error)


@shared_task(name=SERVE_NAMES)
def serve_names(environment_id: int) -> None:
    """The edge serves the environment under the names that it has now. What goes wrong here, the reconciler mends."""
    try:
        reconciler.reconcile_edge(environment_id)
    except ProvisioningError as error:
        logger.warning("the edge does not serve the names of environment %s yet: %s", environment_id, error)


@shared_task(name="provisioning.refresh_certificates")
def refresh_certificates() -> None:
    certificates_refresh()


@shared_task(name="provisioning.tidy")
def tidy() -> None:
    """Once a day: rows that have served their time."""
    forget_deliveries()
    idempotency_keys_forget()
    sign_in_attempts_forget()
    call_command("clearsessions")


@shared_task(name=SYNC_MEMBERS)
def sync_members(organization_id: int | None = None) -> None:
    """One organization's members, or (periodically) those of all that have apps, become those of its forge group."""
    organizations = Organization.objects.filter(apps__isnull=False).distinct()
    if organization_id is not None:
        organizations = organizations.filter(pk=organization_id)
    forge = forge_from_settings()
    for organization in organizations:
        try:
            organization_members_sync(forge=forge, organization=organization)
        except ProvisioningError as error:
            logger.warning("the members of %s are not yet those of its forge group: %s", organization.slug, error)


@shared_task(name=END_GIT_TOKENS)
def end_git_tokens(user_id: int | None = None) -> None:
    """Tokens for git end with the account that they were given to: those of one, or (periodically) of all."""
    try:
        git_tokens_end(forge=forge_from_settings(), user_id=user_id)
    except ProvisioningError as error:
        logger.warning("tokens for git of ended accounts are not revoked yet: %s", error)


@shared_task(name=READ_PUSHES)
def read_pushes(app_id: int | None = None) -> None:
    """Who pushed to one app's repository, and with that who may not decide on its open releases; or (periodically) the
    same for all apps with a release of which that is not known.
    """
    apps = PluginApp.objects.select_related("organization")
    if app_id is not None:
        apps = apps.filter(pk=app_id)
    else:
        waiting = Release.objects.filter(state__in=authors.AWAITED, authors_state=AuthorsState.PENDING)
        apps = apps.filter(pk__in=waiting.values("app"))
    forge = forge_from_settings()
    for app in apps:
        try:
            pushes_read(forge=forge, app=app)
            authors.record_pushers_of_app(forge=forge, app=app)
        except ProvisioningError as error:
            logger.warning("who pushed to %s is not known yet: %s", app.public_id, error)


@shared_task(name=SYNC_ZONE)
def sync_zone(hosted_zone_id: int) -> None:
    try:
        dns_sync.sync_all(hosted_zone_id)
    except ProvisioningError as error:
        logger.warning("zone %s is not written yet: %s", hosted_zone_id, error)


@shared_task(name="provisioning.advance_zones")
def advance_zones() -> None:
    """Planned moves whose time has come, and what waits in zones though nobody is at it."""
    dns_drift.advance_all()


@shared_task(name="provisioning.compare_zones")
def compare_zones() -> None:
    dns_drift.compare_all()
