"""Query parameters, keys, bodies and numbers that a call does not know are refused by their name.

A filter with a slip in its name would otherwise show everything, and a body that nobody reads would look taken.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter

from paas.api.errors import NOT_FOUND, ProblemResponse
from tenants.rest.pagination import CursorPages

# A body of a call that takes none is read up to here, to see if it is empty.
_LARGEST_EMPTY_BODY = 64
# So many query parameters are looked at: no call takes as many.
_MOST_FAULTS = 20
_METHODS_WITH_BODY = {"POST", "PUT", "PATCH"}


def query_parameters(view: type[Any], method: str) -> frozenset[str]:
    """The names that a call takes: those that it documents with `extend_schema`, and of a list its filters and pages.

    A view that documents none says them with `query_parameters`.
    """
    method = "GET" if method == "HEAD" else method
    declared: Mapping[str, tuple[str, ...]] = getattr(view, "query_parameters", {})
    names = {*declared.get(method, ()), *_documented(view, method)}
    if method == "GET" and hasattr(view, "get_queryset"):
        filters = getattr(view, "filterset_class", None)
        names |= set(filters.base_filters) if filters is not None else set()
        if getattr(view, "pagination_class", None) is not None:
            names |= {CursorPages.cursor_query_param, str(CursorPages.page_size_query_param)}
    return frozenset(names)


def _documented(view: type[Any], method: str) -> set[str]:
    return {
        parameter.name
        for parameters in _kept(view, method, "get_override_parameters", "parameters")
        for parameter in parameters or ()
        if isinstance(parameter, OpenApiParameter) and parameter.location == OpenApiParameter.QUERY
    }


def _kept(view: type[Any], method: str, of: str, name: str) -> list[Any]:
    """The argument `name` of the method's `extend_schema`, which keeps it in a closure and nowhere else; or nothing."""
    schema = getattr(getattr(view, method.lower(), None), "kwargs", {}).get("schema")
    function = getattr(schema, of, None)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True) if function else ()
    return [cell.cell_contents for free, cell in cells if free == name]


def takes_body(view: type[Any], method: str) -> bool:
    """Not with `extend_schema(request=None)`. `bodied` of the view names methods that take one nevertheless."""
    if method in getattr(view, "bodied", ()):
        return True
    return method in _METHODS_WITH_BODY and None not in _kept(view, method, "get_request_serializer", "request")


def takes_key(view: type[Any], method: str) -> bool:
    return method == "POST" and hasattr(view, "represent")


def refusal_of(request: HttpRequest, view: type[Any], kwargs: Mapping[str, Any]) -> HttpResponse | None:
    """The answer to a request that says more than the call takes; None where there is nothing to refuse."""
    method = request.method or "GET"
    if method == "OPTIONS" or not hasattr(view, "get" if method == "HEAD" else method.lower()):
        return None
    if any(isinstance(value, int) and str(value) not in request.path.split("/") for value in kwargs.values()):
        # Row 7 is not called 007.
        return ProblemResponse(status=404, code="not_found", detail=NOT_FOUND)
    faults = _faults_of_query(request.GET, query_parameters(view, method), getattr(view, "flags", ()))
    if "Idempotency-Key" in request.headers and method != "GET" and not takes_key(view, method):
        faults["Idempotency-Key"] = "is not taken by this call, which would be done again: send it without"
    if not takes_body(view, method) and (fault := _fault_of_body(request)):
        faults["body"] = fault
    if not faults:
        return None
    errors = [{"field": name, "message": text, "code": "unknown"} for name, text in faults.items()]
    first = errors[0]
    return ProblemResponse(
        status=400, code="invalid_input", detail=f"{first['field']}: {first['message']}", errors=errors
    )


def _faults_of_query(query: QueryDict, allowed: frozenset[str], flags: Collection[str]) -> dict[str, str]:
    """`flags` have no value."""
    faults = {}
    taken = f"it takes {', '.join(sorted(allowed))}" if allowed else "it takes none"
    for name, values in list(query.lists())[:_MOST_FAULTS]:
        if name not in allowed:
            faults[name[:100]] = f"is no query parameter of this call: {taken}"
        elif len(values) > 1:
            faults[name] = f"is there {len(values)} times: name one value"
        elif values == [""] and name not in flags:
            faults[name] = "is empty: give it a value, or leave it out"
    return faults


def _fault_of_body(request: HttpRequest) -> str:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) == 0:
        return ""
    if int(length) <= _LARGEST_EMPTY_BODY and request.method not in ("GET", "HEAD"):
        try:
            # Some clients can send nothing but an object.
            if json.loads(request.body or b"{}") == {}:
                return ""
        except ValueError:
            pass
    return "this call takes none: send no body"
