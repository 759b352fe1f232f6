"""Who is somebody tries to be more, and who is nobody any more goes on. Each with its control."""

from typing import Any

import pytest
from django.test import Client

from tenants.models import Membership, Release, User
from tenants.people.choices import MemberRole
from tenants.policies.services import grants, policies
from tenants.releases.choices import ReleaseState
from tests.attacks.access.world import World, make_world, operations, rows
from tests.factories import (
    PASSWORD,
    api_client,
    make_app,
    make_invitation,
    make_member,
    make_operator,
    make_release,
    make_reviewer,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
EVERYTHING = {"match_all": True}
ROLES = ("is_operator", "is_reviewer", "is_auditor", "is_superuser", "is_staff")


@pytest.fixture
def acme() -> World:
    return make_world()


def signed_in(user: User) -> Client:
    client = Client()
    sent = client.post("/sign-in/", {"username": user.username, "password": PASSWORD})
    assert sent.status_code == 302
    return client


@pytest.mark.parametrize("role", ROLES)
def test_f22_nobody_gives_themselves_or_a_friend_a_platform_role(acme: World, role: str) -> None:
    for person in (acme.owner, make_reviewer("rita"), make_user("auditor", is_auditor=True)):
        client = api_client(person)
        for target in (person, acme.member, acme.operator):
            answer = client.patch(f"/api/v1/users/{target.username}/", {role: True}, format="json")
            assert answer.status_code in {400, 403, 404}
        new = {"username": "friend", "email": "f@example.test", "password": PASSWORD, role: True}
        assert client.post("/api/v1/users/", new, format="json").status_code in {400, 403}
        person.refresh_from_db()
        assert [person.is_operator, person.is_superuser, person.is_staff] == [False] * 3
    assert not User.objects.filter(username="friend").exists()


def test_f22_operators_make_no_superuser_and_no_staff_over_the_api(acme: World) -> None:
    client = api_client(acme.operator)
    for field in ("is_superuser", "is_staff", "user_permissions", "password"):
        refused = client.patch(f"/api/v1/users/{acme.owner.username}/", {field: True}, format="json")
        assert refused.status_code == 400
    assert not User.objects.filter(is_superuser=True).exists()
    assert client.patch(f"/api/v1/users/{acme.owner.username}/", {"is_auditor": True}, format="json").status_code == 200


@pytest.mark.parametrize("role", [MemberRole.MAINTAINER, MemberRole.DEVELOPER])
@pytest.mark.parametrize("offered", list(MemberRole.values))
def test_f22_only_owners_invite_and_change_roles(acme: World, role: str, offered: str) -> None:
    client, before = api_client(make_member(acme.organization, role)), rows()
    body = {"username": acme.outsider.username, "role": offered}
    assert client.post("/api/v1/organizations/acme/invitations/", body, format="json").status_code == 403
    for member in (acme.member, acme.owner):
        path = f"/api/v1/organizations/acme/members/{member.username}/"
        assert client.patch(path, {"role": offered}, format="json").status_code == 403
        assert client.delete(path).status_code == 403
    body = {"name": "mine", "role": "maintainer"}
    assert client.post("/api/v1/organizations/acme/service-accounts/", body, format="json").status_code == 403
    path = "/api/v1/organizations/acme/service-accounts/ci/tokens/"
    assert client.post(path, {"name": "x", "scopes": ["deploy"]}, format="json").status_code == 403
    after = rows()
    del before["ApiToken"], after["ApiToken"]
    assert after == before


def test_f22_nobody_answers_an_invitation_that_is_another_persons(acme: World) -> None:
    invitation = make_invitation(acme.organization, make_user("invited"), MemberRole.OWNER)
    for person in (acme.outsider, acme.member, acme.owner, acme.operator):
        for answer in ("accept", "decline"):
            path = f"/api/v1/invitations/{invitation.pk}/{answer}/"
            assert api_client(person).post(path).status_code in {403, 404}
    assert not Membership.objects.filter(user__username="invited").exists()
    assert api_client(invitation.invitee).post(f"/api/v1/invitations/{invitation.pk}/accept/").status_code == 201


# What each permission on one app opens beside reading the app itself; all else about it stays shut.
@pytest.mark.parametrize(
    ("permission", "opens"),
    [
        ("view_pluginapp", set()),
        ("change_pluginapp", {"PATCH environments", "PUT variables", "PATCH app"}),
        ("submit_release", {"POST releases"}),
        ("read_logs", {"GET logs"}),
    ],
)
def test_f22_a_grant_goes_no_further_than_it_says(acme: World, permission: str, opens: set[str]) -> None:
    friend = make_user("friend")
    for given in {"view_pluginapp", permission}:
        grants.app_grant_create(app=acme.app, username="friend", permission=given, actor=acme.owner)
    client, app = api_client(friend), f"/api/v1/apps/{acme.app.public_id}/"
    release = {"environment": "test", "ref": "main"}
    attempts = {
        "PATCH app": client.patch(app, {"name": "Mine"}, format="json"),
        "PATCH environments": client.patch(f"{app}environments/test/", {"memory_mib": 300}, format="json"),
        "PUT variables": client.put(f"{app}environments/test/variables/KEY/", {"value": "x"}, format="json"),
        "POST releases": client.post(f"{app}releases/", release, format="json"),
        "GET logs": client.get(f"{app}environments/test/logs/"),
        "DELETE app": client.delete(app),
        "POST rollback": client.post(f"{app}environments/test/rollback/", {}, format="json"),
        "POST grants": client.post(f"{app}grants/", {"username": "friend", "permission": "read_logs"}, format="json"),
    }
    opened = {name for name, answer in attempts.items() if answer.status_code < 300}
    # Changing the app is changing its settings; its name is the organization's.
    assert opened - {"PATCH app"} == opens - {"PATCH app"}
    assert client.get(app).status_code == 200
    other = make_app(organization=acme.organization)
    assert client.get(f"/api/v1/apps/{other.public_id}/").status_code == 404
    assert client.get("/api/v1/organizations/acme/").status_code == 404
    assert client.get("/api/v1/organizations/acme/members/").status_code == 404
    granted = grants.PluginAppUserObjectPermission.objects.filter(user=friend, permission__codename="view_pluginapp")
    grants.grant_revoke(grant=granted.get(), actor=acme.owner)
    assert client.get(app).status_code == 404


def test_f22_a_granted_release_shows_itself_and_nothing_else(acme: World) -> None:
    shown, hidden = acme.releases[1], acme.releases[2]
    grants.release_grant_create(
        release=shown, username=make_user("friend").username, permission="view_release", actor=acme.operator
    )
    client = api_client(User.objects.get(username="friend"))
    assert client.get(f"/api/v1/releases/{shown.pk}/").status_code == 200
    assert [row["id"] for row in client.get("/api/v1/releases/").json()["results"]] == [shown.pk]
    assert client.get(f"/api/v1/releases/{hidden.pk}/").status_code == 404
    assert client.get(f"/api/v1/apps/{acme.app.public_id}/").status_code == 404
    body = {"digest": shown.digest}
    assert client.post(f"/api/v1/releases/{shown.pk}/approve/", body, format="json").status_code == 403


@pytest.mark.parametrize("how", ["removed", "deactivated"])
def test_f23_who_is_out_is_out_of_every_call_and_page(acme: World, how: str) -> None:
    """Log streams: `provisioning/logs/test_following.py`; git: `end_to_end/test_leaving.py`."""
    gone = acme.member
    token, session = api_client(gone), signed_in(gone)
    page = f"/apps/{acme.app.public_id}/"
    assert session.get(page).status_code == 200
    if how == "removed":
        path = f"/api/v1/organizations/acme/members/{gone.username}/"
        assert api_client(acme.owner).delete(path).status_code == 204
    else:
        path = f"/api/v1/users/{gone.username}/"
        assert api_client(acme.operator).patch(path, {"is_active": False}, format="json").status_code == 200
    before = rows()
    for operation in operations(acme):
        own = {"/api/v1/users/{username}/", "/api/v1/tokens/", "/api/v1/organizations/"}
        # Of the person, not of an organization: how many tokens they have outlives every membership.
        quota = operation.name == "GET /api/v1/users/{username}/quota/"
        if operation.template in {"/api/v1/health/", *own} or operation.template.startswith("/api/v1/me/"):
            continue
        answer = operation.send(token, None)
        if how == "removed" and answer.status_code == 200:
            assert quota or (operation.method, "{" in operation.template) == ("get", False), operation.name
            assert acme.app.public_id not in str(getattr(answer, "content", b"")), operation.name
        else:
            expected = {400, 403, 404} if how == "removed" else {401}
            assert answer.status_code in expected, operation.name
    assert rows() == before
    answer = session.get(page)
    assert answer.status_code == (404 if how == "removed" else 302)


def test_f23_who_comes_back_finds_no_old_session_and_no_old_token(acme: World) -> None:
    token, session = api_client(acme.member), signed_in(acme.member)
    operator, path = api_client(acme.operator), f"/api/v1/users/{acme.member.username}/"
    for is_active in (False, True):
        assert operator.patch(path, {"is_active": is_active}, format="json").status_code == 200
    assert token.get("/api/v1/me/").status_code == 401
    assert session.get("/apps/").status_code == 302
    # The control: they sign in anew.
    assert signed_in(User.objects.get(pk=acme.member.pk)).get("/apps/").status_code == 200


def decide(reviewer: User, release: Release) -> Any:
    body = {"digest": release.digest}
    return api_client(reviewer).post(f"/api/v1/releases/{release.pk}/approve/", body, format="json")


def waiting(**fields: Any) -> Release:
    return make_release(state=ReleaseState.AWAITING_REVIEW, **fields)


@pytest.mark.parametrize("beside", [{}, {"is_operator": True}, {"is_superuser": True}, {"is_auditor": True}], ids=str)
def test_f24_nobody_decides_on_their_own_release_whatever_else_they_are(beside: dict[str, bool]) -> None:
    submitter = make_reviewer("submitter", **beside)
    app = make_app()
    Membership.objects.create(organization=app.organization, user=submitter, role=MemberRole.DEVELOPER)
    release = waiting(app=app, submitted_by=submitter)
    assert (decide(submitter, release).status_code, decide(submitter, release).json()["code"]) == (403, "own_release")
    # Leaving the organization first helps as little.
    Membership.objects.filter(user=submitter).delete()
    assert decide(submitter, release).status_code == 403
    assert decide(make_reviewer(), release).status_code == 200


def test_f24_a_superuser_is_held_by_every_deny() -> None:
    root = make_user("root", is_superuser=True)
    release = waiting()
    operator = make_operator()
    deny = policies.policy_create(
        actor=operator, name="nobody-approves", description="not today", effect="deny", resource_type="release",
        actions=["release.approve"], subject=EVERYTHING, resource=EVERYTHING, context=EVERYTHING,
    )  # fmt: skip
    assert decide(root, release).status_code == 403
    policies.policy_change(policy=deny, version=1, actor=operator, is_enabled=False)
    assert decide(root, release).status_code == 200


@pytest.mark.parametrize("role", list(MemberRole.values))
def test_f24_a_reviewer_who_is_taken_into_the_organization_reviews_there_no_more(role: str) -> None:
    reviewer, release = make_reviewer("rita"), waiting()
    organization = release.app.organization
    make_member(organization, role, reviewer)
    assert decide(reviewer, release).json()["code"] == "own_release"
    other = waiting()
    assert decide(reviewer, other).status_code == 200


def test_f24_no_developer_takes_a_reviewer_away_by_an_address_in_a_commit() -> None:
    rita = make_reviewer("rita", email="Rita@example.test")
    release = waiting(author_emails=["rita@example.test", "RITA@EXAMPLE.TEST"])
    assert decide(rita, release).status_code == 200


def test_f24_an_operator_or_auditor_reviews_nothing_and_an_owner_not_for_others() -> None:
    release = waiting()
    for person in (make_operator(), make_user(is_auditor=True), owner_of(release.app.organization)):
        assert decide(person, release).status_code == 403
    assert decide(owner_of(make_app().organization), release).status_code == 404
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW
