"""Every error of the API as `application/problem+json` (RFC 9457)."""

import json
import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions

from paas.api.authentication import CHALLENGE
from provisioning.exceptions import ProvisioningError, RateLimited, ServiceUnavailable
from tenants.audit.request_context import request_id
from tenants.exceptions import QuotaExceeded, SignInRefused, TenantsError, TooManyAttempts

TITLES = {
    308: "The address lacks its last slash",
    400: "The request is not valid",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    411: "The length is missing",
    413: "The body is too large",
    415: "Unsupported media type",
    422: "Can't be processed",
    429: "Too many requests",
    500: "Something went wrong here",
    502: "Something behind Berth refused",
    503: "Not available right now",
}
_LONGEST = 4000
# A field's name may be one that was sent.
_LONGEST_NAME = 200
# Of `errors`: as many, of as many characters together.
_MOST, _ROOM = 100, 10_000
# One text for all that is not there and all that may not be seen.
NOT_FOUND = "there is nothing here that you may see"


def _short(text: str, longest: int = _LONGEST) -> str:
    """Some of Django's messages have what was sent in them, however long that is."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def _bounded(errors: list[dict[str, str]]) -> list[dict[str, str]]:
    """As many errors as one answer holds, at least one, and how many are left out: a list that was sent may have
    thousands of items, each with an error of its own."""
    shown: list[dict[str, str]] = []
    room = _ROOM
    for error in errors[:_MOST]:
        short = error | {"field": _short(error["field"], _LONGEST_NAME), "message": _short(error["message"])}
        room -= len(short["field"]) + len(short["message"])
        if shown and room < 0:
            break
        shown.append(short)
    if left := len(errors) - len(shown):
        message = f"{left} more errors are left out: mend those above, then send it again"
        shown.append({"field": "body", "message": message, "code": "more_errors"})
    return shown


class ProblemResponse(HttpResponse):
    """One problem. It is no DRF response, so that it looks the same whatever the view renders otherwise."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        problem: dict[str, Any] = {
            "type": f"urn:berth:error:{code}",
            "title": TITLES.get(status, "The request was refused"),
            "status": status,
            "detail": _short(detail),
            "code": code,
            "errors": _bounded(errors or []),
            "request_id": request_id.get(),
            **(more or {}),
        }
        super().__init__(
            json.dumps(problem),
            status=status,
            content_type="application/problem+json",
            headers=headers,
        )


class BodyTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "body_too_large"


def problem_details(exc: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler. None for what nobody foresaw: that is logged, and answered by `server_error`."""
    match exc:
        case TenantsError():
            errors = [
                {"field": field, "message": message, "code": exc.code}
                for field, messages in exc.errors.items()
                for message in messages
            ]
            headers = {}
            if isinstance(exc, TooManyAttempts):
                headers["Retry-After"] = str(exc.wait_s)
            elif isinstance(exc, SignInRefused):
                headers["WWW-Authenticate"] = CHALLENGE
            more = {}
            if isinstance(exc, QuotaExceeded):
                more["quota"] = {"name": exc.name, "used": exc.used, "limit": exc.limit}
            return ProblemResponse(
                status=exc.status, code=exc.code, detail=exc.detail, errors=errors, headers=headers, more=more
            )
        case Http404() | exceptions.NotFound():
            return ProblemResponse(status=404, code="not_found", detail=NOT_FOUND)
        case PermissionDenied():
            return ProblemResponse(status=403, code="permission_denied", detail="you may not do this")
        case OperationalError():
            return ProblemResponse(
                status=503,
                code="database_unavailable",
                detail="the database does not answer: nothing was changed, try again in a moment",
                headers={"Retry-After": "2"},
            )
        case ServiceUnavailable():
            return ProblemResponse(status=503, code=exc.code, detail=str(exc), headers={"Retry-After": "5"})
        case RateLimited():
            wait = {"Retry-After": str(max(1, math.ceil(exc.retry_after_s)))}
            return ProblemResponse(status=503, code=exc.code, detail=str(exc), headers=wait)
        case ProvisioningError():
            return ProblemResponse(status=502, code=exc.code, detail=str(exc))
        case exceptions.ValidationError():
            errors = list(_flattened(exc.get_full_details()))
            detail = f"{errors[0]['field']}: {errors[0]['message']}" if errors else "the request is not valid"
            return ProblemResponse(status=400, code="invalid_input", detail=detail, errors=errors)
        case exceptions.APIException():
            return _of_framework(exc)
    return None


def _of_framework(exc: exceptions.APIException) -> ProblemResponse:
    headers: dict[str, str] = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    wait_s = getattr(exc, "wait", None)
    if isinstance(exc, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(wait_s or 1)))
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else "invalid"
    return ProblemResponse(status=exc.status_code, code=code, detail=str(exc.detail), headers=headers)


def _flattened(details: Any, field: str = "") -> Any:
    """DRF's nested details as `{field, message, code}`, fields of nested objects joined by dots."""
    if isinstance(details, Mapping) and set(details) == {"message", "code"} and isinstance(details["message"], str):
        yield {"field": field or "body", "message": str(details["message"]), "code": str(details["code"])}
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _flattened(inner, ".".join(part for part in (field, own) if part))
    else:
        for inner in details:
            yield from _flattened(inner, field)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return ProblemResponse(status=400, code="invalid", detail="the request is not one that can be read")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return ProblemResponse(status=403, code="permission_denied", detail="you may not do this")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return ProblemResponse(status=404, code="not_found", detail=NOT_FOUND)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return ProblemResponse(
            status=500, code="server_error", detail="this is a fault of ours: tell the operator the request_id"
        )
    return defaults.server_error(request)
