"""What every request gets: an id, nobody's rights, and headers that keep a browser from running anything foreign."""

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import escape_leading_slashes

from paas.api.errors import NOT_FOUND, ProblemResponse
from paas.api.strictness import refusal_of
from tenants import access
from tenants.audit.choices import AuthenticationMethod
from tenants.audit.request_context import Authentication, authentication, request_id

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

    handle = _wrapped(get_response, before)
    # Django asks it once the view is known.
    handle.process_view = _strict  # type: ignore[attr-defined]
    return handle


def _strict(
    request: HttpRequest, view: Callable[..., Any], _arguments: list[Any], named: dict[str, Any]
) -> HttpResponseBase | None:
    found = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return refusal_of(request, found, named) if found is not None and request.path.startswith("/api/") else None


class _WithSlash(HttpResponsePermanentRedirect):
    """The address with a slash at its end: a class of its own, since a view may redirect too."""


class SlashMiddleware(CommonMiddleware):
    """An address that lacks its last slash is sent to the one with it, with the method and the body that it came with.

    Django would answer 301, after which clients ask with GET: a POST would be answered 200, and make nothing. A
    client that follows no redirect reads the right address in the body.
    """

    response_redirect_class = _WithSlash

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        return self._kept(request, super().process_request(request))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return self._kept(request, super().process_response(request, response)) or response

    def _kept(self, request: HttpRequest, response: HttpResponseBase | None) -> HttpResponseBase | None:
        if not isinstance(response, _WithSlash):
            return response
        if not request.path.startswith("/api/"):
            return HttpResponse(status=308, headers={"Location": response.url})
        path = response.url.partition("?")[0]
        return ProblemResponse(
            status=308,
            code="slash_missing",
            detail=f"the address ends with a slash: send the same request to {path}",
            headers={"Location": response.url},
        )
