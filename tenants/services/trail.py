"""Audit events as they are made and written."""

from typing import Any

from tenants.models import AuditEvent
from tenants.request_context import RecordedDecision, request_id


def event(**content: Any) -> AuditEvent:
    """An unsaved event with `content` and what is known about the request under way."""
    return AuditEvent(request_id=request_id.get(), **content)


def refusal(decision: RecordedDecision, *, message: str) -> AuditEvent:
    return event(
        action="access.denied",
        message=message,
        actor_id=decision.actor_id,
        organization_id=decision.organization_id,
        app_id=decision.app_id,
        data={"action": decision.action},
    )


def append(events: list[AuditEvent]) -> None:
    """Writes `events`."""
    if events:
        AuditEvent.objects.bulk_create(events)
