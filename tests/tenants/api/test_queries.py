"""A list takes the same number of queries whether it has three rows or thirty."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.choices import ReleaseState
from tenants.models import Organization, User
from tenants.services.grants import app_grant_create, release_grant_create
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_invitation,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_service_account,
    make_token,
    make_user,
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


def _invitations(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_invitation(organization)


def _my_invitations(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_invitation(make_organization(), owner_of(organization))


def _accounts(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_service_account(organization, f"ci{organization.service_accounts.count()}")


def _account_tokens(organization: Organization, count: int) -> None:
    account = organization.service_accounts.filter(username="svc-acme.ci").first() or make_service_account(organization)
    for _ in range(count):
        make_token(account, actor=owner_of(organization))


def _tokens(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_token(owner_of(organization), organization=organization)


def _users(organization: Organization, count: int) -> None:
    User.objects.filter(pk=owner_of(organization).pk).update(is_operator=True)
    for _ in range(count):
        make_user().groups.add(Group.objects.get_or_create(name="on-call")[0])


def _app_grants(organization: Organization, count: int) -> None:
    app = organization.apps.get(slug="first")
    for _ in range(count):
        app_grant_create(app=app, username=make_user().username, permission="read_logs", actor=owner_of(organization))


def _release_grants(organization: Organization, count: int) -> None:
    _users(organization, 0)
    release = organization.apps.get(slug="first").releases.get()
    for _ in range(count):
        release_grant_create(
            release=release, username=make_user().username, permission="view_release", actor=make_operator()
        )


LISTS: list[tuple[str, Callable[[Organization, int], None]]] = [
    ("apps/", _apps),
    ("releases/", _releases),
    ("apps/{app}/releases/", _releases),
    ("apps/{app}/timeline/", _releases),
    ("audit/", _releases),
    ("apps/{app}/environments/test/", _variables),
    ("organizations/acme/members/", _members),
    ("organizations/acme/invitations/", _invitations),
    ("organizations/acme/service-accounts/", _accounts),
    ("organizations/acme/service-accounts/ci/tokens/", _account_tokens),
    ("invitations/", _my_invitations),
    ("tokens/", _tokens),
    ("users/", _users),
    ("apps/{app}/grants/", _app_grants),
    ("releases/{release}/grants/", _release_grants),
    ("organizations/", _organizations),
    ("me/", _organizations),
]


@pytest.mark.parametrize(("path", "add"), LISTS, ids=[path for path, _ in LISTS])
def test_thirty_rows_take_no_more_queries_than_three(path: str, add: Callable[[Organization, int], None]) -> None:
    organization = make_organization(slug="acme")
    app = make_app(organization=organization, slug="first")
    owner = User.objects.get(pk=owner_of(organization).pk)
    client = api_client(owner)
    url = f"/api/v1/{path.format(app=app.public_id, release=make_release(app=app).pk)}"
    client.get(url)
    counts = []
    for more in (3, 27):
        add(organization, more)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 12
