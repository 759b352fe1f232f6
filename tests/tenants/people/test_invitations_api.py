"""Nobody becomes a member without having been asked, and having said yes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models import Invitation, Membership
from tenants.people.choices import InvitationState, MemberRole
from tests.factories import (
    api_client,
    make_invitation,
    make_member,
    make_organization,
    make_service_account,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
PATH = "/api/v1/organizations/acme/invitations/"


def expire(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_who_was_asked_sees_it_accepts_and_is_a_member() -> None:
    organization = make_organization(slug="acme", name="Acme")
    bob = api_client(make_user("Bob"))
    sent = api_client(owner_of(organization)).post(PATH, {"username": "bob", "role": "maintainer"}, format="json")
    assert (sent.status_code, sent.json()["username"], sent.json()["state"]) == (201, "Bob", "pending")
    assert bob.get("/api/v1/organizations/acme/").status_code == 404
    (seen,) = bob.get("/api/v1/invitations/").json()["results"]
    assert (seen["organization"], seen["organization_name"], seen["role"]) == ("acme", "Acme", "maintainer")
    accepted = bob.post(f"/api/v1/invitations/{seen['id']}/accept/")
    assert (accepted.status_code, accepted.json()["role"]) == (201, "maintainer")
    assert bob.get("/api/v1/organizations/acme/").status_code == 200
    assert bob.get("/api/v1/invitations/").json()["results"] == []
    assert bob.post(f"/api/v1/invitations/{seen['id']}/accept/").json()["code"] == "invalid_transition"


def test_it_lasts_fourteen_days() -> None:
    invitation = make_invitation(make_organization())
    assert abs(invitation.expires_at - timezone.now() - timedelta(days=14)) < timedelta(minutes=5)


@pytest.mark.parametrize("end", ["declined", "revoked", "expired"])
def test_what_has_ended_can_not_be_accepted_and_blocks_no_new_one(end: str) -> None:
    organization = make_organization(slug="acme")
    user = make_user("bob")
    invitation = make_invitation(organization, user)
    bob, owner = api_client(user), api_client(owner_of(organization))
    if end == "declined":
        assert bob.post(f"/api/v1/invitations/{invitation.pk}/decline/").json()["state"] == "declined"
    elif end == "revoked":
        assert owner.delete(f"{PATH}{invitation.pk}/").status_code == 204
    else:
        expire(invitation)
        assert bob.get("/api/v1/invitations/").json()["results"] == []
    refused = bob.post(f"/api/v1/invitations/{invitation.pk}/accept/")
    code = "invitation_expired" if end == "expired" else "invalid_transition"
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert not Membership.objects.filter(user=user).exists()
    again = owner.post(PATH, {"username": "bob", "role": "developer"}, format="json")
    assert again.status_code == 201
    assert bob.post(f"/api/v1/invitations/{again.json()['id']}/accept/").status_code == 201


def test_an_expired_invitation_is_closed_in_the_trail_when_a_new_one_takes_its_place() -> None:
    organization = make_organization(slug="acme")
    invitation = make_invitation(organization, make_user("bob"))
    expire(invitation)
    make_invitation(organization, invitation.invitee)
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.REVOKED


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"username": "nobody-here", "role": "developer"}, 400, "username"),
        ({"username": "x\x00", "role": "developer"}, 400, "username"),
        ({"username": "gone", "role": "developer"}, 400, "username"),
        ({"username": "svc-other.ci", "role": "developer"}, 400, "username"),
        ({"username": "bob", "role": "root"}, 400, "role"),
        ({"username": "bob"}, 400, "role"),
        ({"username": "bob", "role": "owner", "state": "accepted"}, 400, "state"),
        ({"username": "member", "role": "owner"}, 409, "username"),
        ({"username": "asked", "role": "owner"}, 409, "username"),
    ],
)
def test_a_refused_invitation_names_its_field(body: dict[str, str], status: int, field: str) -> None:
    organization = make_organization(slug="acme")
    make_user("bob")
    make_user("gone", is_active=False)
    make_service_account(make_organization(slug="other"))
    make_member(organization, user=make_user("member"))
    make_invitation(organization, make_user("asked"))
    before = Invitation.objects.count()
    refused = api_client(owner_of(organization)).post(PATH, body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (status, field)
    assert Invitation.objects.count() == before


def test_another_organizations_invitation_is_not_there() -> None:
    make_organization(slug="acme", owner=make_user("ann"))
    elsewhere = make_invitation(make_organization(slug="other"))
    ann = api_client(Membership.objects.get(user__username="ann").user)
    assert ann.delete(f"{PATH}{elsewhere.pk}/").status_code == 404
    assert ann.post(f"/api/v1/invitations/{elsewhere.pk}/accept/").status_code == 404
    assert ann.get("/api/v1/organizations/other/invitations/").status_code == 404
    assert Invitation.objects.get(pk=elsewhere.pk).state == InvitationState.PENDING


def test_the_list_is_narrowed_by_state() -> None:
    organization = make_organization(slug="acme")
    make_invitation(organization, make_user("bob"), MemberRole.OWNER)
    make_member(organization)
    client = api_client(owner_of(organization))
    rows = client.get(PATH, {"state": "pending"}).json()["results"]
    assert [(row["username"], row["role"]) for row in rows] == [("bob", "owner")]
    assert len(client.get(PATH).json()["results"]) == 2
    assert client.get(PATH, {"state": "lost"}).status_code == 400
