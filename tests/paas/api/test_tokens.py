"""A token is for what it was made for: its scopes, its place, its time, and who may end it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.models import ApiToken, AuditEvent
from tests.factories import (
    PASSWORD,
    api_client,
    make_app,
    make_operator,
    make_organization,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"


def sign_in(**fields: Any) -> Any:
    body = {"username": "ann", "password": PASSWORD, "name": "laptop"} | fields
    return APIClient(raise_request_exception=False).post(TOKENS, body, format="json")


def bearer(text: str) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def days_left(token: ApiToken) -> int:
    return round((token.expires_at - timezone.now()) / timedelta(days=1))


def test_what_is_left_out_is_all_scopes_everywhere_for_ninety_days() -> None:
    make_user("ann")
    made = sign_in().json()
    assert (made["scopes"], made["organization"], made["app"]) == (["read", "deploy", "review", "operate"], None, None)
    assert days_left(ApiToken.objects.get()) == 90


def test_a_token_says_what_it_was_made_for() -> None:
    app = make_app(organization=make_organization(slug="acme", owner=make_user("ann")))
    made = sign_in(scopes=["deploy"], organization="acme", expires_in_days=7).json()
    assert (made["scopes"], made["organization"], made["app"]) == (["deploy"], "acme", None)
    assert days_left(ApiToken.objects.get()) == 7
    assert sign_in(app=app.public_id).json()["app"] == app.public_id


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "root"]}, "scopes"),
        ({"scopes": {"read": True}}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 366}, "expires_in_days"),
        ({"expires_in_days": -(10**30)}, "expires_in_days"),
        ({"expires_in_days": "7"}, "expires_in_days"),
        ({"organization": "other"}, "organization"),
        ({"organization": "nobodys"}, "organization"),
        ({"organization": "x\x00"}, "organization"),
        ({"app": "{other}"}, "app"),
        ({"app": "app1"}, "app"),
        ({"organization": "acme", "app": "{mine}"}, "app"),
        ({"user": "bob"}, "user"),
        ({"has_second_factor": True}, "has_second_factor"),
    ],
)
def test_a_refused_token_names_its_field_and_is_not_made(fields: dict[str, Any], field: str) -> None:
    mine = make_app(organization=make_organization(slug="acme", owner=make_user("ann")))
    other = make_app(organization=make_organization(slug="other"))
    if "app" in fields:
        fields = fields | {"app": fields["app"].format(mine=mine.public_id, other=other.public_id)}
    refused = sign_in(**fields)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"].partition(".")[0] == field
    assert PASSWORD not in refused.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_does_what_its_scopes_say_and_the_refusal_names_the_missing_one() -> None:
    app = make_app(organization=make_organization(slug="acme", owner=make_user("ann")))
    path = f"/api/v1/apps/{app.public_id}/"
    reads = bearer(make_token(owner_of(app.organization), scopes=["read"]))
    deploys = bearer(make_token(owner_of(app.organization), scopes=["deploy"]))
    assert reads.get(path).status_code == deploys.get(path).status_code == 200
    refused = reads.patch(path, {"name": "X"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert "deploy" in refused.json()["detail"]
    assert deploys.patch(path, {"name": "X"}, format="json").status_code == 200
    refused = deploys.post("/api/v1/organizations/", {"name": "New", "slug": "new-one"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert "operate" in refused.json()["detail"]


def test_outside_of_its_place_a_token_finds_nothing() -> None:
    owner = make_user("ann")
    one = make_app(organization=make_organization(slug="acme", owner=owner))
    sibling = make_app(organization=one.organization)
    other = make_app(organization=make_organization(slug="other", owner=owner))
    in_acme = bearer(make_token(owner, organization=one.organization))
    in_app = bearer(make_token(owner, app=one))
    for client, seen in ((in_acme, {one, sibling}), (in_app, {one})):
        for app in (one, sibling, other):
            expected = 200 if app in seen else 404
            assert client.get(f"/api/v1/apps/{app.public_id}/").status_code == expected
        listed = client.get("/api/v1/apps/").json()["results"]
        assert {row["id"] for row in listed} == {app.public_id for app in seen}
    assert [row["slug"] for row in in_acme.get("/api/v1/me/").json()["organizations"]] == ["acme"]
    assert in_acme.post("/api/v1/organizations/", {"name": "N", "slug": "new-one"}, format="json").status_code == 403


def test_who_is_signed_in_makes_one_without_the_password() -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("ann"))
    assert client.post(TOKENS, {"name": "x"}, format="json").status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    made = client.post(TOKENS, {"name": "x"}, format="json", headers={"X-CSRFToken": "a" * 32})
    assert (made.status_code, made.json()["user"]) == (201, "ann")
    assert APIClient().post(TOKENS, {"name": "x"}, format="json").status_code == 400


def test_a_password_counts_and_not_who_else_is_signed_in() -> None:
    make_user("ann")
    made = bearer(make_token(make_user("bob"), scopes=["read"])).post(
        TOKENS, {"username": "ann", "password": PASSWORD, "name": "x"}, format="json"
    )
    assert made.json()["user"] == "ann"
    refused = bearer(make_token(make_user("carl"))).post(
        TOKENS, {"username": "ann", "password": "wrong", "name": "x"}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")


def test_a_small_token_makes_no_larger_one() -> None:
    organization = make_organization(slug="acme", owner=make_user("ann"))
    ann = owner_of(organization)
    reads = bearer(make_token(ann, scopes=["read"]))
    assert reads.post(TOKENS, {"name": "x"}, format="json").json()["code"] == "insufficient_scope"
    operates = bearer(make_token(ann, scopes=["operate"], ttl=timedelta(days=5)))
    larger: list[tuple[dict[str, Any], str]] = [
        ({}, "scopes"),
        ({"scopes": ["deploy"]}, "scopes"),
        ({"scopes": ["read"], "expires_in_days": 6}, "expires_in_days"),
    ]
    for fields, field in larger:
        refused = operates.post(TOKENS, {"name": "x"} | fields, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    made = operates.post(TOKENS, {"name": "x", "scopes": ["read", "operate"]}, format="json")
    assert made.status_code == 201
    first, second = ApiToken.objects.filter(scopes__icontains="operate").order_by("pk")
    assert second.expires_at == first.expires_at
    in_acme = bearer(make_token(ann, organization=organization))
    for body in ({"name": "x"}, {"name": "x", "organization": "acme"}):
        assert in_acme.post(TOKENS, body, format="json").status_code == 403


def test_a_second_factor_is_not_gained_on_the_way() -> None:
    ann = make_user("ann")
    for has_one in (True, False):
        client = bearer(make_token(ann, has_second_factor=has_one))
        made = client.post(TOKENS, {"name": f"made {has_one}"}, format="json").json()
        assert made["has_second_factor"] is has_one


def test_operators_find_and_revoke_everybodys_and_others_only_their_own() -> None:
    ann = make_user("ann")
    text = make_token(ann)
    token = ApiToken.objects.get()
    operator, stranger = api_client(make_operator()), api_client(make_user())
    assert [row["id"] for row in operator.get(TOKENS, {"user": "Ann"}).json()["results"]] == [token.pk]
    assert stranger.get(TOKENS, {"user": "ann"}).json()["results"] == []
    assert [row["user"] for row in operator.get(TOKENS).json()["results"]] != ["ann"]
    assert stranger.delete(f"{TOKENS}{token.pk}/").status_code == 404
    assert operator.delete(f"{TOKENS}{token.pk}/").status_code == 204
    assert bearer(text).get("/api/v1/me/").status_code == 401
    event = AuditEvent.objects.get(action="token.revoked")
    assert event.before["name"] == "test"
    assert text not in str(list(AuditEvent.objects.values()))


def test_an_owner_makes_no_token_for_a_person() -> None:
    organization = make_organization(slug="acme")
    make_service_account(organization)
    path = f"/api/v1/organizations/acme/service-accounts/{owner_of(organization).username}/tokens/"
    refused = api_client(owner_of(organization)).post(path, {"name": "x", "scopes": ["read"]}, format="json")
    assert refused.status_code == 404
