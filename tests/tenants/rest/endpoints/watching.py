"""What a call wrote, and what it answered."""

import json
from typing import Any

from asgiref.sync import async_to_sync
from django.apps import apps

from tenants.models import AuditEvent
from tests.tenants.rest.endpoints.world import MARKS

_TRAIL = {"AuditEvent", "AuditChain"}
# When a token was last used, and how many calls an account at a vendor has left.
_TALLIES = {"last_used_at", "bucket_tokens", "bucket_at"}


def everything() -> dict[str, list[Any]]:
    """All rows but those of the trail. What only counts uses does not count."""
    models = [model for name in ("tenants", "provisioning") for model in apps.get_app_config(name).get_models()]
    return {
        model.__name__: list(
            model._base_manager.order_by("pk").values_list(
                *(field.attname for field in model._meta.concrete_fields if field.attname not in _TALLIES)
            )
        )
        for model in models
        if model.__name__ not in _TRAIL
    }


def newest() -> int:
    """The id of the newest event of the trail."""
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def written_since(last: int) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(pk__gt=last).order_by("pk"))


class Unchanged:
    """Asserts at its end that nothing was written but refusals in the trail."""

    def __enter__(self) -> None:
        self._before, self._last = everything(), newest()

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            assert everything() == self._before
            assert {event.action for event in written_since(self._last)} <= {"access.denied"}


def content_of(response: Any) -> str:
    """The body; of a stream without an end, nothing."""
    if not response.streaming:
        return str(response.content.decode())
    if response.headers["Content-Type"] == "text/event-stream":
        response.close()
        return ""

    async def collected() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(collected)().decode()


def comparable(response: Any) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body without what differs between any two requests: their ids."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
    text = content_of(response)
    if headers.get("Content-Type") != "application/problem+json":
        return response.status_code, headers, text
    headers.pop("Content-Length", None)
    return response.status_code, headers, {**json.loads(text), "request_id": ""}


def rows_in(response: Any) -> list[Any]:
    """What a list has."""
    if response.streaming:
        return content_of(response).splitlines()
    return list(response.json()["results"])


def leaks_in(response: Any) -> list[str]:
    """The marks of the other tenant that show in an answer."""
    text = content_of(response).lower()
    return [mark for mark in MARKS if mark in text]
