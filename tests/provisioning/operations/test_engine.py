"""An operation is done once, step by step, whatever happens to its worker."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.exceptions import OperatorError, RetryableError, ServiceUnavailable
from provisioning.models import Operation
from provisioning.operations import engine
from provisioning.operations.choices import OperationKind, OperationState, StepState
from provisioning.operations.engine import Cancelled, Run, Wait, Workflow
from tests.factories import make_app

pytestmark = pytest.mark.django_db(transaction=True)


class Journal:
    """A workflow of three steps that notes what was called, and fails as it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.raises: dict[str, list[BaseException]] = {}

    def workflow(self) -> Workflow:
        return Workflow(
            steps=engine.steps(self.first, self.second, self.third),
            succeeded=lambda _run: self.calls.append("succeeded"),
            failed=lambda _run, error: self.calls.append(f"failed: {error}"),
            cancelled=lambda _run: self.calls.append("cancelled"),
        )

    def _step(self, name: str) -> None:
        self.calls.append(name)
        if self.raises.get(name):
            raise self.raises[name].pop(0)

    def first(self, _run: Run) -> None:
        self._step("first")

    def second(self, run: Run) -> None:
        run.note("second's output")
        self._step("second")

    def third(self, _run: Run) -> None:
        self._step("third")


class WorkerKilled(BaseException):
    """Stands for SIGKILL: nothing of the engine's own runs after it but what Python itself unwinds."""


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def operation() -> Operation:
    return Operation.objects.create(kind=OperationKind.CHECK_RELEASE, app=make_app())


def states(operation: Operation) -> list[str]:
    return list(operation.steps.values_list("state", flat=True))


def test_runs_the_steps_in_order_and_records_each(operation: Operation, journal: Journal) -> None:
    assert engine.run(operation.pk, journal.workflow()) is None
    operation.refresh_from_db()
    assert journal.calls == ["first", "second", "third", "succeeded"]
    assert operation.state == OperationState.SUCCEEDED
    assert operation.lease_until is None
    second = operation.steps.get(name="second")
    assert (second.state, second.attempts, second.output) == (StepState.SUCCEEDED, 1, "second's output")
    assert second.started_at is not None
    assert second.finished_at is not None


def test_an_operation_that_ended_is_not_run_again(operation: Operation, journal: Journal) -> None:
    engine.run(operation.pk, journal.workflow())
    engine.run(operation.pk, journal.workflow())
    assert journal.calls.count("first") == 1


def test_a_retryable_error_parks_the_operation_and_the_step_is_tried_again(
    operation: Operation, journal: Journal
) -> None:
    journal.raises["second"] = [RetryableError("the forge is away"), RetryableError("the forge is away")]
    assert engine.run(operation.pk, journal.workflow()) == engine.BACKOFF_S[0]
    operation.refresh_from_db()
    assert operation.state == OperationState.RUNNING
    assert operation.lease_until is None
    assert operation.next_run_at is not None
    assert operation.steps.get(name="second").error == "the forge is away"
    assert engine.run(operation.pk, journal.workflow()) == engine.BACKOFF_S[1]
    assert engine.run(operation.pk, journal.workflow()) is None
    assert journal.calls == ["first", "second", "second", "second", "third", "succeeded"]
    assert operation.steps.get(name="second").error == ""


def test_a_retryable_error_that_lasts_an_hour_fails_the_operation(operation: Operation, journal: Journal) -> None:
    journal.raises["first"] = [RetryableError("the forge is away"), RetryableError("the forge is away")]
    engine.run(operation.pk, journal.workflow())
    operation.steps.filter(name="first").update(started_at=timezone.now() - engine.RETRY_FOR - timedelta(seconds=1))
    engine.run(operation.pk, journal.workflow())
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert "the forge is away" in operation.error


def test_an_outage_is_waited_for_longer_than_an_error(operation: Operation, journal: Journal) -> None:
    journal.raises["first"] = [ServiceUnavailable("the engine does not answer") for _ in range(3)]
    engine.run(operation.pk, journal.workflow())
    operation.steps.filter(name="first").update(started_at=timezone.now() - engine.RETRY_FOR - timedelta(seconds=1))
    assert engine.run(operation.pk, journal.workflow()) is not None
    operation.steps.filter(name="first").update(started_at=timezone.now() - engine.OUTAGE_FOR - timedelta(seconds=1))
    engine.run(operation.pk, journal.workflow())
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED


def test_a_permanent_error_fails_the_operation_with_the_step_and_the_cause(
    operation: Operation, journal: Journal
) -> None:
    journal.raises["second"] = [OperatorError("the disk is full: make room")]
    engine.run(operation.pk, journal.workflow())
    operation.refresh_from_db()
    assert journal.calls[-1] == "failed: the disk is full: make room"
    assert (operation.state, operation.error_code) == (OperationState.FAILED, "operator_must_act")
    assert states(operation) == [StepState.SUCCEEDED, StepState.FAILED, StepState.PENDING]


def test_cleaning_up_after_a_failure_is_tried_again_too(operation: Operation, journal: Journal) -> None:
    journal.raises["second"] = [OperatorError("broken"), OperatorError("broken")]
    flow = journal.workflow()
    away = [RetryableError("the engine is away")]

    def failed(_run: Run, _error: Exception) -> None:
        journal.calls.append("cleanup")
        if away:
            raise away.pop()

    flow = Workflow(steps=flow.steps, succeeded=flow.succeeded, failed=failed, cancelled=flow.cancelled)
    assert engine.run(operation.pk, flow) == engine.BACKOFF_S[-1]
    operation.refresh_from_db()
    assert operation.state == OperationState.RUNNING
    engine.run(operation.pk, flow)
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert journal.calls.count("cleanup") == 2


def test_waiting_is_not_an_attempt(operation: Operation, journal: Journal) -> None:
    journal.raises["second"] = [Wait("pipeline 7 is running", seconds=2) for _ in range(20)]
    for _ in range(20):
        assert engine.run(operation.pk, journal.workflow()) == 2
    step = operation.steps.get(name="second")
    assert (step.state, step.attempts) == (StepState.WAITING, 1)
    assert "pipeline 7 is running" in step.output
    assert engine.run(operation.pk, journal.workflow()) is None


def test_a_cancelled_operation_says_so(operation: Operation, journal: Journal) -> None:
    journal.raises["second"] = [Cancelled()]
    engine.run(operation.pk, journal.workflow())
    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLED
    assert journal.calls == ["first", "second", "cancelled"]


@pytest.mark.parametrize("step", ["first", "second", "third"])
def test_a_worker_killed_in_a_step_is_followed_by_another_that_goes_on_there(
    operation: Operation, journal: Journal, step: str
) -> None:
    journal.raises[step] = [WorkerKilled()]
    with pytest.raises(WorkerKilled):
        engine.run(operation.pk, journal.workflow())
    before = list(journal.calls)
    # The dead worker's lease still stands: nobody else takes the operation yet.
    engine.run(operation.pk, journal.workflow())
    assert journal.calls == before
    Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    engine.run(operation.pk, journal.workflow())
    assert journal.calls[len(before) :][0] == step
    assert journal.calls[-1] == "succeeded"


def test_a_step_that_keeps_killing_its_worker_is_given_up(operation: Operation, journal: Journal) -> None:
    journal.raises["second"] = [WorkerKilled() for _ in range(20)]
    for _ in range(engine.MAX_CRASHES):
        with pytest.raises(WorkerKilled):
            engine.run(operation.pk, journal.workflow())
        Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    engine.run(operation.pk, journal.workflow())
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert "ended its worker 5 times" in operation.error


def test_an_unexpected_exception_is_tried_again_and_then_an_operator_is_told(
    operation: Operation, journal: Journal
) -> None:
    journal.raises["second"] = [KeyError("surprise") for _ in range(20)]
    for _ in range(engine.MAX_CRASHES):
        engine.run(operation.pk, journal.workflow())
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert "unexpected KeyError" in operation.error
    assert "surprise" not in operation.error, "an exception's text may hold a secret"


def test_a_worker_that_lost_its_lease_writes_nothing_more(operation: Operation, journal: Journal) -> None:
    def stolen(_run: Run) -> None:
        """Another worker took the operation while this one was stopped."""
        Operation.objects.filter(pk=operation.pk).update(fence=99, lease_owner="another worker")

    flow = journal.workflow()
    steps = (*engine.steps(stolen), *flow.steps)
    engine.run(operation.pk, Workflow(steps, flow.succeeded, flow.failed, flow.cancelled))
    operation.refresh_from_db()
    assert journal.calls == []
    assert (operation.fence, operation.lease_owner) == (99, "another worker")
    assert operation.steps.get(name="stolen").state == StepState.RUNNING


def test_many_workers_woken_at_once_run_each_step_once(operation: Operation, journal: Journal) -> None:
    flow = journal.workflow()
    start = threading.Barrier(6)

    def worker() -> None:
        start.wait()
        engine.run(operation.pk, flow)

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(journal.calls) == ["first", "second", "succeeded", "third"]


def test_what_a_step_remembers_is_there_for_the_next_worker(operation: Operation) -> None:
    seen: list[object] = []

    def remembers(run: Run) -> None:
        run.remember(pipeline_id=7)

    def dies_once(run: Run) -> None:
        seen.append(run.operation.data["pipeline_id"])
        if len(seen) == 1:
            raise WorkerKilled

    flow = Workflow(engine.steps(remembers, dies_once), lambda _r: None, lambda _r, _e: None, lambda _r: None)
    with pytest.raises(WorkerKilled):
        engine.run(operation.pk, flow)
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    engine.run(operation.pk, flow)
    assert seen == [7, 7]


def test_output_is_capped_at_its_end(operation: Operation) -> None:
    def talks(run: Run) -> None:
        run.note("x" * 100_000 + "the end")

    engine.run(operation.pk, Workflow(engine.steps(talks), lambda _r: None, lambda _r, _e: None, lambda _r: None))
    output = operation.steps.get(name="talks").output
    assert len(output) < engine.OUTPUT_LIMIT + 100
    assert output.endswith("the end")


def test_an_operation_that_began_under_an_older_berth_gets_the_steps_that_are_new_since(
    operation: Operation, journal: Journal
) -> None:
    operation.steps.create(position=0, name="second", state=StepState.SUCCEEDED)
    operation.steps.create(position=1, name="third", state=StepState.WAITING)
    engine.run(operation.pk, journal.workflow())
    assert journal.calls == ["first", "third", "succeeded"]
    assert list(operation.steps.values_list("position", "name")) == [(0, "first"), (1, "second"), (2, "third")]
