"""Old containers have their time to finish requests, whoever comes next, and then they go: none is forgotten."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

from provisioning import receivers, tasks
from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.models import Host, Operation, PortLease, Workload
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.engine import Run, Wait
from provisioning.releases.workflow import draining, switchover
from tenants.models import Environment, Release
from tenants.releases.choices import ReleaseState
from tests.factories import make_release

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(seconds=2 * draining.DRAIN_S)
_ports = count(20000)


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> list[Workload]:
    """The workloads that would be removed, in order; their rows say so, as after a removal."""
    removed: list[Workload] = []

    def remove(workloads: Iterable[Workload]) -> list[Workload]:
        found = list(workloads)
        removed.extend(found)
        Workload.objects.filter(pk__in=[workload.pk for workload in found]).update(state=WorkloadState.REMOVED)
        return found

    for module in (draining, switchover):
        monkeypatch.setattr(module, "remove_workloads", remove)
    monkeypatch.setattr(draining, "remove_release_trees", lambda *_: None)
    monkeypatch.setattr(switchover, "remove_release_trees", lambda *_: None)
    monkeypatch.setattr(switchover, "_apply_site", lambda _environment: None)
    return removed


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    monkeypatch.setattr(draining, "wake_removal", lambda pk, countdown_s=0: found.append(("removal", pk)))
    monkeypatch.setattr(tasks, "wake_removal", lambda pk, countdown_s=0: found.append(("removal", pk)))
    monkeypatch.setattr(tasks, "wake", lambda pk, countdown_s=0: found.append(("operation", pk)))
    monkeypatch.setattr(receivers, "wake", lambda pk, countdown_s=0: found.append(("operation", pk)))
    return found


def deployment(release: Release, *, state: OperationState = OperationState.RUNNING) -> Run:
    """Under way, and its live workload starts. A deployment that the signals made is of no account."""
    Operation.objects.filter(release=release).delete()
    operation = Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE, app=release.app, environment=release.environment, release=release, fence=1,
        state=state,
    )  # fmt: skip
    host, _made = Host.objects.get_or_create(
        name="here", defaults={"address": "127.0.0.1", "releases_home": "/nonexistent", "port_first": 20000,
                               "port_last": 21000},
    )  # fmt: skip
    lease = PortLease.objects.create(host=host, port=next(_ports), use=str(release), leased_at=timezone.now())
    Workload.objects.create(
        environment=release.environment, release=release, deployment=operation, host=host, role=WorkloadRole.LIVE,
        port_lease=lease, port=lease.port,
    )  # fmt: skip
    return Run(operation, 1)


def switched(run: Run) -> None:
    """As after the steps that end with a live release."""
    switchover.ensure_edge_switched(run)
    before = Release.objects.filter(environment=run.operation.environment_id, state=ReleaseState.LIVE)
    before.update(state=ReleaseState.SUPERSEDED)
    Release.objects.filter(pk=run.operation.release_id).update(state=ReleaseState.LIVE)
    Environment.objects.filter(pk=run.operation.environment_id).update(current_release=run.operation.release_id)


def over(run: Run, *, state: OperationState = OperationState.SUCCEEDED) -> None:
    Operation.objects.filter(pk=run.operation.pk).update(state=state)


def drained_long_ago(run: Run, since: timedelta = LONG_AGO) -> None:
    run.operation.data = {**run.operation.data, "drain_from": (timezone.now() - since).isoformat()}
    run.operation.save(update_fields=["data"])


def states(*runs: Run) -> list[str]:
    return [Workload.objects.get(deployment=run.operation).state for run in runs]


def second_of(first: Run, state: ReleaseState = ReleaseState.DEPLOYING) -> Run:
    release = make_release(app=first.operation.app, state=ReleaseState.APPROVED)
    Release.objects.filter(pk=release.pk).update(state=state)
    return deployment(Release.objects.get(pk=release.pk))


@pytest.fixture
def first() -> Run:
    run = deployment(make_release(state=ReleaseState.DEPLOYING))
    switched(run)
    over(run)
    return run


def test_old_containers_get_their_time_and_then_go(first: Run, no_engine: list[Workload]) -> None:
    second = second_of(first)
    switched(second)
    with pytest.raises(Wait):
        draining.remove_old_containers(second)
    assert states(first, second) == [WorkloadState.DRAINING, WorkloadState.SERVING]
    drained_long_ago(second)
    draining.remove_old_containers(second)
    assert states(first, second) == [WorkloadState.REMOVED, WorkloadState.SERVING]
    assert len(no_engine) == 1


def test_a_release_that_is_approved_meanwhile_does_not_wait_for_them(
    first: Run, no_engine: list[Workload], woken: list[tuple[str, int]]
) -> None:
    second = second_of(first)
    switched(second)
    follower = make_release(app=first.operation.app, state=ReleaseState.APPROVED)
    draining.remove_old_containers(second)
    assert f"release {follower.number} is approved and follows at once" in second.lines[-1]
    assert no_engine == []
    assert ("removal", first.operation.environment_id) in woken


def test_an_approval_wakes_the_deployment_that_is_under_way(first: Run, woken: list[tuple[str, int]]) -> None:
    second = second_of(first)
    follower = make_release(app=first.operation.app, state=ReleaseState.APPROVED)
    woken.clear()
    receivers.deploy_approved_release(release_id=follower.pk)
    assert woken == [("operation", second.operation.pk)]


def test_a_release_that_waited_for_a_deployment_begins_when_it_is_over(
    first: Run, woken: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = make_release(app=first.operation.app, state=ReleaseState.APPROVED)
    Operation.objects.filter(release=follower).delete()
    monkeypatch.setattr(tasks.registry, "run", lambda _pk: None)
    woken.clear()
    tasks.run_operation(first.operation.pk)
    assert woken == [("operation", Operation.objects.get(release=follower).pk)]


def test_leftovers_go_after_their_time_beside_the_next_deployment(first: Run, no_engine: list[Workload]) -> None:
    second = second_of(first)
    switched(second)
    second.remember(drain_from=timezone.now().isoformat())
    over(second)
    third = second_of(first)
    tasks.remove_drained(first.operation.environment_id)
    assert no_engine == []
    drained_long_ago(second)
    switched(third)
    tasks.remove_drained(first.operation.environment_id)
    assert states(first, second, third) == [WorkloadState.REMOVED, WorkloadState.DRAINING, WorkloadState.SERVING]


def test_leftovers_leave_the_processors_to_a_release_that_starts_but_not_for_long(
    first: Run, no_engine: list[Workload], woken: list[tuple[str, int]]
) -> None:
    second = second_of(first)
    switched(second)
    drained_long_ago(second)
    over(second)
    second_of(first)
    woken.clear()
    tasks.remove_drained(first.operation.environment_id)
    assert no_engine == []
    assert woken == [("removal", first.operation.environment_id)]
    woken.clear()
    drained_long_ago(second, since=timedelta(seconds=draining.DRAIN_S + draining.YIELDS_S))
    tasks.remove_drained(first.operation.environment_id)
    assert states(first, second) == [WorkloadState.REMOVED, WorkloadState.SERVING]
    assert woken == []


def test_a_deployment_that_fails_brings_back_what_it_drained_and_nothing_older(
    first: Run, no_engine: list[Workload]
) -> None:
    second = second_of(first)
    switched(second)
    second.remember(drain_from=timezone.now().isoformat())
    over(second)
    third = second_of(first)
    switchover.ensure_edge_switched(third)
    assert states(first, second, third) == [WorkloadState.DRAINING, WorkloadState.DRAINING, WorkloadState.SERVING]
    switchover.put_back(third)
    assert states(first, second, third) == [WorkloadState.DRAINING, WorkloadState.SERVING, WorkloadState.REMOVED]


def test_one_that_fails_before_the_switch_brings_nothing_back(first: Run) -> None:
    second = second_of(first)
    switched(second)
    second.remember(drain_from=timezone.now().isoformat())
    over(second)
    third = second_of(first)
    switchover.put_back(third)
    assert states(first, second, third) == [WorkloadState.DRAINING, WorkloadState.SERVING, WorkloadState.REMOVED]


def test_workloads_that_a_failed_deployment_drained_and_the_next_drains_again_are_left_to_that(
    first: Run, no_engine: list[Workload]
) -> None:
    second = second_of(first)
    switchover.ensure_edge_switched(second)
    switchover.put_back(second)
    over(second, state=OperationState.FAILED)
    third = second_of(first)
    switched(third)
    no_engine.clear()
    tasks.remove_drained(first.operation.environment_id)
    assert no_engine == []


def test_leftovers_whose_message_was_lost_are_found_by_the_sweep(first: Run, woken: list[tuple[str, int]]) -> None:
    second = second_of(first)
    switched(second)
    drained_long_ago(second)
    assert draining.environments_with_leftovers() == []
    over(second)
    tasks.sweep()
    assert ("removal", first.operation.environment_id) in woken
    tasks.remove_drained(first.operation.environment_id)
    assert states(first, second) == [WorkloadState.REMOVED, WorkloadState.SERVING]
    assert draining.environments_with_leftovers() == []
