"""Limits: the count, the refusal with its words, and the things that stay untouched."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.apps.choices import AppState, Stack
from tenants.apps.services import apps, environments
from tenants.exceptions import QuotaExceeded
from tenants.models import AuditEvent, Environment, Organization, Release
from tenants.names.services import domains
from tenants.organizations.selectors import usage_of
from tenants.people.services import service_accounts, tokens
from tenants.people.services.invitations import invitation_accept, invitation_create, invitation_revoke
from tenants.releases.choices import ReleaseState
from tenants.releases.services import releases
from tests.factories import (
    environment_of,
    make_app,
    make_invitation,
    make_organization,
    make_release,
    make_service_account,
    make_user,
    owner_of,
)
from tests.tenants.organizations.limited import limit

pytestmark = pytest.mark.django_db


def used(organization: Organization, name: str) -> int:
    return next(usage.used for usage in usage_of(organization) if usage.name == name)


def one_more(name: str, organization: Organization) -> Callable[[], Any]:
    """Adds one to the use of a limit."""
    owner = owner_of(organization)
    app = organization.apps.exclude(state=AppState.RETIRED).first() or make_app(organization=organization)
    environment = environment_of(app)
    match name:
        case "apps":
            return lambda: apps.app_create(
                organization=organization, name="x", slug=f"x{PluginCount.next()}", stack=Stack.PHP, actor=owner
            )
        case "memory_mib":
            return lambda: environments.environment_update(
                environment=environment, memory_mib=environment.memory_mib + 1, actor=owner
            )
        case "releases_a_day":
            return lambda: releases.release_submit(environment=environment, ref="main", notes="", actor=owner)
        case "domains":
            return lambda: domains.domain_add(
                environment=environment, hostname=f"p{PluginCount.next()}.customer.test", actor=owner
            )
        case "variables":
            return lambda: environments.variable_set(
                environment=environment, name=f"V{PluginCount.next()}", value="x", is_secret=False, actor=owner
            )
        case "members":
            return lambda: make_invitation(organization)
        case "service_accounts":
            return lambda: make_service_account(organization, f"ci{PluginCount.next()}")
        case "tokens":
            account = organization.service_accounts.first() or make_service_account(organization)
            return lambda: tokens.api_token_create(user=account, name="x", scopes=["read"], actor=owner)
    raise AssertionError(name)


class PluginCount:
    number = 0

    @classmethod
    def next(cls) -> int:
        cls.number += 1
        return cls.number


NAMES = [
    "apps",
    "memory_mib",
    "releases_a_day",
    "domains",
    "variables",
    "members",
    "service_accounts",
    "tokens",
]


@pytest.mark.parametrize("name", NAMES)
def test_one_more_than_the_limit_is_refused_and_leaves_nothing(organization: Organization, name: str) -> None:
    add = one_more(name, organization)
    limit(organization, **{name: used(organization, name) + 1})
    add()
    events = AuditEvent.objects.count()
    before = used(organization, name)
    with pytest.raises(QuotaExceeded) as refused:
        one_more(name, organization)()
    assert (refused.value.code, refused.value.status) == ("quota_exceeded", 409)
    assert (refused.value.name, refused.value.used, refused.value.limit) == (name, before, before)
    assert refused.value.detail.startswith(f"{name}: {organization} has {before} of {before} ")
    assert "ask an operator to raise the limit" in refused.value.detail
    assert (used(organization, name), AuditEvent.objects.count()) == (before, events)
    # Nobody else is held up.
    one_more(name, make_organization())()
    limit(organization, **{name: before + 1})
    one_more(name, organization)()


@pytest.mark.parametrize("name", NAMES)
def test_an_organization_above_a_limit_keeps_all_and_goes_on(organization: Organization, name: str) -> None:
    app = make_app(organization=organization)
    environment, owner = environment_of(app), owner_of(organization)
    environments.variable_set(environment=environment, name="A", value="x", is_secret=False, actor=owner)
    one_more(name, organization)()
    before = used(organization, name)
    limit(organization, **{name: 0})
    assert used(organization, name) == before > 0
    # No growth: the same variable anew, another limit that is no memory, less memory.
    environments.variable_set(environment=environment, name="A", value="y", is_secret=False, actor=owner)
    environments.environment_update(environment=environment, pids=200, memory_mib=64, actor=owner)
    apps.app_update(app=app, name="Another name", actor=owner)


class TestApps:
    def test_a_retired_app_frees_its_place_and_one_that_is_going_does_not(self, organization: Organization) -> None:
        app = make_app(organization=organization)
        limit(organization, apps=1)
        apps.app_retire(app=app, actor=owner_of(organization))
        with pytest.raises(QuotaExceeded, match="retire one"):
            make_app(organization=organization)
        apps.app_retired(app=app)
        assert used(organization, "memory_mib") == 0
        make_app(organization=organization)

    def test_an_app_claims_memory_for_both_environments(self, organization: Organization) -> None:
        limit(organization, memory_mib=2 * 512 - 1)
        make_app(organization=organization)
        with pytest.raises(QuotaExceeded, match=r"has 512 of 1023 MiB.*this takes 512 more"):
            make_app(organization=organization)


class TestMemory:
    def test_lowering_a_setting_gives_nothing_back_that_a_release_may_still_claim(
        self, organization: Organization
    ) -> None:
        app, owner = make_app(organization=organization), owner_of(organization)
        environment = environment_of(app)
        environments.environment_update(environment=environment, memory_mib=1000, actor=owner)
        release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
        environments.environment_update(environment=environment, memory_mib=100, actor=owner)
        assert used(organization, "memory_mib") == 1000 + 256
        limit(organization, memory_mib=1256)
        other = Environment.objects.get(app=app, name="test")
        with pytest.raises(QuotaExceeded):
            environments.environment_update(environment=other, memory_mib=257, actor=owner)
        # The release has claimed this much already.
        environments.environment_update(environment=environment, memory_mib=900, actor=owner)
        releases.release_cancel(release=release, actor=owner)
        assert used(organization, "memory_mib") == 900 + 256
        environments.environment_update(environment=other, memory_mib=257, actor=owner)


class TestReleases:
    def test_failed_and_cancelled_ones_count_and_yesterdays_do_not(self, organization: Organization) -> None:
        app = make_app(organization=organization)
        limit(organization, releases_a_day=2)
        make_release(app=app, state=ReleaseState.FAILED)
        make_release(app=app, state=ReleaseState.CANCELLED)
        with pytest.raises(QuotaExceeded, match=r"wait until \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
            make_release(app=app)
        Release.objects.filter(number=1).update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
        make_release(app=app)


class TestMembers:
    def test_an_invited_person_counts_until_the_answer(self, organization: Organization) -> None:
        owner = owner_of(organization)
        limit(organization, members=2)
        invitation = make_invitation(organization)
        with pytest.raises(QuotaExceeded):
            make_invitation(organization)
        invitation_revoke(invitation=invitation, actor=owner)
        user = make_user()
        invitation = invitation_create(organization=organization, username=user.username, role="developer", actor=owner)
        # A person who was asked in time may come, even if the limit was lowered meanwhile.
        limit(organization, members=1)
        invitation_accept(invitation=invitation, actor=user)
        assert used(organization, "members") == 2

    def test_service_accounts_are_no_members_here(self, organization: Organization) -> None:
        make_service_account(organization)
        assert (used(organization, "members"), used(organization, "service_accounts")) == (1, 1)


class TestServiceAccounts:
    def test_a_removed_one_frees_its_place_and_takes_one_when_it_comes_back(self, organization: Organization) -> None:
        owner = owner_of(organization)
        account = make_service_account(organization, "ci")
        limit(organization, service_accounts=1)
        service_accounts.service_account_remove(account=account, actor=owner)
        make_service_account(organization, "cd")
        with pytest.raises(QuotaExceeded):
            make_service_account(organization, "ci")


@pytest.fixture(autouse=True)
def _room_for_all(settings: Any) -> None:
    settings.QUOTAS = dict.fromkeys(settings.QUOTAS, 100_000)
