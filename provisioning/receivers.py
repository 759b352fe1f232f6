"""Signals of tenants become operations and wake-ups here. What a lost signal leaves behind, the sweep finds."""

from typing import Any

from django.dispatch import receiver

from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.models import Operation
from provisioning.operations.services import operation_ensure
from provisioning.operations.sweep import adopt_approved_releases
from provisioning.operations.wakeups import (
    wake,
    wake_domain_check,
    wake_edge,
    wake_git_tokens_end,
    wake_membership,
    wake_pushes,
)
from provisioning.releases.workflow.check import resolve_at_once
from provisioning.repositories.services.repositories import git_tokens_condemn
from tenants import signals
from tenants.apps.models.plugin_app import PluginApp
from tenants.people.models.user import User
from tenants.releases.models.release import Release


@receiver(signals.app_requested)
def provision_requested_app(*, app_id: int, **_kwargs: Any) -> None:
    operation = operation_ensure(kind=OperationKind.PROVISION_APP, app=PluginApp.objects.get(pk=app_id))
    wake(operation.pk)


@receiver(signals.app_retiring)
def retire_app(*, app_id: int, **_kwargs: Any) -> None:
    operation = operation_ensure(kind=OperationKind.RETIRE_APP, app=PluginApp.objects.get(pk=app_id))
    wake(operation.pk)


@receiver(signals.membership_changed)
def sync_membership(*, organization_id: int, **_kwargs: Any) -> None:
    wake_membership(organization_id)


@receiver(signals.account_ended)
def end_git_tokens(*, user_id: int, **_kwargs: Any) -> None:
    git_tokens_condemn(user=User.objects.get(pk=user_id))
    wake_git_tokens_end(user_id)


@receiver(signals.authors_outdated)
def look_up_authors_again(*, app_id: int, **_kwargs: Any) -> None:
    wake_pushes(app_id)


@receiver(signals.release_submitted)
def check_submitted_release(*, release_id: int, **_kwargs: Any) -> None:
    release = Release.objects.select_related("app").get(pk=release_id)
    operation = operation_ensure(kind=OperationKind.CHECK_RELEASE, app=release.app, release=release)
    resolve_at_once(release)
    wake(operation.pk)


@receiver(signals.release_approved)
def deploy_approved_release(*, release_id: int, **_kwargs: Any) -> None:
    environment_id = Release.objects.values_list("environment", flat=True).get(pk=release_id)
    adopt_approved_releases(environment_id)
    # Its own, or the one that is under way: which may be waiting for old containers alone, and ends when it sees this.
    for pk in Operation.objects.filter(
        environment=environment_id, kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED
    ).values_list("pk", flat=True):
        wake(pk)


@receiver(signals.custom_domain_check_requested)
def check_domain(*, domain_id: int, **_kwargs: Any) -> None:
    wake_domain_check(domain_id)


@receiver(signals.custom_domain_changed)
def serve_names(*, environment_id: int, **_kwargs: Any) -> None:
    wake_edge(environment_id)
