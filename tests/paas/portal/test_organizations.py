"""An organization's page: who belongs to it, who is asked to, and which machines act for it."""

import re
from dataclasses import dataclass

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import ApiToken, Invitation, Membership, Organization, User
from tenants.people.choices import MemberRole
from tests.factories import (
    api_client,
    make_app,
    make_invitation,
    make_member,
    make_organization,
    make_service_account,
    make_token,
    make_user,
)
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db
ACME = "/organizations/acme/"
YES = {"confirmed": "yes"}


@dataclass
class World:
    organization: Organization
    owner: Client
    developer: Client
    stranger: Client


@pytest.fixture
def world(visit: Visit) -> World:
    organization = make_organization(slug="acme", name="Acme", owner=make_user("ann"))
    return World(
        organization=organization,
        owner=visit(User.objects.get(username="ann")),
        developer=visit(make_member(organization, user=make_user("dev"))),
        stranger=visit(make_user("eve")),
    )


def text_of(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def test_who_is_invited_joins_by_accepting(world: World) -> None:
    answer = world.owner.post(f"{ACME}invitations/", {"username": "eve", "role": "developer"})
    assert answer["Location"] == ACME
    invitation = Invitation.objects.get(invitee__username="eve")
    assert world.stranger.get(ACME).status_code == 404
    assert "Acme" in text_of(world.stranger.get("/organizations/"))
    answer = world.stranger.post(f"/invitations/{invitation.pk}/accept/")
    assert answer["Location"] == ACME
    assert "you are developer" in text_of(world.stranger.get(ACME))
    assert world.stranger.post(f"/invitations/{invitation.pk}/accept/").status_code == 409


def test_an_invitation_is_declined_or_taken_back(world: World) -> None:
    first = make_invitation(world.organization, User.objects.get(username="eve"))
    assert world.developer.post(f"/invitations/{first.pk}/accept/").status_code == 403
    assert "Decline to join Acme?" in text_of(world.stranger.post(f"/invitations/{first.pk}/decline/"))
    assert world.stranger.post(f"/invitations/{first.pk}/decline/", YES)["Location"] == "/organizations/"
    second = make_invitation(world.organization, User.objects.get(username="eve"))
    path = f"{ACME}invitations/{second.pk}/revoke/"
    assert world.stranger.post(path).status_code == 404
    assert world.developer.post(path, YES).status_code == 403
    assert "can&#x27;t accept it any more" in text_of(world.owner.get(path))
    assert world.owner.post(path, YES)["Location"] == ACME
    assert world.stranger.post(f"/invitations/{second.pk}/accept/").status_code == 409
    assert world.organization.memberships.count() == 2


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        ({"username": "nobody-here", "role": "developer"}, 400, "username"),
        ({"username": "x\x00", "role": "developer"}, 400, "username"),
        ({"username": "dev", "role": "developer"}, 409, "username"),
        ({"username": "eve", "role": "root"}, 400, "role"),
        ({}, 400, "role"),
    ],
)
def test_a_refused_invitation_says_why_beside_the_field(
    world: World, sent: dict[str, str], status: int, field: str
) -> None:
    answer = world.owner.post(f"{ACME}invitations/", sent)
    assert answer.status_code == status
    assert field in answer.context["invitation_form"].errors
    assert not Invitation.objects.filter(state="pending").exists()


def test_owners_change_roles_and_remove_and_an_owner_stays(world: World) -> None:
    assert world.owner.post(f"{ACME}members/dev/role/", {"role": "maintainer"})["Location"] == ACME
    assert Membership.objects.get(user__username="dev").role == MemberRole.MAINTAINER
    refused = world.owner.post(f"{ACME}members/ann/remove/", YES)
    assert refused.status_code == 409
    assert "only owner of acme: make somebody else owner first" in text_of(refused)
    for asked in (world.owner.get(f"{ACME}members/dev/remove/"), world.owner.post(f"{ACME}members/dev/remove/")):
        assert "dev is maintainer, and loses its apps" in text_of(asked)
    assert world.owner.post(f"{ACME}members/dev/remove/", YES)["Location"] == ACME
    assert world.developer.get(ACME).status_code == 404


def test_a_member_leaves_and_changes_nobody(world: World) -> None:
    assert world.developer.post(f"{ACME}members/dev/role/", {"role": "owner", **YES}).status_code == 403
    assert world.developer.post(f"{ACME}members/ann/remove/", YES).status_code == 403
    page = text_of(world.developer.get(ACME))
    assert "Leave" in page
    assert "Invite</button>" not in page
    assert "You come back only if an owner invites you again" in text_of(
        world.developer.post(f"{ACME}members/dev/remove/")
    )
    assert world.organization.memberships.count() == 2
    assert world.developer.post(f"{ACME}members/dev/remove/", YES)["Location"] == "/organizations/"
    assert world.stranger.post(f"{ACME}members/ann/remove/", YES).status_code == 404


def test_an_owner_is_asked_before_they_are_none_any_more(world: World) -> None:
    make_member(world.organization, MemberRole.OWNER)
    path = f"{ACME}members/ann/role/"
    asked = world.owner.post(path, {"role": "developer"})
    assert "You are owner of Acme and become developer" in text_of(asked)
    assert '<input type="hidden" name="role" value="developer">' in text_of(asked)
    assert Membership.objects.get(user__username="ann").role == MemberRole.OWNER
    assert world.owner.post(path, {"role": "developer", **YES})["Location"] == ACME
    assert Membership.objects.get(user__username="ann").role == MemberRole.DEVELOPER


def test_a_service_account_gets_a_token_that_is_shown_once(world: World) -> None:
    assert world.owner.post(f"{ACME}service-accounts/", {"name": "ci", "role": "developer"})["Location"] == ACME
    sent = {"account": "ci", "name": "pipeline", "scopes": ["deploy"], "app": "", "expires_in_days": "30"}
    assert world.owner.post(f"{ACME}service-accounts/tokens/", sent)["Location"] == ACME
    answer = world.owner.get(ACME)
    found = re.search(r"berth_[A-Za-z0-9_-]{43}", text_of(answer))
    assert found
    later = text_of(world.owner.get(ACME))
    assert "pipeline" in later
    assert found[0] not in later
    machine = api_client()
    machine.credentials(HTTP_AUTHORIZATION=f"Bearer {found[0]}")
    assert machine.get("/api/v1/me/").json()["username"] == "svc-acme.ci"
    token = ApiToken.objects.get()
    assert world.developer.post(f"/tokens/api/{token.pk}/revoke/").status_code == 404
    assert world.owner.post(f"/tokens/api/{token.pk}/revoke/", YES)["Location"] == ACME
    assert machine.get("/api/v1/me/").status_code == 401


def test_only_owners_make_service_accounts_tokens_and_ends(world: World) -> None:
    account = make_service_account(world.organization)
    make_token(account, actor=User.objects.get(username="ann"))
    sent = {
        "account": "ci",
        "name": "x",
        "scopes": ["read"],
        "app": "",
        "expires_in_days": "1",
        "role": "developer",
        **YES,
    }
    for path in ("service-accounts/", "service-accounts/tokens/", "service-accounts/ci/remove/"):
        assert world.developer.post(ACME + path, sent).status_code == 403
        assert world.stranger.post(ACME + path, sent).status_code == 404
    assert ApiToken.objects.count() == 1
    assert "Its tokens end at once: test." in text_of(world.owner.post(f"{ACME}service-accounts/ci/remove/"))
    assert world.owner.post(f"{ACME}service-accounts/ci/remove/", YES)["Location"] == ACME
    account.refresh_from_db()
    assert not account.is_active
    assert not ApiToken.objects.filter(revoked_at=None).exists()


def test_a_refused_token_keeps_what_was_typed(world: World) -> None:
    make_service_account(world.organization)
    elsewhere = make_app()
    sent = {"account": "ci", "name": "pipeline", "scopes": [], "app": "", "expires_in_days": "30"}
    for change, field in [
        ({}, "scopes"),
        ({"scopes": ["read"], "app": elsewhere.public_id}, "app"),
        ({"scopes": ["read"], "expires_in_days": "0"}, "expires_in_days"),
    ]:
        answer = world.owner.post(f"{ACME}service-accounts/tokens/", sent | change)
        assert answer.status_code == 400
        assert field in answer.context["token_form"].errors
        assert answer.context["token_form"]["name"].value() == "pipeline"
    assert world.owner.post(f"{ACME}service-accounts/tokens/", sent | {"account": "cd"}).status_code == 404
    assert not ApiToken.objects.exists()


def test_who_may_not_see_invitations_and_machines_is_not_told_that_there_are_none(world: World, visit: Visit) -> None:
    invitation = make_invitation(world.organization, make_user("bob"))
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now())
    make_service_account(world.organization, "deployer")
    for who in (world.owner, world.developer, visit(make_user(is_auditor=True))):
        shown = text_of(who.get(ACME))
        assert ("bob" in shown, "(expired)" in shown, "deployer" in shown) == (True, True, True)
    shown = text_of(visit(make_user(is_reviewer=True)).get(ACME))
    assert "ann" in shown
    assert not re.search("bob|deployer|Nobody is invited|There is none|<h2[^>]*>(Invitations|Service accounts)", shown)


@pytest.mark.parametrize("name", ["a" * 60_000, "%00", "svc-acme.ci"])
def test_a_name_that_is_nobodys_is_not_there(world: World, name: str) -> None:
    for path in (f"members/{name}/role/", f"members/{name}/remove/", f"service-accounts/{name}/remove/"):
        assert world.owner.post(f"{ACME}{path}", {"role": "owner"}).status_code == 404
