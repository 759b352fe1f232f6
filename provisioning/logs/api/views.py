"""`GET /apps/{app}/environments/{env}/logs/`: the last lines as JSON, or with `follow=true` as server-sent events."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.exceptions import ProvisioningError
from provisioning.logs.events import Denied, EventStream, FollowSlot
from provisioning.logs.positions import HEADER, Positions, decode
from provisioning.logs.query import LogQuery, parse_query
from provisioning.logs.reading import check_source, read_tail
from provisioning.logs.sources import LogSource, log_source
from provisioning.logs.watching import Stamp, people_stamp
from tenants import access
from tenants.access.finding import get_environment
from tenants.exceptions import NotPermitted
from tenants.rest.base import signed_in_again

_FOLLOW_VALUES = {"true", "1"}


class LogsUnavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "logs_unavailable"


class _AnyOrJSON(BaseContentNegotiation):
    """An `EventSource` accepts `text/event-stream` alone; what this view renders itself, problems too, is JSON."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


@dataclass(frozen=True, kw_only=True)
class _Admission:
    """Who may read what, as found by one look at the database."""

    user_id: int
    query: LogQuery
    positions: Positions | None
    source: LogSource


class LogsView(APIView):
    access_actions = {"GET": "logs.read"}
    content_negotiation_class = _AnyOrJSON
    renderer_classes = [JSONRenderer]

    @extend_schema(
        parameters=[
            OpenApiParameter("tail", int, description="How many lines, 1 to 5000; 200 without."),
            OpenApiParameter("since", str, description="RFC 3339, or so long ago: 90s, 10m, 2h, 1d."),
            OpenApiParameter("until", str, description="Like `since`; not together with `follow`."),
            OpenApiParameter("container", str, description="`live`, `standby`, or a container's name."),
            OpenApiParameter("grep", str, description="Lines with this text only, as they are shown; no expression."),
            OpenApiParameter(
                "follow", bool, description="Server-sent events; `Last-Event-ID` resumes where one left off."
            ),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, app: str, env: str) -> Response:
        admission = self.admit(request, app, env)
        try:
            # In this thread, with a loop of its own: many lines keep nobody else waiting.
            lines = asyncio.run(read_tail(admission.source, admission.query))
        except ProvisioningError as exc:
            raise LogsUnavailable(str(exc)) from exc
        return Response({"results": [line.as_dict() for line in lines]})

    def admit(self, request: Request, app: str, env: str) -> _Admission:
        """Raises `Http404` for an environment that the user may not see, and what else refuses the request."""
        environment = get_environment(request.user, app, env)
        access.require(request.user, "logs.read", environment)
        query = parse_query(request.query_params)
        resume = request.headers.get(HEADER, "") if query.is_follow else ""
        return _Admission(
            user_id=int(request.user.pk or 0),
            query=query,
            positions=decode(resume) if resume else None,
            source=log_source(environment),
        )


class _FollowRequest:
    """One request to follow, as seen by the synchronous side: authentication, permission, throttling, rows."""

    def __init__(self, request: HttpRequest, app: str, env: str) -> None:
        self._request = request
        self._app = app
        self._env = env
        self.stamp: Stamp = None

    def admit(self) -> _Admission | HttpResponseBase:
        """The admission, or the answer that refuses it. `stamp` is what rights stood at before it looked."""
        self.stamp = people_stamp()
        view = LogsView()
        view.setup(self._request, app=self._app, env=self._env)
        view.headers = {}
        request = view.request = view.initialize_request(self._request)
        try:
            view.initial(request, app=self._app, env=self._env)
            return view.admit(request, self._app, self._env)
        except Exception as exc:
            return view.finalize_response(request, view.handle_exception(exc))
        finally:
            # A stream lives long: it keeps no database connection.
            _close_connection()

    def refuse(self, error: Exception) -> HttpResponseBase:
        view = LogsView()
        view.setup(self._request)
        view.headers = {}
        request = view.request = view.initialize_request(self._request)
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return view.finalize_response(request, view.handle_exception(error))

    def recheck(self) -> LogSource:
        """The source as it is now. Raises `Denied` where the reader may not read any more."""
        view = LogsView()
        view.setup(self._request)
        try:
            # Nothing of what the first look remembers may count.
            with access.evaluation():
                request = signed_in_again(view, self._request)
                return view.admit(request, self._app, self._env).source
        except (exceptions.APIException, Http404, NotPermitted) as exc:
            raise Denied from exc
        finally:
            _close_connection()


def _close_connection() -> None:
    if not connection.in_atomic_block:
        connection.close()


@csrf_exempt
async def logs(request: HttpRequest, app: str, env: str) -> HttpResponseBase:
    """One URL for both: plain JSON in a thread, the stream on the event loop."""
    if request.method == "GET" and request.GET.get("follow", "").lower() in _FOLLOW_VALUES:
        return await _follow(request, app, env)
    respond: Callable[..., Awaitable[HttpResponseBase]] = sync_to_async(LogsView.as_view())
    return await respond(request, app=app, env=env)


# What the schema looks at: the view behind the function.
logs.cls = LogsView  # type: ignore[attr-defined]
logs.initkwargs = {}  # type: ignore[attr-defined]


async def _follow(request: HttpRequest, app: str, env: str) -> HttpResponseBase:
    follow = _FollowRequest(request, app, env)
    admission = await sync_to_async(follow.admit)()
    if not isinstance(admission, _Admission):
        return admission
    slot = FollowSlot.take(user_id=admission.user_id, limit=settings.LOG_FOLLOWS_PER_USER)
    if slot is None:
        return await sync_to_async(follow.refuse)(
            exceptions.Throttled(
                wait=30, detail=f"you follow {settings.LOG_FOLLOWS_PER_USER} logs already: close one of them"
            )
        )
    try:
        await check_source(admission.source, admission.query)
    except ProvisioningError as exc:
        return await sync_to_async(follow.refuse)(LogsUnavailable(str(exc)))
    except Exception as exc:
        return await sync_to_async(follow.refuse)(exc)
    stream = EventStream(
        source=admission.source,
        query=admission.query,
        positions=admission.positions,
        slot=slot,
        recheck=sync_to_async(follow.recheck),
        recheck_interval_s=settings.LOG_RECHECK_INTERVAL_S,
        stamp=follow.stamp,
    )
    return StreamingHttpResponse(
        stream, content_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
