"""A list takes the same number of queries whether it has three rows or thirty."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.choices import ReleaseState
from tenants.models import Organization, User
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_member,
    make_organization,
    make_release,
    owner_of,
)

pytestmark = pytest.mark.django_db


def _apps(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_app(organization=organization)


def _releases(organization: Organization, count: int) -> None:
    app = organization.apps.get(slug="first")
    for _ in range(count):
        make_release(app=app, state=ReleaseState.APPROVED)


def _variables(organization: Organization, count: int) -> None:
    environment = environment_of(organization.apps.get(slug="first"), "test")
    for _ in range(count):
        number = environment.variables.count()
        environment.variables.create(name=f"V{number}", value="x", updated_by=owner_of(organization))


def _members(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_member(organization)


def _organizations(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_organization(owner=owner_of(organization))


LISTS: list[tuple[str, Callable[[Organization, int], None]]] = [
    ("apps/", _apps),
    ("releases/", _releases),
    ("apps/{app}/releases/", _releases),
    ("apps/{app}/timeline/", _releases),
    ("audit/", _releases),
    ("apps/{app}/environments/test/", _variables),
    ("organizations/acme/members/", _members),
    ("organizations/", _organizations),
    ("me/", _organizations),
]


@pytest.mark.parametrize(("path", "add"), LISTS, ids=[path for path, _ in LISTS])
def test_thirty_rows_take_no_more_queries_than_three(path: str, add: Callable[[Organization, int], None]) -> None:
    organization = make_organization(slug="acme")
    app = make_app(organization=organization, slug="first")
    owner = User.objects.get(pk=owner_of(organization).pk)
    client = api_client(owner)
    url = f"/api/v1/{path.format(app=app.public_id)}"
    client.get(url)
    counts = []
    for more in (3, 27):
        add(organization, more)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 12
