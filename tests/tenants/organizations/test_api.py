"""Organizations, members and who I am over REST."""

import pytest

from tenants.models import AuditEvent, Membership, Organization, User
from tenants.people.choices import MemberRole
from tests.factories import api_client, make_app, make_member, make_operator, make_organization, make_user, owner_of

pytestmark = pytest.mark.django_db
ORGANIZATIONS = "/api/v1/organizations/"


def test_who_creates_an_organization_owns_it_and_sees_it_under_me() -> None:
    client = api_client(make_user("ann"))
    assert client.post(ORGANIZATIONS, {"name": "Acme", "slug": "acme"}, format="json").status_code == 201
    assert client.get("/api/v1/me/").json() == {
        "username": "ann",
        "email": "ann@example.test",
        "roles": [],
        "organizations": [{"slug": "acme", "name": "Acme", "role": "owner"}],
    }


def test_me_names_platform_roles() -> None:
    me = api_client(make_operator(is_reviewer=True)).get("/api/v1/me/").json()
    assert me["roles"] == ["reviewer", "operator"]


@pytest.mark.parametrize("slug", ["-x", "admin", "../x", "A", "", "xn--x", "a" * 41])
def test_a_refused_slug_stores_nothing(slug: str) -> None:
    response = api_client(make_user()).post(ORGANIZATIONS, {"name": "Acme", "slug": slug}, format="json")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "slug")
    assert not Organization.objects.exists()


def test_members_come_with_their_role_and_change_and_leave() -> None:
    organization = make_organization(slug="acme")
    client = api_client(owner_of(organization))
    make_member(organization, user=make_user("Bob"))
    path = f"{ORGANIZATIONS}acme/members/"
    assert [row["role"] for row in client.get(path).json()["results"]] == ["developer", "owner"]
    changed = client.patch(f"{path}bob/", {"role": "maintainer"}, format="json")
    assert (changed.status_code, changed.json()["username"], changed.json()["role"]) == (200, "Bob", "maintainer")
    events = AuditEvent.objects.count()
    assert client.patch(f"{path}Bob/", {"role": "maintainer"}, format="json").status_code == 200
    assert AuditEvent.objects.count() == events
    assert client.delete(f"{path}Bob/").status_code == 204
    assert client.delete(f"{path}Bob/").status_code == 404


def test_nobody_is_made_a_member_without_being_asked() -> None:
    organization = make_organization(slug="acme")
    body = {"username": make_user().username, "role": "developer"}
    refused = api_client(owner_of(organization)).post(f"{ORGANIZATIONS}acme/members/", body, format="json")
    assert refused.status_code == 405
    assert Membership.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [({"role": "root"}, "role"), ({}, "role"), ({"role": "owner", "username": "eve"}, "username")],
)
def test_a_refused_change_names_its_field(body: dict[str, object], field: str) -> None:
    organization = make_organization(slug="acme")
    member = make_member(organization)
    path = f"{ORGANIZATIONS}acme/members/{member.username}/"
    refused = api_client(owner_of(organization)).patch(path, body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert organization.memberships.get(user=member).role == MemberRole.DEVELOPER


def test_the_last_owner_can_be_neither_removed_nor_demoted() -> None:
    organization = make_organization(slug="acme", owner=make_user("ann"))
    client = api_client(owner_of(organization))
    path = f"{ORGANIZATIONS}acme/members/ann/"
    for refused in (client.delete(path), client.patch(path, {"role": "developer"}, format="json")):
        assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    make_member(organization, MemberRole.OWNER)
    assert client.delete(path).status_code == 204
    assert client.get(f"{ORGANIZATIONS}acme/").status_code == 404


def test_an_owner_steps_down_where_another_is() -> None:
    organization = make_organization(slug="acme", owner=make_user("ann"))
    make_member(organization, MemberRole.OWNER)
    client = api_client(User.objects.get(username="ann"))
    path = f"{ORGANIZATIONS}acme/members/ann/"
    assert client.patch(path, {"role": "developer"}, format="json").status_code == 200
    assert client.patch(path, {"role": "owner"}, format="json").status_code == 403


def test_an_owner_whose_account_is_not_active_counts_for_nothing() -> None:
    organization = make_organization(slug="acme", owner=make_user("ann"))
    second = make_member(organization, MemberRole.OWNER)
    User.objects.filter(pk=second.pk).update(is_active=False)
    refused = api_client(owner_of(organization)).delete(f"{ORGANIZATIONS}acme/members/ann/")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")


def test_everybody_may_leave_and_what_was_shared_with_them_ends_too() -> None:
    app = make_app(organization=make_organization(slug="acme"))
    member = make_member(app.organization)
    keeper = api_client(owner_of(app.organization))
    shared = {"username": member.username, "permission": "view_pluginapp"}
    assert keeper.post(f"/api/v1/apps/{app.public_id}/grants/", shared, format="json").status_code == 201
    client = api_client(member)
    assert client.delete(f"{ORGANIZATIONS}acme/members/{member.username}/").status_code == 204
    assert client.get(f"/api/v1/apps/{app.public_id}/").status_code == 404
    assert not app.grants.exists()


def test_a_member_removes_nobody_else() -> None:
    organization = make_organization(slug="acme")
    one, other = make_member(organization), make_member(organization)
    refused = api_client(one).delete(f"{ORGANIZATIONS}acme/members/{other.username}/")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert organization.memberships.count() == 3


def test_a_new_role_holds_from_the_next_request_on() -> None:
    app = make_app()
    member = make_member(app.organization)
    client, path = api_client(member), f"/api/v1/apps/{app.public_id}/"
    assert client.patch(path, {"name": "X"}, format="json").status_code == 403
    make_member(app.organization, MemberRole.MAINTAINER, member)
    assert client.patch(path, {"name": "X"}, format="json").status_code == 200
    make_member(app.organization, MemberRole.DEVELOPER, member)
    assert client.patch(path, {"name": "Y"}, format="json").status_code == 403
