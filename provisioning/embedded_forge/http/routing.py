"""Which function answers which path. Patterns look like `projects/:id/repository/files/:file_path/raw`.

A parameter is one segment of the *undecoded* path, so that `group%2Fproject` and `f%2Fx` are one segment each. Where
the server keeps no undecoded path, a parameter may hold slashes and the most literal pattern wins.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

READ_SCOPES = frozenset({"api", "read_api"})
WRITE_SCOPES = frozenset({"api"})

Handler = Callable[[Any], Any]


@dataclass(frozen=True)
class Route:
    method: str
    literal_length: int
    exact: re.Pattern[str]
    loose: re.Pattern[str]
    handler: Handler
    scopes: frozenset[str]
    is_anonymous: bool
    admits_job_token: bool


ROUTES: list[Route] = []


def route(
    method: str, pattern: str, *, also: set[str] | None = None, anonymous: bool = False, job_token: bool = False
) -> Callable[[Handler], Handler]:
    """Registers the decorated function. `also` names scopes beyond `api` (and `read_api` for GET and HEAD) that will
    do; `anonymous` lets callers without a token in; `job_token` those with a job's."""
    scopes = (READ_SCOPES if method in {"GET", "HEAD"} else WRITE_SCOPES) | (also or set())

    def register(handler: Handler) -> Handler:
        exact, loose = _compile(pattern, "[^/]+"), _compile(pattern, ".+?")
        literal_length = len(re.sub(r":\w+", "", pattern))
        ROUTES.append(Route(method, literal_length, exact, loose, handler, scopes, anonymous, job_token))
        return handler

    return register


def _compile(pattern: str, segment: str) -> re.Pattern[str]:
    body = re.sub(r":(\w+)", rf"(?P<\1>{segment})", pattern.replace(".", r"\."))
    return re.compile(rf"{body}/?\Z")


def find(method: str, path: str, *, is_raw: bool) -> tuple[Route | None, dict[str, str], list[str]]:
    """The route, its decoded parameters, and the methods that the path does have. HEAD falls back to GET."""
    allowed: list[str] = []
    fallback: tuple[Route, dict[str, str]] | None = None
    candidates = ROUTES if is_raw else sorted(ROUTES, key=lambda item: -item.literal_length)
    for candidate in candidates:
        match = (candidate.exact if is_raw else candidate.loose).match(path)
        if match is None:
            continue
        parameters = {name: unquote(value) if is_raw else value for name, value in match.groupdict().items()}
        if candidate.method == method:
            return candidate, parameters, allowed
        if method == "HEAD" and candidate.method == "GET" and fallback is None:
            fallback = candidate, parameters
        allowed.append(candidate.method)
    if fallback:
        return *fallback, allowed
    return None, {}, allowed
