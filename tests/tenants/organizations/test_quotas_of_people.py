"""Limits of people, and how operators set limits."""

from typing import Any

import pytest
from django.utils import timezone

from tenants.exceptions import InvalidInput, NotPermitted, QuotaExceeded
from tenants.models import ApiToken, AuditEvent, Organization, Quota, User
from tenants.organizations.choices import QuotaName
from tenants.organizations.selectors import Usage, near_their_limits, usage_of, usage_of_person
from tenants.organizations.services.organizations import organization_create
from tenants.organizations.services.quotas import organization_quota_set, person_quota_set
from tenants.people.services import tokens
from tests.factories import (
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_service_account,
    make_user,
    owner_of,
)
from tests.tenants.organizations.limited import limit

pytestmark = pytest.mark.django_db


class TestPeople:
    @pytest.fixture
    def user(self) -> User:
        return make_user()

    def test_organizations_count_for_their_founder_also_after_the_founder_left(self, user: User) -> None:
        person_quota_set(user=user, limits={"organizations": 1}, actor=make_operator())
        organization = organization_create(name="A", slug="aaa", actor=user)
        other = make_member(organization, "owner")
        assert organization.founded_by == user
        organization.memberships.filter(user=user).delete()
        with pytest.raises(QuotaExceeded, match=r"organizations: .* ask an operator for more"):
            organization_create(name="B", slug="bbb", actor=user)
        organization_create(name="B", slug="bbb", actor=other)

    def test_a_revoked_or_ended_token_frees_its_place(self, user: User) -> None:
        person_quota_set(user=user, limits={"personal_tokens": 2}, actor=make_operator())

        def token() -> ApiToken:
            return tokens.api_token_create(user=user, name="x", scopes=["read"], actor=user)[0]

        first, second = token(), token()
        with pytest.raises(QuotaExceeded, match="revoke one"):
            token()
        tokens.api_token_revoke(token=first, actor=user)
        token()
        ApiToken.objects.filter(pk=second.pk).update(expires_at=timezone.now())
        token()
        assert [usage.used for usage in usage_of_person(user)] == [0, 2]

    def test_a_service_account_has_no_limits_of_its_own(self, organization: Organization) -> None:
        account = make_service_account(organization)
        with pytest.raises(InvalidInput, match="its organization"):
            person_quota_set(user=account, limits={"personal_tokens": 2}, actor=make_operator())


class TestSetting:
    def test_a_change_is_told_once_and_null_takes_it_back(self, organization: Organization, settings: Any) -> None:
        settings.QUOTAS = settings.QUOTAS | {"apps": 7}
        assert usage_of(organization)[0] == Usage(QuotaName.APPS, 0, 7, True)
        limit(organization, apps=9)
        assert usage_of(organization)[0] == Usage(QuotaName.APPS, 0, 9, False)
        limit(organization, apps=9)
        event = AuditEvent.objects.get(action="quota.changed")
        assert (event.before, event.after, event.organization) == ({"apps": None}, {"apps": 9}, organization)
        assert event.policy == "organization-operators-set-quota"
        limit(organization, apps=None)
        assert usage_of(organization)[0] == Usage(QuotaName.APPS, 0, 7, True)
        assert not Quota.objects.exists()

    @pytest.mark.parametrize("value", [-1, 1_000_001, True, "9", 1.5])
    def test_a_value_that_is_no_limit_is_refused_by_its_name(self, organization: Organization, value: Any) -> None:
        with pytest.raises(InvalidInput) as refused:
            limit(organization, apps=value)
        assert list(refused.value.errors) == ["apps"]
        assert not Quota.objects.exists()

    def test_a_name_that_is_no_limit_is_refused(self, organization: Organization) -> None:
        with pytest.raises(InvalidInput, match="personal_tokens"):
            limit(organization, personal_tokens=3)

    def test_owners_do_not_set_their_own_limits(self, organization: Organization) -> None:
        with pytest.raises(NotPermitted):
            organization_quota_set(organization=organization, limits={"apps": 99}, actor=owner_of(organization))
        user = owner_of(organization)
        with pytest.raises(NotPermitted):
            person_quota_set(user=user, limits={"organizations": 99}, actor=user)


def test_operators_are_told_who_is_near_a_limit(organization: Organization) -> None:
    make_app(organization=make_organization())
    for _ in range(9):
        make_app(organization=organization)
    limit(organization, apps=10)
    assert [(who.slug, usage.name, usage.used) for who, usage in near_their_limits()] == [
        (organization.slug, "apps", 9),
    ]


@pytest.fixture(autouse=True)
def _room_for_all(settings: Any) -> None:
    settings.QUOTAS = dict.fromkeys(settings.QUOTAS, 100_000)
