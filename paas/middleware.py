"""What every request gets: an id, nobody's rights, and headers that keep a browser from running anything foreign."""

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from paas.api.errors import NOT_FOUND, ProblemResponse
from tenants import access
from tenants.choices import AuthenticationMethod
from tenants.request_context import Authentication, authentication, request_id

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
Handler = Callable[[HttpRequest], Any]


def _wrapped(
    get_response: Handler,
    before: Callable[[HttpRequest], HttpResponseBase | None] = lambda _request: None,
    after: Callable[[HttpRequest, HttpResponseBase], object] = lambda _request, _response: None,
) -> Handler:
    """A middleware for sync and async handlers alike, so that event streams keep no thread.

    What `before` gives back is the answer; without one the handler is asked.
    """
    if iscoroutinefunction(get_response):
        handle: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response

        async def on_loop(request: HttpRequest) -> HttpResponseBase:
            response = before(request) or await handle(request)
            after(request, response)
            return response

        return on_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = before(request) or get_response(request)
        after(request, response)
        return response

    return in_thread


@sync_and_async_middleware
def RequestIdMiddleware(get_response: Handler) -> Handler:  # noqa: N802 - settings name middleware like classes
    """Takes a well-formed `X-Request-Id` (8 to 64 of letters, digits, . _ -) or makes one; answers with it."""

    def before(request: HttpRequest) -> HttpResponseBase | None:
        sent = request.headers.get("X-Request-Id", "")
        request_id.set(sent if _WELL_FORMED.fullmatch(sent) else uuid.uuid4().hex)
        return None

    def after(_request: HttpRequest, response: HttpResponseBase) -> None:
        response.headers["X-Request-Id"] = request_id.get()

    return _wrapped(get_response, before, after)


@sync_and_async_middleware
def AuthenticationContextMiddleware(get_response: Handler) -> Handler:  # noqa: N802
    """Every request starts as nobody's; whoever finds out who sends it says so in `request_context.authentication`."""

    def before(request: HttpRequest) -> HttpResponseBase | None:
        address = request.META.get("REMOTE_ADDR") or None
        authentication.set(Authentication(method=AuthenticationMethod.ANONYMOUS, address=address))
        access.begin_evaluation()
        return None

    def after(_request: HttpRequest, _response: HttpResponseBase) -> None:
        # A thread that serves one request after the other must not remember who came last.
        authentication.set(Authentication())
        access.end_evaluation()

    return _wrapped(get_response, before, after)


@sync_and_async_middleware
def ContentSecurityPolicyMiddleware(get_response: Handler) -> Handler:  # noqa: N802
    """Scripts and styles come from Berth itself alone; a view may set a policy of its own. The API is not cached."""

    def after(request: HttpRequest, response: HttpResponseBase) -> None:
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")

    return _wrapped(get_response, after=after)


@sync_and_async_middleware
def ApiRequestMiddleware(get_response: Handler) -> Handler:  # noqa: N802
    """Refuses what no view of the API could answer rightly: a body of unannounced length, a path with NUL in it."""

    def before(request: HttpRequest) -> HttpResponseBase | None:
        if not request.path.startswith("/api/"):
            return None
        if "\x00" in request.path:
            return ProblemResponse(status=404, code="not_found", detail=NOT_FOUND)
        if "Transfer-Encoding" in request.headers and not request.META.get("CONTENT_LENGTH"):
            # The framework would take such a body for none at all.
            return ProblemResponse(status=411, code="length_required", detail="send the body with a Content-Length")
        return None

    return _wrapped(get_response, before)
