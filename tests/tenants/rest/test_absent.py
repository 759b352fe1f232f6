"""Another tenant's rows read as absent: wherever they are named, the answer is that of a row which is not there.

The same status, headers and body, but for the request's id, after the same number of queries.
"""

from collections.abc import Iterator
from typing import Any

import django_filters
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tenants.rest.endpoints import table_people, table_platform, table_tenants
from tests.tenants.rest.endpoints.calls import Call
from tests.tenants.rest.endpoints.references import NAME_NO_ROW, OF_THE_PLATFORM, REFERENCES
from tests.tenants.rest.endpoints.routes import endpoints
from tests.tenants.rest.endpoints.things import MINE, undone
from tests.tenants.rest.endpoints.watching import Unchanged, comparable, leaks_in
from tests.tenants.rest.endpoints.world import PLAIN, World

pytestmark = pytest.mark.django_db

CALLS = [*table_tenants.CALLS, *table_people.CALLS, *table_platform.CALLS, *table_platform.FORGE_CALLS]
REFUSED = (400, 404)


def named(call: Call) -> list[str]:
    """What of another tenant's the call names."""
    return [thing for thing in call.named if thing not in PLAIN and thing not in MINE.values()]


def hidden() -> Iterator[tuple[Call, str]]:
    """Each call that a stranger gets no answer to, with each row it names."""
    for call in CALLS:
        if call.answer_for("stranger") in REFUSED:
            for thing in named(call):
                yield call, thing


def crossed() -> Iterator[tuple[Call, str]]:
    """Calls that name something of the stranger's own, and in it something of somebody else's."""
    for call in CALLS:
        outer, *inner = call.parameters.items() or [("", "")]
        if outer[1] not in MINE or call.answer_for("stranger") not in REFUSED:
            continue
        for _, thing in inner:
            if thing not in PLAIN and thing not in MINE:
                yield call.among(**{outer[0]: MINE[outer[1]]}), thing


def shown(case: Any) -> str:
    return str(case)


def answer_and_queries(world: World, call: Call, **absent: Any) -> tuple[Any, int]:
    with undone(), CaptureQueriesContext(connection) as queries:
        response = world.send("stranger", call, **absent)
        answer = comparable(response)
    assert not leaks_in(response)
    return answer, len(queries)


@pytest.mark.parametrize(("call", "thing"), [*hidden(), *crossed()], ids=shown)
def test_what_one_may_not_see_is_answered_like_what_is_not_there(world: World, call: Call, thing: str) -> None:
    world.prepare(call)
    world.client("stranger")
    with Unchanged():
        found = answer_and_queries(world, call)
        missing = answer_and_queries(world, call, absent=[thing])
    assert found[0][0] in REFUSED
    assert found == missing


@pytest.mark.parametrize("call", REFERENCES, ids=lambda call: f"{call} {call.query or call.body}")
def test_a_query_or_body_that_names_anothers_row_finds_none(world: World, call: Call) -> None:
    for thing in (*call.named, *call.needs):
        world.row(thing)
    world.client("stranger")
    found = answer_and_queries(world, call)
    assert found == answer_and_queries(world, call, absent=named(call))


def test_every_filter_that_could_name_a_row_is_tried() -> None:
    tried = {(call.route, part.partition("=")[0]) for call in REFERENCES for part in call.query.split("&")}
    untried = [
        f"{endpoint.route}?{name}="
        for endpoint in endpoints()
        if (filters := getattr(endpoint.view, "filterset_class", None)) is not None
        for name, one in filters.base_filters.items()
        if name not in NAME_NO_ROW | OF_THE_PLATFORM
        and (endpoint.route, name) not in tried
        and not isinstance(one, django_filters.ChoiceFilter | django_filters.BooleanFilter)
    ]
    assert untried == []


@pytest.mark.parametrize("route", sorted({endpoint.route for endpoint in endpoints() if endpoint.is_list}))
def test_nobody_orders_or_widens_a_list_by_names_of_fields(world: World, route: str) -> None:
    """A list has one order, and shows what it shows: an ordering over a hidden field would tell of it."""
    (call,) = (call for call in CALLS if (call.method, call.route) == ("GET", route))
    world.prepare(call)
    path = call.path(world.text)
    for asked in (
        "ordering=-organization__slug",
        "order_by=pk",
        "include=organization",
        "fields=variables",
        "expand=app",
    ):
        answer = world.client(call.who).get(f"{path}?{asked}")
        assert answer.status_code == 400
        assert asked.partition("=")[0] in answer.content.decode()
    assert world.client(call.who).get(path).status_code == 200
