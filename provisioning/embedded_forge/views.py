"""The one view of the REST API: finds the endpoint by the undecoded path, authenticates, calls, answers."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from provisioning.embedded_forge.api import registry
from provisioning.embedded_forge.http import authentication, routing
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import ApiError, forbidden, insufficient_scope, no_route, unauthorized
from provisioning.embedded_forge.http.reply import Reply

logger = logging.getLogger(__name__)
registry.load()
# How the operating system, git and SQLite say it.
FULL = ("No space left on device", "database or disk is full")
DISK_FULL = "500 Internal Server Error - the forge's disk is full: an operator must free space on it"


@csrf_exempt
def api(request: HttpRequest, rest: str) -> HttpResponse:
    """Answers `api/v4/...`. No exception leaves it: what was not foreseen is a logged 500 with GitLab's body."""
    method = request.method or "GET"
    try:
        return _answer(request, method, rest).response(method)
    except ApiError as error:
        return Reply(error.body, status=error.status, headers=error.headers).response(method)
    except Exception as error:
        logger.exception("the forge failed at %s %s", method, request.path)
        text = DISK_FULL if any(sign in str(error) for sign in FULL) else "500 Internal Server Error"
        return Reply({"message": text}, status=500).response(method)


def _answer(request: HttpRequest, method: str, rest: str) -> Reply:
    prefix = request.path[: len(request.path) - len(rest)]
    raw = raw_path(request)
    is_raw = raw is not None and raw.startswith(prefix)
    path = raw[len(prefix) :] if is_raw and raw is not None else rest
    found, parameters, allowed = routing.find(method, path, is_raw=is_raw)
    if found is None:
        if allowed:
            raise ApiError(405, {"error": "405 Not Allowed"}, {"Allow": ", ".join(sorted(set(allowed)))})
        raise no_route()
    caller = authentication.of_request(request)
    if caller.user is None and not found.is_anonymous:
        raise unauthorized()
    if caller.job is not None and not found.admits_job_token:
        raise forbidden()
    if caller.token is not None and not caller.scopes & found.scopes:
        raise insufficient_scope(set(found.scopes))
    base_url = f"{request.scheme}://{request.get_host()}{prefix}{path}"
    call = Call(request, parameters, caller, base_url)
    try:
        result = found.handler(call)
    except Exception:
        call.require_still_there()
        raise
    return result if isinstance(result, Reply) else Reply(result)


def raw_path(request: HttpRequest) -> str | None:
    """The path as it came over the wire, `%2F` kept, without the query; None where the server does not tell."""
    scope = getattr(request, "scope", None)
    if scope is not None:
        raw = scope.get("raw_path")
        return raw.decode("latin-1").partition("?")[0] if raw else None
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI")
    return raw.partition("?")[0] if raw else None
