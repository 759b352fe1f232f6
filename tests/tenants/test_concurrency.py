"""Many callers at once, each with a connection of its own, on the database that tests run on."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from tenants.apps.services import apps, environments
from tenants.exceptions import AlreadyExists, InvalidTransition, LastOwner, TenantsError
from tenants.models import (
    AuditEvent,
    ConfigVariable,
    IdempotencyKey,
    Invitation,
    Membership,
    PluginApp,
    Release,
    Review,
)
from tenants.people.choices import InvitationState, MemberRole
from tenants.people.services import invitations, memberships, service_accounts
from tenants.people.services import users as people
from tenants.releases.choices import ReleaseState
from tenants.releases.services import releases
from tenants.reviews.services import reviews
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_invitation,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_service_account,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS = 8


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The results of `calls`, or the refusals they raised, started together."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=30)
            return call()
        except TenantsError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_apps_created_at_once_have_numbers_of_their_own() -> None:
    organization = make_organization()
    owner = owner_of(organization)

    def create(slug: str) -> PluginApp:
        return apps.app_create(organization=organization, name=slug, slug=slug, stack="php", actor=owner)

    made = at_once(*(lambda slug=f"app-{index}": create(slug) for index in range(CALLERS)))
    assert sorted(app.number for app in made) == [1_000_001 + index for index in range(CALLERS)]


def test_of_apps_with_one_slug_exactly_one_is_created() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    results = at_once(
        *[lambda: apps.app_create(organization=organization, name="x", slug="same", stack="php", actor=owner)] * CALLERS
    )
    assert Counter(type(result) for result in results) == {PluginApp: 1, AlreadyExists: CALLERS - 1}
    assert PluginApp.objects.count() == 1


def test_releases_submitted_at_once_have_numbers_of_their_own() -> None:
    app = make_app()
    owner, environment = owner_of(app.organization), environment_of(app)
    made = at_once(
        *[lambda: releases.release_submit(environment=environment, ref="main", notes="", actor=owner)] * CALLERS
    )
    assert sorted(release.number for release in made) == list(range(1, CALLERS + 1))


@pytest.mark.parametrize("attempt", range(3))
def test_of_decisions_and_a_withdrawal_exactly_one_wins(attempt: int) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    owner = owner_of(release.app.organization)
    events = AuditEvent.objects.count()

    def fresh() -> Release:
        return Release.objects.get(pk=release.pk)

    def deciding(service: Callable[..., Release]) -> Callable[[], Release]:
        reviewer = make_reviewer()
        read = fresh()
        return lambda: service(release=read, digest=release.digest, comment="I read it", actor=reviewer)

    calls = [deciding(reviews.release_approve) for _ in range(3)] + [deciding(reviews.release_reject) for _ in range(3)]
    reads = [fresh(), fresh()]
    calls += [lambda read=read: releases.release_cancel(release=read, actor=owner) for read in reads]
    results = at_once(*calls)
    winners = [result for result in results if isinstance(result, Release)]
    assert len(winners) == 1
    assert all(isinstance(result, InvalidTransition) for result in results if result not in winners)
    assert AuditEvent.objects.count() == events + 1
    state = fresh().state
    assert state == winners[0].state
    assert Review.objects.count() == (0 if state == ReleaseState.CANCELLED else 1)


def test_two_owners_who_remove_each_other_leave_one() -> None:
    organization = make_organization()
    first = owner_of(organization)
    second = make_member(organization, MemberRole.OWNER)
    results = at_once(
        lambda: memberships.membership_remove(organization=organization, username=second.username, actor=first),
        lambda: memberships.membership_remove(organization=organization, username=first.username, actor=second),
    )
    assert sum(isinstance(result, TenantsError) for result in results) == 1
    assert Membership.objects.filter(organization=organization, role=MemberRole.OWNER).count() == 1


def test_the_last_owner_stays() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    with pytest.raises(LastOwner):
        memberships.membership_remove(organization=organization, username=owner.username, actor=owner)
    with pytest.raises(LastOwner):
        memberships.membership_change(
            organization=organization, username=owner.username, role=MemberRole.DEVELOPER, actor=owner
        )


def test_an_owner_who_leaves_while_the_other_is_deactivated_is_told_or_stays() -> None:
    organization = make_organization()
    first, operator = owner_of(organization), make_operator()
    second = make_member(organization, MemberRole.OWNER)
    left, _ = at_once(
        lambda: memberships.membership_remove(organization=organization, username=first.username, actor=first),
        lambda: people.user_change(user=second, actor=operator, is_active=False),
    )
    second.refresh_from_db()
    assert not second.is_active
    owners = Membership.objects.filter(organization=organization, role=MemberRole.OWNER, user__is_active=True)
    told = AuditEvent.objects.get(action="user.changed").message
    # Whoever comes second knows of the first.
    if isinstance(left, LastOwner):
        assert owners.get().user == first
    else:
        assert f"without an active owner now: {organization.slug}" in told


@pytest.mark.parametrize("attempt", range(5))
def test_a_service_account_is_removed_deactivated_and_given_a_role_at_once(attempt: int) -> None:
    organization = make_organization()
    owner, operator, account = owner_of(organization), make_operator(), make_service_account(organization)
    results = at_once(
        lambda: service_accounts.service_account_remove(account=account, actor=owner),
        lambda: people.user_change(user=account, actor=operator, is_active=False),
        lambda: memberships.membership_change(
            organization=organization, username=account.username, role=MemberRole.MAINTAINER, actor=owner
        ),
    )
    assert results[0] is None
    account.refresh_from_db()
    assert not account.is_active


def test_an_invitation_that_is_accepted_and_revoked_at_once_is_one_of_the_two() -> None:
    organization = make_organization()
    invitation, owner = make_invitation(organization), owner_of(organization)

    def fresh() -> Invitation:
        return Invitation.objects.get(pk=invitation.pk)

    results = at_once(
        *[lambda: invitations.invitation_accept(invitation=fresh(), actor=invitation.invitee)] * 3,
        *[lambda: invitations.invitation_revoke(invitation=fresh(), actor=owner)] * 3,
    )
    assert Counter(type(result) for result in results)[InvalidTransition] == 5
    is_member = Membership.objects.filter(user=invitation.invitee).exists()
    assert is_member is (fresh().state == InvitationState.ACCEPTED)


def test_of_invitations_to_one_person_at_once_exactly_one_is_made() -> None:
    organization = make_organization()
    owner, bob = owner_of(organization), make_user("bob")
    results = at_once(
        *[
            lambda: invitations.invitation_create(
                organization=organization, username="bob", role=MemberRole.DEVELOPER, actor=owner
            )
        ]
        * CALLERS
    )
    assert Counter(type(result) for result in results) == {Invitation: 1, AlreadyExists: CALLERS - 1}
    assert Invitation.objects.get().invitee == bob


def test_variables_set_at_once_stay_within_their_room_together() -> None:
    app = make_app()
    owner, environment = owner_of(app.organization), environment_of(app)

    def put(name: str) -> ConfigVariable:
        return environments.variable_set(
            environment=environment, name=name, value="x" * 1900, is_secret=True, actor=owner
        )

    results = at_once(*(lambda name=f"V{index}": put(name) for index in range(CALLERS)))
    assert sum(isinstance(result, ConfigVariable) for result in results) == 3
    assert ConfigVariable.objects.count() == 3


def test_one_idempotency_key_sent_at_once_creates_once() -> None:
    organization = make_organization(slug="acme")
    client_of = [api_client(owner_of(organization)) for _ in range(CALLERS)]
    body = {"organization": "acme", "name": "Shop", "slug": "shop", "stack": "php"}
    answers = at_once(
        *(
            lambda client=client: client.post("/api/v1/apps/", body, format="json", headers={"Idempotency-Key": "k"})
            for client in client_of
        )
    )
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert codes[201] >= 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers if answer.status_code == 201) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    assert (PluginApp.objects.count(), IdempotencyKey.objects.count()) == (1, 1)
