"""How long a page of each list takes, beside the same page found by a filter that was written by hand.

Both go the whole way: middleware, authentication, throttles, pagination, serializer and renderer are the same, and the
answers are compared. The peer's view knows no policies and looks nothing up but its rows.
"""

import gc
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import URLPattern, URLResolver, include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.test import APIClient

from tenants.people.services.service_accounts import service_account_name
from tests.benchmarks.access.by_hand import BY_HAND, Person
from tests.benchmarks.access.world import World, token
from tests.benchmarks.figures import Figure, Target, paired
from tests.tenants.rest.endpoints.routes import endpoints

# All pages are measured once, and then again: a burst of whatever else runs falls on few pairs of a page.
PASSES, ROUNDS = 3, 30
MOST_QUERIES = 8
MOST_TIMES_THE_PEER = 1.5
# What has a queryset and no pages.
NOT_PAGED = {"audit/export/"}

urlpatterns: list[URLPattern | URLResolver] = [path("", include("paas.urls"))]


@dataclass(frozen=True)
class Page:
    """One list as one person asks for it."""

    route: str
    person: Person
    url: str
    by_hand: str

    @property
    def name(self) -> str:
        return f"{self.route} {self.person.name}"


def people(world: World) -> list[Person]:
    """A member of five organizations with grants, the same with a token for one of them, an owner, and staff."""
    first, granted = world.organizations[0], tuple(sorted(world.granted))
    home = tuple(organization.pk for organization in world.organizations[:5])
    return [
        Person("member", world.member, token(world.member), home, granted, (world.release.pk,)),
        Person("limited", world.member, token(world.member, first), (first.pk,), is_limited=True),
        Person("owner", world.owner, token(world.owner), (first.pk,)),
        Person("reviewer", world.reviewer, token(world.reviewer), is_staff=True),
        Person("operator", world.operator, token(world.operator), is_staff=True, is_operator=True),
    ]


def pages(world: World) -> Iterator[Page]:
    """Raises `KeyError` for a list that nobody has written a filter for."""
    known = {
        "app": world.shown.public_id,
        "env": "production",
        "zone": world.zone.name,
        "slug": world.organizations[0].slug,
        "name": service_account_name(world.service_account),
        "policy": world.policy.pk,
        "release": world.release.pk,
    }
    del urlpatterns[1:]
    everybody = people(world)
    for endpoint in endpoints():
        if not endpoint.is_list or endpoint.route in NOT_PAGED:
            continue
        url = endpoint.route
        for name, value in known.items():
            url = url.replace(f"<str:{name}>", str(value)).replace(f"<int:{name}>", str(value))
        for person in everybody:
            rows = BY_HAND[endpoint.route](world, person)
            if rows is not None:
                peer = f"by-hand/{len(urlpatterns)}/"
                urlpatterns.append(path(peer, _peer(endpoint.view, rows)))
                yield Page(endpoint.route, person, f"/api/v1/{url}", f"/{peer}")


def _peer(view: type[Any], rows: Any) -> Any:
    attributes = {"permission_classes": [IsAuthenticated], "get_queryset": lambda _self: rows.all()}
    made: Any = type("ByHand", (view,), attributes)
    return made.as_view()


def count_queries(world: World) -> dict[str, int]:
    """Of each page, by its name."""
    return _count(list(pages(world)))


def _count(listed: list[Page]) -> dict[str, int]:
    found = {}
    with override_settings(ROOT_URLCONF=__name__):
        for page in listed:
            client = _client(page)
            client.get(page.url)
            with CaptureQueriesContext(connection) as queries:
                _rows(client, page.url)
            found[page.name] = len(queries)
    return found


def measure(world: World, few: dict[str, int], say: Callable[[str], None]) -> list[Figure]:
    """`few` has the numbers of queries that the pages took where there was little. Raises `RuntimeError` where they
    depend on how much there is, and where a page is not the peer's.
    """
    listed = list(pages(world))
    many = _count(listed)
    grown = {name: (few[name], count) for name, count in many.items() if few[name] != count}
    if grown:
        raise RuntimeError(f"the number of queries depends on how many rows there are: {grown}")
    worst: dict[str, Figure] = {}
    with override_settings(ROOT_URLCONF=__name__):
        passes = [[_compare(page) for page in listed] for _ in range(PASSES)]
    for page, compared in zip(listed, zip(*passes, strict=True), strict=True):
        figure = _figure(page, [pair for pairs, _shown in compared for pair in pairs])
        say(
            f"  {page.name:<70} {compared[0][1]:>3} rows {many[page.name]:>2} queries "
            f"{figure.value:6.2f} ms, by hand {figure.reference_value:6.2f} ms, {figure.ratio:.2f}"
        )
        if page.route not in worst or (worst[page.route].ratio or 0) < (figure.ratio or 0):
            worst[page.route] = figure
    people_count = len({page.person.name for page in listed})
    queries = Figure(
        name="queries for a page of a list, the most of all",
        value=max(many.values()),
        unit="queries",
        reference=f"the limit; {len(worst)} lists, for {people_count} people",
        reference_value=MOST_QUERIES,
        target=Target("value", "<=", MOST_QUERIES),
    )
    return [queries, *sorted(worst.values(), key=lambda figure: -(figure.ratio or 0))]


def _figure(page: Page, pairs: list[tuple[float, float]]) -> Figure:
    return paired(
        f"page of {page.route} for {page.person.name}",
        pairs,
        "ms",
        "the same page by a filter written by hand for that person, in turn",
        Target("ratio", "<=", MOST_TIMES_THE_PEER),
    )


def _compare(page: Page) -> tuple[list[tuple[float, float]], int]:
    """Milliseconds of the page and of the one by hand, by pairs, and how many rows they show."""
    # The throttles keep when who came last: not thousands of times.
    cache.clear()
    client = _client(page)
    mine, by_hand = _rows(client, page.url), _rows(client, page.by_hand)
    if mine != by_hand:
        raise RuntimeError(f"{page.name}: {len(mine)} rows are not the {len(by_hand)} that were found by hand")
    pairs = []
    # What one leaves behind would be collected on the other's time.
    gc.collect()
    gc.disable()
    try:
        for number in range(ROUNDS):
            taken = {}
            for url in [page.url, page.by_hand] if number % 2 else [page.by_hand, page.url]:
                started = time.perf_counter()
                client.get(url)
                taken[url] = (time.perf_counter() - started) * 1000
            pairs.append((taken[page.url], taken[page.by_hand]))
    finally:
        gc.enable()
    return pairs, len(mine)


def _client(page: Page) -> APIClient:
    client = APIClient(SERVER_NAME="127.0.0.1")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {page.person.token}")
    return client


def _rows(client: APIClient, url: str) -> list[Any]:
    answer = client.get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answers {answer.status_code}: {answer.content[:500]!r}")
    found: list[Any] = json.loads(answer.content)["results"]
    return found
