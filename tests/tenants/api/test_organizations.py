"""Organizations, members and who I am over REST."""

import pytest

from tenants.choices import MemberRole
from tenants.models import Membership, Organization
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
    make_user("Bob")
    path = f"{ORGANIZATIONS}acme/members/"
    added = client.post(path, {"username": "bob", "role": "developer"}, format="json")
    assert (added.status_code, added.json()["username"], added.json()["role"]) == (201, "Bob", "developer")
    assert client.post(path, {"username": "bob", "role": "developer"}, format="json").status_code == 409
    assert client.post(path, {"username": "Bob", "role": "maintainer"}, format="json").json()["role"] == "maintainer"
    assert [row["role"] for row in client.get(path).json()["results"]] == ["maintainer", "owner"]
    assert client.delete(f"{path}Bob/").status_code == 204
    assert client.delete(f"{path}Bob/").status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "nobody-here", "role": "developer"}, "username"),
        ({"username": "x\x00", "role": "developer"}, "username"),
        ({"username": "bob", "role": "root"}, "role"),
        ({"username": "bob"}, "role"),
        ({"username": "bob", "role": "owner", "is_operator": True}, "is_operator"),
    ],
)
def test_a_refused_membership_names_its_field(body: dict[str, object], field: str) -> None:
    organization = make_organization(slug="acme")
    make_user("bob")
    refused = api_client(owner_of(organization)).post(f"{ORGANIZATIONS}acme/members/", body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert Membership.objects.count() == 1


def test_the_last_owner_can_be_neither_removed_nor_demoted() -> None:
    organization = make_organization(slug="acme", owner=make_user("ann"))
    client = api_client(owner_of(organization))
    path = f"{ORGANIZATIONS}acme/members/"
    for refused in (
        client.delete(f"{path}ann/"),
        client.post(path, {"username": "ann", "role": "developer"}, format="json"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    make_member(organization, MemberRole.OWNER)
    assert client.delete(f"{path}ann/").status_code == 204
    assert client.get(f"{ORGANIZATIONS}acme/").status_code == 404


def test_a_new_role_holds_from_the_next_request_on() -> None:
    app = make_app()
    member = make_member(app.organization)
    client, path = api_client(member), f"/api/v1/apps/{app.public_id}/"
    assert client.patch(path, {"name": "X"}, format="json").status_code == 403
    make_member(app.organization, MemberRole.MAINTAINER, member)
    assert client.patch(path, {"name": "X"}, format="json").status_code == 200
    make_member(app.organization, MemberRole.DEVELOPER, member)
    assert client.patch(path, {"name": "Y"}, format="json").status_code == 403
