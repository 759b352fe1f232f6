"""A request that is under way while its sender is being put out: it takes its turn, and is judged by what is so then.

Each starts as its view does, by looking at what it works on; what that has found is remembered through the request.
"""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections, transaction

from tenants import access
from tenants.exceptions import InvalidInput, NotPermitted
from tenants.models import AccessPolicy, ApiToken, Invitation, Membership, PluginAppUserObjectPermission, User
from tenants.people.choices import MemberRole
from tenants.people.services.invitations import invitation_create
from tenants.people.services.memberships import membership_change, membership_remove
from tenants.people.services.service_accounts import service_account_remove
from tenants.people.services.tokens import ALL_SCOPES, api_token_create
from tenants.people.services.users import user_change
from tenants.policies.services.grants import app_grant_create
from tenants.policies.services.policies import policy_change, policy_create
from tests.factories import make_app, make_member, make_operator, make_organization, make_service_account, owner_of

pytestmark = pytest.mark.django_db(transaction=True)
ALL = {"match_all": True}
# How long the first holds its transaction open for the second to come as far as it can.
TURN_S = 1.0


def meanwhile(*, look: Callable[[], object], act: Callable[[], Any], first: Callable[[], Any]) -> list[Any]:
    """What became of `act`, of a request that has looked before `first` was done, and acts before that is committed."""
    results: list[Any] = []
    has_looked, is_done = Event(), Event()

    def request() -> None:
        try:
            with access.evaluation():
                look()
                has_looked.set()
                is_done.wait()
                results.append(act())
        except Exception as error:
            results.append(error)
        finally:
            has_looked.set()
            connections.close_all()

    second = Thread(target=request)
    second.start()
    has_looked.wait()
    try:
        with transaction.atomic():
            first()
            is_done.set()
            second.join(TURN_S)
    finally:
        is_done.set()
        second.join()
    return results


def put_out(organization: Any, user: User, by: User) -> Callable[[], None]:
    return lambda: membership_remove(organization=organization, username=user.username, actor=by)


def test_who_is_being_removed_does_not_share_an_app_with_themselves() -> None:
    app = make_app()
    owner, other = owner_of(app.organization), make_member(app.organization, MemberRole.OWNER)
    results = meanwhile(
        look=lambda: access.may(other, "app.view", app),
        act=lambda: app_grant_create(app=app, username=other.username, permission="view_pluginapp", actor=other),
        first=put_out(app.organization, other, owner),
    )
    assert [type(result) for result in results] == [NotPermitted]
    assert not PluginAppUserObjectPermission.objects.exists()
    assert not access.may(other, "app.view", app)


def test_who_is_being_removed_does_not_invite_themselves_back() -> None:
    organization = make_organization()
    owner, other = owner_of(organization), make_member(organization, MemberRole.OWNER)
    asked = Invitation.objects.count()
    results = meanwhile(
        look=lambda: access.may(other, "organization.view", organization),
        act=lambda: invitation_create(
            organization=organization, username=other.username, role=MemberRole.OWNER, actor=other
        ),
        first=put_out(organization, other, owner),
    )
    assert [type(result) for result in results] == [NotPermitted]
    assert Invitation.objects.count() == asked


@pytest.mark.parametrize("is_change", [False, True])
def test_who_is_being_removed_puts_nobody_else_out(is_change: bool) -> None:
    organization = make_organization()
    owner, other, third = owner_of(organization), *(make_member(organization, MemberRole.OWNER) for _ in range(2))

    def revenge() -> object:
        if is_change:
            return membership_change(
                organization=organization, username=owner.username, role=MemberRole.DEVELOPER, actor=other
            )
        return membership_remove(organization=organization, username=owner.username, actor=other)

    results = meanwhile(
        look=lambda: access.may(other, "membership.view", owner.memberships.get()),
        act=revenge,
        first=put_out(organization, other, owner),
    )
    assert [type(result) for result in results] == [NotPermitted]
    owners = Membership.objects.filter(organization=organization, role=MemberRole.OWNER)
    assert set(owners.values_list("user", flat=True)) == {owner.pk, third.pk}


@pytest.mark.parametrize("change", [{"is_operator": False}, {"is_active": False}])
def test_an_operator_who_is_being_put_out_does_not_put_themselves_back(change: dict[str, bool]) -> None:
    operator, other = make_operator(), make_operator()
    back = dict.fromkeys(change, True)
    results = meanwhile(
        look=lambda: access.may(other, "user.view", other),
        act=lambda: user_change(user=other, actor=other, **back),
        first=lambda: user_change(user=other, actor=operator, **change),
    )
    assert [type(result) for result in results] == [NotPermitted]
    assert User.objects.filter(pk=other.pk, **change).exists()


def test_who_a_policy_has_just_been_turned_against_does_not_turn_it_back() -> None:
    operator, other = make_operator(), make_operator()
    policy = policy_create(
        name="no-policies",
        description="you keep no policies: ask another operator",
        effect="deny",
        resource_type="policy",
        actions=["policy.change"],
        subject={"id": 0},
        resource=ALL,
        context=ALL,
        actor=operator,
    )
    results = meanwhile(
        look=lambda: access.may(other, "policy.change", policy),
        act=lambda: policy_change(policy=policy, version=2, is_enabled=False, actor=other),
        first=lambda: policy_change(policy=policy, version=1, subject={"id": other.pk}, actor=operator),
    )
    assert [type(result) for result in results] == [NotPermitted]
    assert AccessPolicy.objects.get(pk=policy.pk).is_enabled


def test_no_token_is_made_behind_the_back_of_who_ends_them_all() -> None:
    operator, user = make_operator(), owner_of(make_organization())
    results = meanwhile(
        look=lambda: access.may(user, "user.view", user),
        act=lambda: api_token_create(user=user, name="late", actor=user, scopes=ALL_SCOPES),
        first=lambda: user_change(user=user, actor=operator, is_active=False),
    )
    assert [type(result) for result in results] == [NotPermitted]
    user_change(user=user, actor=operator, is_active=True)
    assert not ApiToken.objects.filter(user=user, revoked_at=None).exists()


def test_no_token_is_made_for_a_service_account_that_is_being_removed() -> None:
    organization = make_organization()
    owner, account = owner_of(organization), make_service_account(organization)
    results = meanwhile(
        look=lambda: access.may(owner, "service_account.view", account),
        act=lambda: api_token_create(user=account, name="late", actor=owner, scopes=ALL_SCOPES),
        first=lambda: service_account_remove(account=account, actor=owner),
    )
    assert [type(result) for result in results] == [NotPermitted]
    assert not ApiToken.objects.filter(user=account, revoked_at=None).exists()


def test_the_role_of_a_service_account_that_is_being_removed_is_nobodys() -> None:
    organization = make_organization()
    owner, account = owner_of(organization), make_service_account(organization)
    results = meanwhile(
        look=lambda: access.may(owner, "membership.view", account.memberships.get()),
        act=lambda: membership_change(
            organization=organization, username=account.username, role=MemberRole.MAINTAINER, actor=owner
        ),
        first=lambda: service_account_remove(account=account, actor=owner),
    )
    assert [type(result) for result in results] == [InvalidInput]
    assert not Membership.objects.filter(user=account).exists()
