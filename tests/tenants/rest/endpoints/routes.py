"""The calls that there are, read off the URL table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver

from paas.api.router import urlpatterns
from tenants.rest.permissions import Declared

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Endpoint:
    method: str
    route: str
    view: type[Any]

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def declared(self) -> Declared | None:
        return getattr(self.view, "access_actions", {}).get(self.method)

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and hasattr(self.view, "get_queryset")


def endpoints(patterns: Iterable[URLPattern | URLResolver] = urlpatterns, prefix: str = "") -> Iterator[Endpoint]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern.url_patterns, route)
            continue
        # DRF gives its views `cls`, as Django does `view_class`.
        view: Any = getattr(pattern.callback, "cls", None) or pattern.callback.view_class
        for method in METHODS:
            if hasattr(view, method.lower()):
                yield Endpoint(method, route, view)
