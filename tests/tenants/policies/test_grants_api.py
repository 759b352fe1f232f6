"""One app or one release, shared with one person."""

import pytest

from tenants.releases.choices import ReleaseState
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_operator,
    make_organization,
    make_release,
    make_service_account,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db


def test_a_collaborator_does_with_one_app_what_was_granted_until_it_is_taken_back() -> None:
    organization = make_organization()
    app, sibling = make_app(organization=organization), make_app(organization=organization)
    owner, guest = api_client(owner_of(organization)), api_client(make_user("guest"))
    path = f"/api/v1/apps/{app.public_id}/"
    assert guest.get(path).status_code == 404
    grants = f"{path}grants/"
    made = owner.post(grants, {"username": "Guest", "permission": "view_pluginapp"}, format="json").json()
    assert (made["username"], made["permission"]) == ("guest", "view_pluginapp")
    assert guest.get(path).status_code == 200
    assert [row["id"] for row in guest.get("/api/v1/apps/").json()["results"]] == [app.public_id]
    assert guest.get(f"/api/v1/apps/{sibling.public_id}/").status_code == 404
    body = {"environment": "test", "ref": "main"}
    assert guest.patch(path, {"name": "Mine"}, format="json").status_code == 403
    assert guest.post(f"{path}releases/", body, format="json").status_code == 403
    owner.post(grants, {"username": "guest", "permission": "submit_release"}, format="json")
    assert guest.post(f"{path}releases/", body, format="json").status_code == 201
    assert [row["permission"] for row in owner.get(grants).json()["results"]] == ["submit_release", "view_pluginapp"]
    assert guest.get(grants).json()["results"] == []
    assert owner.delete(f"{grants}{made['id']}/").status_code == 204
    assert guest.get(path).status_code == 404
    assert owner.delete(f"{grants}{made['id']}/").status_code == 404


def test_an_outside_reviewer_sees_one_release() -> None:
    app = make_app()
    shown = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    hidden = make_release(app=app, environment=environment_of(app, "test").name)
    guest, operator = api_client(make_user("guest")), api_client(make_operator())
    grants = f"/api/v1/releases/{shown.pk}/grants/"
    made = operator.post(grants, {"username": "guest", "permission": "view_release"}, format="json")
    assert made.status_code == 201
    assert guest.get(f"/api/v1/releases/{shown.pk}/").status_code == 200
    assert guest.get(f"/api/v1/releases/{hidden.pk}/").status_code == 404
    assert operator.delete(f"{grants}{made.json()['id']}/").status_code == 204
    assert guest.get(f"/api/v1/releases/{shown.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"username": "nobody-here", "permission": "read_logs"}, 400, "username"),
        ({"username": "svc-acme.ci", "permission": "read_logs"}, 400, "username"),
        ({"username": "guest", "permission": "delete_pluginapp"}, 400, "permission"),
        ({"username": "guest", "permission": "view_release"}, 400, "permission"),
        ({"username": "guest", "permission": "read_logs", "user": 1}, 400, "user"),
        ({"username": "guest", "permission": "view_pluginapp"}, 409, "username"),
    ],
)
def test_a_refused_grant_names_its_field(body: dict[str, object], status: int, field: str) -> None:
    app = make_app(organization=make_organization(slug="acme"))
    make_user("guest")
    make_service_account(app.organization)
    client, path = api_client(owner_of(app.organization)), f"/api/v1/apps/{app.public_id}/grants/"
    assert client.post(path, {"username": "guest", "permission": "view_pluginapp"}, format="json").status_code == 201
    refused = client.post(path, body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (status, field)
    assert app.grants.count() == 1


def test_a_grant_is_reached_through_its_own_app_alone() -> None:
    owner = make_user()
    one = make_app(organization=make_organization(owner=owner))
    other = make_app(organization=make_organization(owner=owner))
    client = api_client(owner)
    make_user("guest")
    sent = {"username": "guest", "permission": "view_pluginapp"}
    made = client.post(f"/api/v1/apps/{one.public_id}/grants/", sent, format="json").json()
    assert client.delete(f"/api/v1/apps/{other.public_id}/grants/{made['id']}/").status_code == 404
    assert one.grants.exists()
