"""Accounts for machines: tokens and no password, one organization and no other, no role on the platform."""

import pytest
from django.test import Client

from tenants.exceptions import InvalidInput
from tenants.models import ApiToken, User
from tenants.people.services.memberships import membership_make
from tenants.people.services.users import user_change
from tests.factories import (
    api_client,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
PATH = "/api/v1/organizations/acme/service-accounts/"


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_an_owner_makes_one_gives_it_a_token_and_it_works_in_its_organization_alone() -> None:
    app = make_app(organization=make_organization(slug="acme"))
    elsewhere = make_app()
    owner = api_client(owner_of(app.organization))
    made = owner.post(PATH, {"name": "ci", "role": "developer"}, format="json").json()
    assert (made["name"], made["username"], made["role"]) == ("ci", "svc-acme.ci", "developer")
    assert [row["name"] for row in owner.get(PATH).json()["results"]] == ["ci"]
    body = {"name": "pipeline", "scopes": ["deploy"], "expires_in_days": 30}
    token = owner.post(f"{PATH}ci/tokens/", body, format="json").json()
    assert (token["organization"], token["user"], token["scopes"]) == ("acme", "svc-acme.ci", ["deploy"])
    machine = api_client()
    assert machine.get("/api/v1/me/", headers=bearer(token["token"])).json()["username"] == "svc-acme.ci"
    assert machine.get(f"/api/v1/apps/{app.public_id}/", headers=bearer(token["token"])).status_code == 200
    assert machine.get(f"/api/v1/apps/{elsewhere.public_id}/", headers=bearer(token["token"])).status_code == 404
    listed = owner.get(f"{PATH}ci/tokens/").json()["results"]
    assert [row["name"] for row in listed] == ["pipeline"]
    assert "token" not in listed[0]


def test_it_signs_in_nowhere() -> None:
    make_service_account(make_organization(slug="acme"))
    body = {"username": "svc-acme.ci", "password": "", "name": "x"}
    assert api_client().post("/api/v1/tokens/", body, format="json").status_code == 401
    assert Client().post("/sign-in/", {"username": "svc-acme.ci", "password": ""}).status_code == 400
    assert not User.objects.get(username="svc-acme.ci").has_usable_password()


def test_removed_it_loses_its_tokens_and_its_membership_and_made_again_it_has_neither_token() -> None:
    organization = make_organization(slug="acme")
    account = make_service_account(organization)
    text = make_token(account, actor=owner_of(organization))
    owner = api_client(owner_of(organization))
    assert owner.delete(f"{PATH}ci/").status_code == 204
    assert api_client().get("/api/v1/me/", headers=bearer(text)).status_code == 401
    assert not organization.memberships.filter(user=account).exists()
    assert owner.delete(f"{PATH}ci/").status_code == 404
    assert owner.get(PATH).json()["results"] == []
    assert owner.post(PATH, {"name": "ci", "role": "maintainer"}, format="json").json()["role"] == "maintainer"
    assert User.objects.filter(username="svc-acme.ci").count() == 1
    assert api_client().get("/api/v1/me/", headers=bearer(text)).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "", "role": "developer"}, 400, "name"),
        ({"name": "a.b", "role": "developer"}, 400, "name"),
        ({"name": "x" * 41, "role": "developer"}, 400, "name"),
        ({"name": "new", "role": "owner"}, 400, "role"),
        ({"name": "new", "role": "developer", "is_operator": True}, 400, "is_operator"),
        ({"name": "ci", "role": "developer"}, 409, "name"),
    ],
)
def test_a_refused_account_names_its_field(body: dict[str, object], status: int, field: str) -> None:
    organization = make_organization(slug="acme")
    make_service_account(organization)
    refused = api_client(owner_of(organization)).post(PATH, body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (status, field)
    assert User.objects.filter(service_organization=organization).count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["root"]}, "scopes"),
        ({"name": "x", "scopes": "read"}, "scopes"),
        ({"name": "x", "scopes": ["read"], "expires_in_days": 366}, "expires_in_days"),
        ({"name": "x", "scopes": ["read"], "organization": "other"}, "organization"),
        ({"name": "x", "scopes": ["read"], "app": "{elsewhere}"}, "app"),
    ],
)
def test_a_refused_token_names_its_field(body: dict[str, object], field: str) -> None:
    organization = make_organization(slug="acme")
    make_service_account(organization)
    owner = owner_of(organization)
    elsewhere = make_app(organization=make_organization(slug="other", owner=owner))
    if "app" in body:
        body = body | {"app": elsewhere.public_id}
    refused = api_client(owner).post(f"{PATH}ci/tokens/", body, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"].partition(".")[0] == field
    assert not ApiToken.objects.filter(user__service_organization=organization).exists()


def test_an_organization_does_not_reach_another_ones_account() -> None:
    make_service_account(make_organization(slug="other"), "ci")
    mine = make_organization(slug="acme")
    owner = api_client(owner_of(mine))
    for path in (f"{PATH}ci/tokens/", f"{PATH}other.ci/tokens/", "/api/v1/organizations/other/service-accounts/"):
        assert owner.get(path).status_code == 404
    assert owner.delete(f"{PATH}ci/").status_code == 404


def test_names_of_organizations_and_accounts_never_run_into_each_other() -> None:
    one, other = make_organization(slug="a"), make_organization(slug="a-b")
    assert make_service_account(one, "b-c").username != make_service_account(other, "c").username


def test_it_gets_no_platform_role_no_other_organization_and_no_ownership() -> None:
    organization = make_organization(slug="acme")
    account = make_service_account(organization)
    for change in ({"is_operator": True}, {"is_reviewer": True}, {"is_auditor": True}, {"groups": ["on-call"]}):
        with pytest.raises(InvalidInput) as refused:
            user_change(user=account, actor=make_operator(), **change)
        assert set(refused.value.errors) == set(change)
    with pytest.raises(InvalidInput):
        membership_make(organization=make_organization(), user=account, role="developer")
    member = "/api/v1/organizations/acme/members/svc-acme.ci/"
    owner = api_client(owner_of(organization))
    assert owner.patch(member, {"role": "owner"}, format="json").json()["errors"][0]["field"] == "role"
    assert owner.patch(member, {"role": "maintainer"}, format="json").status_code == 200
    assert owner.delete(member).json()["errors"][0]["field"] == "username"


def test_its_tokens_are_revoked_by_owners_and_operators() -> None:
    organization = make_organization(slug="acme")
    account = make_service_account(organization)
    developer = api_client(make_member(organization))
    for who, status in [(developer, 404), (api_client(make_user()), 404), (api_client(make_operator()), 204)]:
        make_token(account, actor=owner_of(organization))
        token = ApiToken.objects.filter(user=account, revoked_at=None).latest("pk")
        assert who.delete(f"/api/v1/tokens/{token.pk}/").status_code == status


def test_nobody_takes_a_name_that_looks_like_one() -> None:
    body = {"username": "svc-acme.ci", "email": "x@example.test", "password": "correct horse battery staple"}
    refused = api_client(make_operator()).post("/api/v1/users/", body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "username")
