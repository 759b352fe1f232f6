"""Finds every intent that no operation has taken up, and every operation that no worker holds.

Signals and messages are the fast path; this is the promise.
"""

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from provisioning.operations.choices import UNFINISHED, OperationKind, OperationState
from provisioning.operations.models import Operation
from provisioning.operations.services import deployment_create, operation_ensure
from tenants.apps.choices import AppState
from tenants.apps.models.plugin_app import PluginApp
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release


def due() -> list[int]:
    """Makes the operations that intents lack; gives the ids of all that a worker should run now."""
    adopt_intents()
    now = timezone.now()
    free = Operation.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now),
        Q(next_run_at=None) | Q(next_run_at__lte=now),
        state__in=UNFINISHED,
    )
    return list(free.order_by("pk").values_list("pk", flat=True))


def following(operation_id: int) -> list[int]:
    """The deployments that waited for this one, which is over: made and given at once, and not with the next sweep."""
    over = Operation.objects.filter(pk=operation_id, kind=OperationKind.DEPLOY_RELEASE).exclude(state__in=UNFINISHED)
    environment_id = over.values_list("environment", flat=True).first()
    if environment_id is None:
        return []
    adopt_approved_releases(environment_id)
    waiting = Operation.objects.filter(environment=environment_id, kind=OperationKind.DEPLOY_RELEASE)
    return list(waiting.filter(state=OperationState.PENDING).values_list("pk", flat=True))


def adopt_intents() -> None:
    for state, kind in (
        (AppState.PROVISIONING, OperationKind.PROVISION_APP),
        (AppState.RETIRING, OperationKind.RETIRE_APP),
    ):
        taken = Operation.objects.filter(app=OuterRef("pk"), kind=kind, state__in=UNFINISHED)
        for app in PluginApp.objects.filter(~Exists(taken), state=state):
            operation_ensure(kind=kind, app=app)
    checked = Operation.objects.filter(release=OuterRef("pk"), kind=OperationKind.CHECK_RELEASE, state__in=UNFINISHED)
    open_states = (ReleaseState.SUBMITTED, ReleaseState.CHECKING)
    for release in Release.objects.filter(~Exists(checked), state__in=open_states).select_related("app"):
        operation_ensure(kind=OperationKind.CHECK_RELEASE, app=release.app, release=release)
    adopt_approved_releases()


def adopt_approved_releases(environment_id: int | None = None) -> None:
    """The oldest approved release of each environment in which no deployment is under way gets one.

    With `environment_id` it looks at that environment alone.
    """
    busy = Operation.objects.filter(
        environment=OuterRef("environment"), kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED
    )
    approved = Release.objects.filter(~Exists(busy), state=ReleaseState.APPROVED, app__state=AppState.ACTIVE)
    if environment_id is not None:
        approved = approved.filter(environment=environment_id)
    started: set[int] = set()
    for release in approved.select_related("app__organization", "environment").order_by("pk"):
        if release.environment_id not in started:
            started.add(release.environment_id)
            deployment_create(release=release, requested_by=None)
