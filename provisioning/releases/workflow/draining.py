"""The end of old workloads: they finish their requests, and go.

The deployment that took their place removes them, unless the next release has been approved meanwhile: that one does
not wait for the end of the old containers, which are then removed beside it (`remove_drained`).
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from provisioning.containers.choices import WorkloadState
from provisioning.containers.instances import remove_release_trees, remove_workloads
from provisioning.containers.models import Workload
from provisioning.inventory.models.host import Host
from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.engine import Run, Wait
from provisioning.operations.models import Operation
from provisioning.operations.wakeups import wake_removal
from provisioning.releases.workflow.specs import release_home
from tenants.apps.models.environment import Environment
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release

# Requests that the old edge workers took before the switch still find the old containers.
DRAIN_S = 2
KEPT_TREES = 5
# Their removal takes the processors that a release needs which starts meanwhile: it waits for that one, for so long.
YIELDS_S = 30
YIELD_LOOK_S = 1
# So many deployments of an environment are looked through for leftovers.
_RECENT = 20


def drain_old_workloads(run: Run, environment: Environment) -> None:
    """Makes the serving workloads the old ones, as one transaction. The deployment notes that it took their place."""
    old = environment.workloads.filter(state=WorkloadState.SERVING).exclude(deployment=run.operation)
    taken = list(old.values_list("pk", flat=True))
    if taken or "drained" not in run.operation.data:
        run.remember(drained=taken)
        old.update(state=WorkloadState.DRAINING)


def drained_by(operation: Operation, environment: Environment) -> QuerySet[Workload]:
    """The workloads whose place the deployment took, if they still drain. For one of an older Berth all that drain."""
    draining = environment.workloads.filter(state=WorkloadState.DRAINING)
    taken = operation.data.get("drained")
    return draining if taken is None else draining.filter(pk__in=taken)


def remove_old_containers(run: Run) -> None:
    """Old containers finish their requests and go; their ports rest."""
    environment = run.operation.environment
    if environment is None:
        return
    old = environment.workloads.filter(state=WorkloadState.DRAINING)
    if not old.exists():
        return
    if "drain_from" not in run.operation.data:
        run.remember(drain_from=timezone.now().isoformat())
    left_s = _left_s(run.operation)
    if left_s > 0:
        follower = follower_of(environment)
        if follower is None:
            raise Wait("the old containers finish their requests", seconds=left_s)
        run.note(f"release {follower.number} is approved and follows at once: they finish their requests beside it")
        wake_removal(environment.pk, countdown_s=left_s)
        return
    for workload in remove_workloads(old):
        run.note(f"{workload} removed")
    _remove_old_trees(environment)


def follower_of(environment: Environment) -> Release | None:
    """The approved release whose deployment begins when the present one is over: that one waits for nothing then."""
    return environment.releases.filter(state=ReleaseState.APPROVED).order_by("pk").first()


def remove_drained(environment_id: int) -> float | None:
    """Removes what deployments that are over left to finish its requests, once it has had the time for that.

    Leaves alone what a deployment that is under way has drained: that looks after its own, or puts it back. Gives the
    seconds after which it wants to be called again, or None.
    """
    pause = None
    environment = Environment.objects.get(pk=environment_id)
    for operation in environment.operations.filter(kind=OperationKind.DEPLOY_RELEASE).order_by("-pk")[:_RECENT]:
        # A deployment waits for old workloads only after it went live: those never serve again.
        is_over = operation.state not in UNFINISHED and {"drained", "drain_from"} <= operation.data.keys()
        if not is_over or (left_s := _left_s(operation)) > 0:
            continue
        drained = drained_by(operation, environment)
        if left_s > -YIELDS_S and drained.exists() and _something_starts(environment):
            pause = YIELD_LOOK_S
        else:
            remove_workloads(drained)
    if pause is None:
        _remove_old_trees(environment)
    return pause


def _something_starts(environment: Environment) -> bool:
    under_way = environment.operations.filter(kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED)
    return under_way.exclude(release__state=ReleaseState.LIVE).exists()


def environments_with_leftovers() -> list[int]:
    """Those in which something drains and no deployment is under way: a message about it was lost."""
    busy = Operation.objects.filter(
        environment=OuterRef("environment"), kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED
    )
    draining = Workload.objects.filter(~Exists(busy), state=WorkloadState.DRAINING)
    return list(draining.order_by("environment").values_list("environment", flat=True).distinct())


def _left_s(operation: Operation) -> float:
    """How long what the deployment drained may still finish its requests."""
    since = datetime.fromisoformat(operation.data["drain_from"])
    return (since + timedelta(seconds=DRAIN_S) - timezone.now()).total_seconds()


def _remove_old_trees(environment: Environment) -> None:
    """Keeps the files of the last few releases on the host, for people who look into an incident; older ones go."""
    deployed = environment.releases.filter(workloads__isnull=False).exclude(state=ReleaseState.LIVE).distinct()
    for release in deployed.order_by("-pk")[KEPT_TREES : 2 * KEPT_TREES]:
        for host in Host.objects.filter(workloads__release=release).distinct():
            remove_release_trees(host, [str(release_home(release, host))])
