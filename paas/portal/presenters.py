"""Rows in the words of a page: durations, work, addresses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from provisioning.operations.choices import UNFINISHED
from provisioning.operations.models import Operation
from provisioning.operations.selectors.moves import Move, move_of
from tenants.apps.models.environment import Environment
from tenants.names.custom_names import in_unicode
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors.domains import RecordToSet, is_apex, is_waiting, records_to_set, served_hostnames, told


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


@dataclass(frozen=True)
class ShownAnswer:
    """What one name server said when it was asked for `name` and `type`."""

    name: str
    type: str
    server: str
    said: str


@dataclass(frozen=True)
class ShownDomain:
    """`ends_at`: when it is withdrawn, should nobody mend it; None where all is well."""

    row: CustomDomain
    detail: str
    name: str
    records: list[RecordToSet]
    answers: list[ShownAnswer]
    is_apex: bool
    is_due: bool
    ends_at: datetime | None


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


def cores(cpu_millis: int) -> str:
    """`0.5 of a core`, `2 cores`."""
    return "1 core" if cpu_millis == 1000 else f"{cpu_millis / 1000:g} {'cores' if cpu_millis > 1000 else 'of a core'}"


def edge_urls(environment: Environment) -> list[tuple[str, str]]:
    """Hostname and URL through the edge, of every hostname of the environment."""
    # The platform's own names have their zone's certificate.
    is_https = settings.EDGE_HTTPS_REDIRECT and settings.EDGE_TLS_PORT
    port = settings.EDGE_TLS_PORT if is_https else settings.EDGE_PORT
    scheme = "https" if is_https or port == 443 else "http"
    suffix = "" if port in (80, 443) else f":{port}"
    return [(name, f"{scheme}://{name}{suffix}/") for name in served_hostnames(environment)]


def show_domain(domain: CustomDomain) -> ShownDomain:
    waits = is_waiting(domain)
    since = domain.failing_since if domain.is_served and not waits else None
    return ShownDomain(
        row=domain,
        detail=told(domain),
        name=in_unicode(domain.hostname),
        records=records_to_set(domain),
        answers=[answer for observation in domain.observations for answer in _answers(observation)],
        is_apex=is_apex(domain),
        is_due=not waits and domain.next_check_at is not None and domain.next_check_at <= timezone.now(),
        ends_at=since + timedelta(days=settings.DOMAIN_GRACE_DAYS) if since else None,
    )


def _answers(observation: dict[str, Any]) -> list[ShownAnswer]:
    def shown(server: str, said: str) -> ShownAnswer:
        return ShownAnswer(name=observation["name"], type=observation["type"], server=server, said=said)

    found = [
        shown(f"{answer['server']} ({answer['address'] or 'no address'})", _said(answer))
        for answer in observation["answers"]
    ]
    return found if found or not observation["detail"] else [shown("none", observation["detail"])]


def _said(answer: dict[str, Any]) -> str:
    match answer["outcome"]:
        case "answer":
            return f"a CNAME to {answer['cname']}" if answer["cname"] else "\n".join(answer["values"])
        case "no_data":
            return "there is no such record"
        case "nx_domain":
            return "there is no such name"
        case outcome:
            return f"nothing of use ({outcome.replace('_', ' ')}): {answer['detail']}"
