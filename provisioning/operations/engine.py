"""Runs the steps of an operation, so that it can be resumed after its worker was killed at any point.

A worker leases the operation (`lease`), renews the lease while it works, and records each step before and after. Every
write carries the fence of the lease: a worker that lost it writes nothing more. A step may run twice; it looks before
it acts. The engine does *not* know what steps do, and it never calls a driver.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from provisioning.exceptions import (
    GivenUp,
    LeaseLost,
    PermanentError,
    ProvisioningError,
    RetryableError,
    ServiceUnavailable,
    StepCrashed,
)
from provisioning.logs.sources import masked
from provisioning.operations.choices import UNFINISHED, OperationState, StepState
from provisioning.operations.heartbeat import renewing
from provisioning.operations.lease import Lease, claim
from provisioning.operations.models import Operation, Step
from tenants.apps.models.plugin_app import PluginApp

logger = logging.getLogger(__name__)

# A step that keeps failing with a `RetryableError` is tried again for so long.
RETRY_FOR = timedelta(hours=1)
# Something that does not answer at all is waited for longer: it is somebody's outage, and the work is still wanted.
OUTAGE_FOR = timedelta(days=3)
BACKOFF_S = (1, 2, 4, 8, 15)
# A step during which the worker died, or an unexpected exception came up, this many times is not tried again.
MAX_CRASHES = 5
OUTPUT_LIMIT = 16_000


class Wait(Exception):
    """A step's way to say: nothing is wrong, look again in `seconds`."""

    def __init__(self, reason: str, *, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Cancelled(Exception):
    """What the operation was for is no longer wanted."""


@dataclass
class Run(Lease[Operation]):
    """One worker's hold on one operation: what a step gets."""

    lines: list[str] = field(default_factory=list)

    @property
    def operation(self) -> Operation:
        return self.row

    @property
    def app(self) -> PluginApp:
        """The app of an operation on one. Raises `TypeError` for one on something else."""
        if self.row.app is None:
            raise TypeError(f"{self.row} is no work on an app")
        return self.row.app

    def note(self, text: str) -> None:
        """Adds to the output of the step."""
        self.lines.append(text)

    def remember(self, **data: object) -> None:
        """Leaves values for later steps, at once and for good. Raises `LeaseLost`."""
        self.operation.data = {**self.operation.data, **data}
        self.write(data=self.operation.data)

    def repeat_from(self, step_name: str) -> None:
        """Has the operation's next run begin again with this earlier step."""
        first = self.operation.steps.get(name=step_name)
        self.operation.steps.filter(position__gte=first.position).update(state=StepState.PENDING)

    def held(self) -> QuerySet[Operation]:
        return super().held().filter(state__in=UNFINISHED)


@dataclass(frozen=True)
class StepDefinition:
    name: str
    action: Callable[[Run], None]


@dataclass(frozen=True)
class Workflow:
    """Named steps in their order, and what follows from the end.

    `succeeded(run)` and `failed(run, error)` may run twice, like steps.
    """

    steps: Sequence[StepDefinition]
    succeeded: Callable[[Run], None]
    failed: Callable[[Run, PermanentError], None]
    cancelled: Callable[[Run], None]


def steps(*actions: Callable[[Run], None]) -> tuple[StepDefinition, ...]:
    return tuple(StepDefinition(action.__name__, action) for action in actions)


def run(operation_id: int, workflow: Workflow) -> float | None:
    """Takes the operation as far as it goes. Gives the seconds after which it wants to run again, or None."""
    hold = _claim(operation_id)
    if hold is None:
        return None
    logger.info("%s: worker %s takes it", hold.operation, hold.operation.lease_owner)
    try:
        with renewing(hold, f"operation {operation_id}"):
            return _advance(hold, workflow)
    except LeaseLost:
        logger.warning("operation %s went to another worker", operation_id)
        return None


def _claim(operation_id: int) -> Run | None:
    operation = claim(
        Operation.objects.filter(pk=operation_id, state__in=UNFINISHED),
        state=OperationState.RUNNING,
        started_at=Coalesce(F("started_at"), timezone.now()),
        next_run_at=None,
    )
    if operation is None:
        return None
    fence = operation.fence
    operation.refresh_from_db()
    return Run(operation, fence)


def _advance(hold: Run, workflow: Workflow) -> float | None:
    operation = hold.operation
    rows = _rows(operation, workflow)
    try:
        for definition in workflow.steps:
            step = rows[definition.name]
            if step.state == StepState.SUCCEEDED:
                continue
            pause = _attempt(hold, step, definition)
            if pause is not None:
                _park(hold, pause)
                return pause
        workflow.succeeded(hold)
        _finish(hold, OperationState.SUCCEEDED)
    except Cancelled:
        return _cancel(hold, workflow)
    except PermanentError as error:
        return _fail(hold, workflow, error)
    return None


def _rows(operation: Operation, workflow: Workflow) -> dict[str, Step]:
    """A row for each step, in the workflow's order. What began under an older Berth gets those that are new since."""
    rows = {step.name: step for step in operation.steps.all()}
    if all(definition.name in rows for definition in workflow.steps):
        return rows
    Step.objects.bulk_create(
        [Step(operation=operation, position=n, name=s.name) for n, s in enumerate(workflow.steps)],
        ignore_conflicts=True,
    )
    rows = {step.name: step for step in operation.steps.all()}
    for position, definition in enumerate(workflow.steps):
        if rows[definition.name].position != position:
            operation.steps.filter(name=definition.name).update(position=position)
    return rows


def _cancel(hold: Run, workflow: Workflow) -> float | None:
    try:
        workflow.cancelled(hold)
    except RetryableError as later:
        logger.warning("operation %s can't be cleaned up yet: %s", hold.operation.pk, later)
        _park(hold, BACKOFF_S[0])
        return float(BACKOFF_S[0])
    _finish(hold, OperationState.CANCELLED)
    return None


def _fail(hold: Run, workflow: Workflow, error: PermanentError) -> float | None:
    try:
        workflow.failed(hold, error)
    except RetryableError as later:
        # What must be put back can't be just now: the same step fails again next time, and this is tried again.
        logger.warning("operation %s can't be cleaned up yet: %s", hold.operation.pk, later)
        _park(hold, BACKOFF_S[-1])
        return float(BACKOFF_S[-1])
    _finish(hold, OperationState.FAILED, error=str(error), error_code=error.code)
    return None


def _attempt(hold: Run, step: Step, definition: StepDefinition) -> float | None:
    """Runs one step. None: done. A number: run again after so many seconds. Raises `PermanentError`, `Cancelled`."""
    now = timezone.now()
    if step.state == StepState.RUNNING and step.attempts >= MAX_CRASHES:
        error = f"{step.name} ended its worker {step.attempts} times: an operator must read the worker's log"
        _record(hold, step, state=StepState.FAILED, finished_at=now, error=error)
        raise StepCrashed(error)
    # A step that only waits goes on with its attempt; one that waits after an error begins another.
    waiting = step.state == StepState.WAITING and not step.error
    _record(
        hold,
        step,
        state=StepState.RUNNING,
        attempts=step.attempts if waiting else step.attempts + 1,
        started_at=step.started_at or now,
    )
    hold.lines = []
    try:
        definition.action(hold)
    except Wait as wait:
        _record(hold, step, state=StepState.WAITING, error="", output=_capped([*hold.lines, wait.reason]))
        return wait.seconds
    except (LeaseLost, Cancelled):
        raise
    except RetryableError as error:
        told = _told(hold, error)
        patience = OUTAGE_FOR if isinstance(error, ServiceUnavailable) else RETRY_FOR
        if timezone.now() - (step.started_at or now) > patience:
            message = f"{told} (given up after {patience} and {step.attempts} attempts)"
            _record(hold, step, state=StepState.FAILED, finished_at=timezone.now(), error=message)
            raise GivenUp(message) from error
        _record(hold, step, state=StepState.WAITING, error=told, output=_output(hold))
        return float(BACKOFF_S[min(step.attempts - 1, len(BACKOFF_S) - 1)])
    except PermanentError as error:
        # What follows from the error (the release, the trail) reads it as it may be shown.
        error.args = (_told(hold, error),)
        _record(hold, step, state=StepState.FAILED, finished_at=timezone.now(), error=str(error), output=_output(hold))
        raise
    except Exception as error:
        logger.exception("step %s of operation %s", step.name, hold.operation.pk)
        message = f"unexpected {type(error).__name__}: an operator must read the worker's log"
        if step.attempts >= MAX_CRASHES:
            _record(hold, step, state=StepState.FAILED, finished_at=timezone.now(), error=message)
            raise StepCrashed(f"{step.name}: {message}") from error
        frame = traceback.extract_tb(error.__traceback__)[-1]
        hold.note(f"{type(error).__name__} in {frame.name}")
        _record(hold, step, state=StepState.RUNNING, error=message, output=_output(hold))
        return float(BACKOFF_S[min(step.attempts - 1, len(BACKOFF_S) - 1)])
    _record(
        hold, step, state=StepState.SUCCEEDED, finished_at=timezone.now(), error="", output=_output(hold) or step.output
    )
    return None


def _record(hold: Run, step: Step, **values: object) -> None:
    """Writes the step, and the lease with it: where the lease is lost, nothing is written."""
    with hold.fenced():
        Step.objects.filter(pk=step.pk).update(**values)
    for name, value in values.items():
        setattr(step, name, value)


def _told(hold: Run, error: ProvisioningError) -> str:
    """The error's text without a secret of the environment: programs quote what they were given."""
    operation, text = hold.operation, str(error)
    if operation.environment is None:
        return text
    return masked(operation.environment, text, release=operation.release)


def _output(hold: Run) -> str:
    return _capped(hold.lines)


def _capped(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    return text if len(text) <= OUTPUT_LIMIT else "[…]\n" + text[-OUTPUT_LIMIT:]


def _park(hold: Run, seconds: float) -> None:
    hold.write(lease_until=None, lease_owner="", next_run_at=timezone.now() + timedelta(seconds=seconds))


def _finish(hold: Run, state: OperationState, *, error: str = "", error_code: str = "") -> None:
    logger.info("%s: %s", hold.operation, state)
    hold.write(
        state=state,
        error=error,
        error_code=error_code,
        finished_at=timezone.now(),
        lease_until=None,
        lease_owner="",
        next_run_at=None,
    )
