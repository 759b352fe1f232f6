"""The queue of webhook events: rows, so that an event and what caused it are stored together or not at all."""

from typing import Any

from provisioning.embedded_forge.models import Delivery, Hook


def enqueue_for(hook: Hook, event: str, subject: dict[str, Any]) -> None:
    """`subject` says what the payload is about; the runner builds it when it sends it, as GitLab does."""
    Delivery.objects.create(hook=hook, event=event, subject=subject)
