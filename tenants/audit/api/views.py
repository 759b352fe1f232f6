"""The trail: of one app, of everything that one may see, and as JSON lines."""

import json
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from tenants import access
from tenants.access import rows
from tenants.access.finding import get_app
from tenants.audit import request_context
from tenants.audit.api.serializers import EventSerializer, export_line
from tenants.audit.filters import AuditFilter, TimelineFilter
from tenants.audit.models import AuditEvent
from tenants.people.models.user import User
from tenants.rest.base import signed_in, signed_in_again

JSON_LINES = "application/x-ndjson"
_CHUNK = 500


class _EventListView(ListAPIView):
    serializer_class = EventSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if not getattr(self, "swagger_fake_view", False):
            user = signed_in(self.request)
            context |= {"user": user, "oversees": _oversees(user)}
        return context


class TimelineView(_EventListView):
    """What happened to the app, newest first."""

    access_actions = {"GET": "audit.view"}
    filterset_class = TimelineFilter

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEvent.objects.none()
        app = get_app(self.request.user, self.kwargs["app"])
        return access.restrict(rows.timeline().filter(app=app), self.request.user, "audit.view")


class AuditListView(_EventListView):
    """Everything that happened and that you may see, newest first."""

    access_actions = {"GET": "audit.view"}
    filterset_class = AuditFilter

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEvent.objects.none()
        return access.restrict(rows.timeline(), self.request.user, "audit.view")


class _JSONLines(BaseRenderer):
    media_type = JSON_LINES
    format = "jsonl"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        return json.dumps(data).encode()


class _AnyAccepted(BaseContentNegotiation):
    """There is one form; a problem has its own, whatever is accepted."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class AuditExportView(GenericAPIView):
    access_actions = {"GET": "audit.export"}
    serializer_class = EventSerializer
    filterset_class = AuditFilter
    pagination_class = None
    renderer_classes = [_JSONLines]
    content_negotiation_class = _AnyAccepted

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEvent.objects.none()
        return rows.exported()

    @extend_schema(responses={(200, JSON_LINES): OpenApiTypes.STR}, filters=True)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Everything that happened and that you may export, oldest first: one JSON object a line.

        Without `hash`, `names` and `withheld`, written with sorted keys and without spaces, each line has the SHA-256
        that is its `hash`, and `previous_hash` is the `hash` of the line before it in its chain. Where somebody else's
        address and what a decision looked at are not yours to see, they are null and named in `withheld`.
        """
        access.require_scope(signed_in(request), "audit.export")
        events = self.filter_queryset(self.get_queryset())
        return StreamingHttpResponse(
            _lines(events, request._request),
            content_type=JSON_LINES,
            headers={"Content-Disposition": 'attachment; filename="audit.jsonl"'},
        )


async def _lines(events: QuerySet[AuditEvent], sent: HttpRequest) -> AsyncIterator[bytes]:
    """In chunks, each asked for anew: memory does not grow, and who may no longer see gets no more."""
    last = 0
    while True:
        chunk, text = await sync_to_async(_chunk)(events.filter(pk__gt=last), sent)
        if not chunk:
            return
        last = chunk
        yield text


def _chunk(events: QuerySet[AuditEvent], sent: HttpRequest) -> tuple[int, bytes]:
    """The last id and the lines of the next few events; 0 where there is none, or who asked is signed in no more."""
    # When the lines are sent, the request's own is over; whoever is served next in this thread came in another way.
    token = request_context.authentication.set(request_context.Authentication())
    try:
        with access.evaluation():
            user = signed_in(signed_in_again(AuditExportView(), sent))
            oversees = _oversees(user)
            found = list(access.restrict(events, user, "audit.export").order_by("pk")[:_CHUNK])
    except (AuthenticationFailed, NotAuthenticated):
        return 0, b""
    finally:
        request_context.authentication.reset(token)
    lines = [json.dumps(export_line(event, user=user, oversees=oversees), ensure_ascii=False) for event in found]
    return (found[-1].pk, "".join(f"{line}\n" for line in lines).encode()) if found else (0, b"")


def _oversees(user: User) -> bool:
    """Whether `user` may read the platform's own part of the trail."""
    return access.may(user, "audit.export", AuditEvent())
