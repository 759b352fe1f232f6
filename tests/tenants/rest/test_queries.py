"""A list takes the same number of queries whether it has three rows or thirty."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.access import facts
from tenants.models import User
from tests.factories import (
    api_client,
    make_app,
    make_organization,
    make_release,
    owner_of,
)
from tests.tenants.rest.endpoints.routes import endpoints
from tests.tenants.rest.lists import LISTS, MOST_QUERIES, PAGE, Add, first_policy, organizations, variables

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_quota_is_reached(settings: Any) -> None:
    settings.QUOTAS = dict.fromkeys(settings.QUOTAS, 100_000)


# No page: a stream, which reads on as it is sent.
STREAMS = {"audit/export/"}
# Single rows with lists in them.
ROWS: dict[str, Add] = {"apps/<str:app>/environments/<str:env>/": variables, "me/": organizations}


def test_every_list_of_the_url_table_is_tested_here() -> None:
    assert {endpoint.route for endpoint in endpoints() if endpoint.is_list} == LISTS.keys() | STREAMS


@pytest.mark.parametrize("route", LISTS)
def test_thirty_rows_take_no_more_queries_than_three(route: str) -> None:
    (few, shown), (many, shown_then) = _queries_and_rows(route, LISTS[route])
    assert few == many
    assert few <= MOST_QUERIES
    assert min(shown + 27, PAGE) <= shown_then, "the rows that were added are not on the page"


@pytest.mark.parametrize(
    "route", ["apps/<str:app>/releases/", "organizations/<str:slug>/service-accounts/<str:name>/tokens/"]
)
def test_somebody_with_more_grants_than_are_held_in_memory_needs_no_more_than_others_may(
    route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "HELD_IN_MEMORY", 0)
    (few, _), (many, _) = _queries_and_rows(route, LISTS[route])
    assert few == many
    assert few <= MOST_QUERIES


@pytest.mark.parametrize("route", ROWS)
def test_a_row_with_thirty_others_takes_no_more_queries_than_with_three(route: str) -> None:
    (few, _), (many, _) = _queries_and_rows(route, ROWS[route])
    assert few == many
    assert few <= MOST_QUERIES


def _queries_and_rows(route: str, add: Add) -> list[tuple[int, int]]:
    """What the owner's request takes and shows, with three rows more and with thirty."""
    organization = make_organization(slug="acme")
    app = make_app(organization=organization, slug="first")
    known = {
        "<str:app>": app.public_id,
        "<str:env>": "test",
        "<str:name>": "ci",
        "<str:slug>": "acme",
        "<str:zone>": "z.example",
        "<int:policy>": str(first_policy()),
        "<int:release>": str(make_release(app=app).pk),
    }
    url = f"/api/v1/{route}"
    for name, value in known.items():
        url = url.replace(name, value)
    client = api_client(User.objects.get(pk=owner_of(organization).pk))
    found = []
    for more in (3, 27):
        add(organization, more)
        # The first notes that the token is used, and reads policies that were changed.
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url)
        assert response.status_code == 200, response.content
        found.append((len(queries), len(response.json().get("results", []))))
    return found
