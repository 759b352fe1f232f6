"""A list takes the same number of queries whether it has three rows or thirty."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import Certificate, Host, HostedZone, Operation
from provisioning.operations.choices import OperationKind, OperationState
from tenants.access import facts
from tenants.models import AccessPolicy, HeldName, Organization, RegistrableDomain, User, Zone
from tenants.policies.services.grants import app_grant_create, release_grant_create
from tenants.policies.services.policies import freeze_create, policy_change, policy_create
from tenants.releases.choices import ReleaseState
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_held_name,
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
from tests.provisioning.dns.fixtures import hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.tenants.rest.endpoints.routes import endpoints

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_quota_is_reached(settings: Any) -> None:
    settings.QUOTAS = dict.fromkeys(settings.QUOTAS, 100_000)


MOST_QUERIES = 8
PAGE = 50


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


def _policies(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        policy_create(
            name=f"policy-{AccessPolicy.objects.count()}",
            description="for a test",
            effect="allow",
            actions=["app.view"],
            resource_type="app",
            subject={"groups__contains": "support"},
            resource={"match_all": True},
            context={"match_all": True},
            actor=make_operator(),
        )


def _policy_versions(organization: Organization, count: int) -> None:
    _users(organization, 0)
    policy = AccessPolicy.objects.get(pk=_first_policy())
    for _ in range(count):
        policy = policy_change(
            policy=policy, version=policy.version, is_enabled=not policy.is_enabled, actor=make_operator()
        )


def _first_policy() -> int:
    return AccessPolicy.objects.get(name="app-members-view").pk


def _freezes(_organization: Organization, count: int) -> None:
    for number in range(1, count + 1):
        ends_at = timezone.now() + timedelta(hours=number)
        freeze_create(reason="an incident", ends_at=ends_at, actor=make_operator())


def _deployments(organization: Organization, count: int) -> None:
    app = organization.apps.get(slug="first")
    for _ in range(count):
        release = make_release(app=app, state=ReleaseState.APPROVED)
        operation = Operation.objects.create(
            kind=OperationKind.DEPLOY_RELEASE,
            app=app,
            environment=release.environment,
            release=release,
            requested_by=release.submitted_by,
            state=OperationState.SUCCEEDED,
        )
        for position, name in enumerate(("fetch", "start")):
            operation.steps.create(position=position, name=name)


def _domains(organization: Organization, count: int) -> None:
    """Past the service, which takes no more than twenty."""
    environment = environment_of(organization.apps.get(slug="first"), "test")
    for _ in range(count):
        name = f"d{environment.custom_domains.count()}.test"
        registrable = RegistrableDomain.objects.create(name=name)
        environment.custom_domains.create(hostname=name, registrable=registrable, created_by=owner_of(organization))


def _held_names(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        make_held_name(organization, f"held{HeldName.objects.count()}.test")


def _hosts(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        Host.objects.create(
            name=f"host{Host.objects.count()}",
            docker_url="unix:///var/run/docker.sock",
            releases_home="/srv/berth",
            port_first=20_000,
            port_last=20_999,
        )


def _certificates(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        Certificate.objects.create(name=f"zone{Certificate.objects.count()}.example")


def _zones(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        number = Zone.objects.count()
        MemoryProvider.zones_held[f"z{number}.example"] = {}
        hosted_zone(f"z{number}.example")


def _records(organization: Organization, count: int) -> None:
    _users(organization, 0)
    hosted = HostedZone.objects.filter(zone__name="z.example").first() or hosted_zone("z.example")
    app = organization.apps.get(slug="first")
    for _ in range(count):
        hosted.records.create(
            name=f"n{hosted.records.count()}.z.example",
            type="A",
            ttl_s=300,
            app=app,
            environment=environment_of(app),
        )


Add = Callable[[Organization, int], None]
# By their routes in the URL table.
LISTS: dict[str, Add] = {
    "apps/": _apps,
    "apps/<str:app>/deployments/": _deployments,
    "apps/<str:app>/environments/<str:env>/domains/": _domains,
    "apps/<str:app>/grants/": _app_grants,
    "apps/<str:app>/releases/": _releases,
    "apps/<str:app>/timeline/": _releases,
    "audit/": _releases,
    "certificates/": _certificates,
    "dns/accounts/": _zones,
    "freezes/": _freezes,
    "held-names/": _held_names,
    "hosts/": _hosts,
    "invitations/": _my_invitations,
    "organizations/": _organizations,
    "organizations/<str:slug>/invitations/": _invitations,
    "organizations/<str:slug>/members/": _members,
    "organizations/<str:slug>/service-accounts/": _accounts,
    "organizations/<str:slug>/service-accounts/<str:name>/tokens/": _account_tokens,
    "policies/": _policies,
    "policies/<int:policy>/versions/": _policy_versions,
    "releases/": _releases,
    "releases/<int:release>/grants/": _release_grants,
    "tokens/": _tokens,
    "users/": _users,
    "zones/": _zones,
    "zones/<str:zone>/records/": _records,
}
# No page: a stream, which reads on as it is sent.
STREAMS = {"audit/export/"}
# Single rows with lists in them.
ROWS: dict[str, Add] = {"apps/<str:app>/environments/<str:env>/": _variables, "me/": _organizations}


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
        "<int:policy>": str(_first_policy()),
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
