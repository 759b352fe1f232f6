"""Operations in the words of a page: durations, steps, and whose move it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from provisioning.operations.choices import UNFINISHED
from provisioning.operations.models import Operation
from provisioning.operations.selectors.moves import Move, move_of


@dataclass(frozen=True)
class ShownStep:
    name: str
    state: str
    attempts: int
    duration: str
    output: str
    error: str


@dataclass(frozen=True)
class ShownWork:
    """One operation with its steps; `now` names the step that it is at.

    Of an error, `summary` is the line that says what is wrong, `details` what stands below it. `move` says whose move
    it is.
    """

    row: Operation
    steps: list[ShownStep]
    duration: str
    is_busy: bool
    now: str
    summary: str
    details: str
    move: Move | None


def duration(started: datetime | None, finished: datetime | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`; of what is not finished, so far; empty for what has not started."""
    if started is None:
        return ""
    length = max((finished or timezone.now()) - started, timedelta())
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def show_work(operation: Operation) -> ShownWork:
    steps = [
        ShownStep(
            name=step.name.replace("_", " "),
            state=step.shown_state,
            attempts=step.attempts,
            duration=duration(step.started_at, step.finished_at),
            output=step.output,
            # The operation says the same above.
            error=step.error if step.error != operation.error else step.error.partition("\n")[0],
        )
        for step in operation.steps.all()
    ]
    is_busy = operation.state in UNFINISHED
    summary, _, details = operation.error.partition("\n")
    return ShownWork(
        row=operation,
        steps=steps,
        duration=duration(operation.started_at, operation.finished_at),
        is_busy=is_busy,
        now=next((step.name for step in steps if step.state in ("running", "waiting")), "") if is_busy else "",
        summary=summary,
        details=details,
        move=move_of(operation) if operation.error else None,
    )
