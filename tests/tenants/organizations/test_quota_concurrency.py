"""Fifty at once, each on a connection of its own: as many are made as there is room for, and not one more."""

from collections.abc import Callable
from typing import Any

import pytest

from tenants.apps.services import apps, environments
from tenants.exceptions import QuotaExceeded
from tenants.models import ApiToken, Environment, Invitation, Organization, PluginApp, User
from tenants.names.services import domains
from tenants.organizations.selectors import usage_of, usage_of_person
from tenants.organizations.services.organizations import organization_create
from tenants.organizations.services.quotas import organization_quota_set, person_quota_set
from tenants.people.services import service_accounts, tokens
from tenants.releases.services import releases
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_invitation,
    make_operator,
    make_organization,
    make_service_account,
    make_user,
    owner_of,
)
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS, ROOM = 50, 3


def assert_exact(calls: list[Callable[[], Any]], used: Callable[[], int], limit: int) -> None:
    results = at_once(*calls)
    refused = [result for result in results if isinstance(result, QuotaExceeded)]
    assert len(results) - len(refused) == ROOM
    assert {(refusal.used, refusal.limit) for refusal in refused} == {(limit, limit)}
    assert used() == limit


def used(organization: Organization, name: str) -> int:
    return next(usage.used for usage in usage_of(organization) if usage.name == name)


def add(name: str, app: PluginApp, index: int) -> Callable[[], Any]:
    organization, environment = app.organization, environment_of(app)
    owner = owner_of(organization)
    match name:
        case "apps":
            return lambda: apps.app_create(
                organization=organization, name="x", slug=f"x{index}", stack="php", actor=owner
            )
        case "releases_a_day":
            return lambda: releases.release_submit(environment=environment, ref="main", notes="", actor=owner)
        case "domains":
            return lambda: domains.domain_add(environment=environment, hostname=f"p{index}.customer.test", actor=owner)
        case "variables":
            return lambda: environments.variable_set(
                environment=environment, name=f"V{index}", value="x", is_secret=False, actor=owner
            )
        case "members":
            invitee = make_user()
            return lambda: make_invitation(organization, invitee)
        case "service_accounts":
            return lambda: service_accounts.service_account_create(
                organization=organization, name=f"ci{index}", role="developer", actor=owner
            )
        case "tokens":
            account = organization.service_accounts.first() or make_service_account(organization, "first")
            return lambda: tokens.api_token_create(user=account, name="x", scopes=["read"], actor=owner)
    raise AssertionError(name)


@pytest.mark.parametrize(
    "name", ["apps", "releases_a_day", "domains", "variables", "members", "service_accounts", "tokens"]
)
def test_an_organization_stays_within_its_limit(name: str) -> None:
    app = make_app()
    organization = app.organization
    calls = [add(name, app, index) for index in range(CALLERS)]
    limit = used(organization, name) + ROOM
    organization_quota_set(organization=organization, limits={name: limit}, actor=make_operator())
    assert_exact(calls, lambda: used(organization, name), limit)


def test_environments_claim_no_more_memory_than_there_is() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    for _ in range(CALLERS // 2):
        make_app(organization=organization)
    rows = list(Environment.objects.filter(app__organization=organization))
    limit = used(organization, "memory_mib") + ROOM * 100
    organization_quota_set(organization=organization, limits={"memory_mib": limit}, actor=make_operator())
    calls = [
        lambda row=row: environments.environment_update(environment=row, memory_mib=356, actor=owner) for row in rows
    ]
    assert_exact(calls, lambda: used(organization, "memory_mib"), limit)


@pytest.mark.parametrize("name", ["organizations", "personal_tokens"])
def test_a_person_stays_within_their_limit(name: str) -> None:
    user = make_user()
    person_quota_set(user=user, limits={name: ROOM}, actor=make_operator())

    def found(index: int) -> Callable[[], Any]:
        if name == "organizations":
            return lambda: organization_create(name="x", slug=f"x{index}", actor=user)
        return lambda: tokens.api_token_create(user=user, name="x", scopes=["read"], actor=user)

    def has() -> int:
        return next(usage.used for usage in usage_of_person(User.objects.get(pk=user.pk)) if usage.name == name)

    assert_exact([found(index) for index in range(CALLERS)], has, ROOM)


def test_an_account_that_is_removed_while_it_is_made_again_waits_for_nobody_for_ever() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    account = make_service_account(organization)
    calls: list[Callable[[], Any]] = []
    for _ in range(5):
        calls.append(lambda: service_accounts.service_account_remove(account=account, actor=owner))
        calls.append(lambda: make_service_account(organization))
        calls.append(lambda: tokens.api_token_create(user=account, name="x", scopes=["read"], actor=owner))
    at_once(*calls)
    account.refresh_from_db()
    assert not ApiToken.objects.filter(user=account, revoked_at=None, user__is_active=False).exists()
    assert Invitation.objects.count() == 0


def test_a_request_that_is_sent_again_counts_once() -> None:
    organization = make_organization()
    client = api_client(owner_of(organization))
    organization_quota_set(organization=organization, limits={"apps": 2}, actor=make_operator())
    body = {"organization": organization.slug, "name": "x", "slug": "x", "stack": "php"}

    def send(key: str, **changes: str) -> Any:
        return client.post("/api/v1/apps/", body | changes, format="json", headers={"Idempotency-Key": key})

    assert [send("one").status_code for _ in range(3)] == [201] * 3
    assert send("two", slug="y").status_code == 201
    for key in ("three", "three"):
        refused = send(key, slug="z")
        assert (refused.status_code, refused.json()["code"]) == (409, "quota_exceeded")
        assert refused.json()["quota"] == {"name": "apps", "used": 2, "limit": 2}
    assert send("one").status_code == 201
    organization_quota_set(organization=organization, limits={"apps": 3}, actor=make_operator())
    assert send("three", slug="z").status_code == 201
