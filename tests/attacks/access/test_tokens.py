"""A token for less does less: tried on every call that the OpenAPI document has."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.models import ApiToken, Membership, User
from tenants.people.choices import MemberRole, TokenScope
from tenants.people.services.tokens import ALL_SCOPES
from tests.attacks.access.world import World, make_world, operations, rows, text_of
from tests.factories import PASSWORD, api_client, make_app, make_service_account, make_token, make_user, owner_of

pytestmark = pytest.mark.django_db
# Signing in: whoever gives a password may; and what says nothing of anybody.
FOR_EVERYBODY = {"POST /api/v1/tokens/", "GET /api/v1/health/"}
# What is neither a tenant's nor the platform's, and what says who one is.
SAME_FOR_ALL = {*FOR_EVERYBODY, "GET /api/v1/me/", "GET /api/v1/freezes/"}
CREATED = {"name": "larger", "expires_in_days": 1}


def client_with(token: str) -> APIClient:
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def almighty() -> User:
    """An owner here and elsewhere with every platform role: whatever is refused is refused for the token."""
    return make_user("root", is_superuser=True, is_operator=True, is_reviewer=True, is_auditor=True)


@pytest.fixture
def acme(almighty: User) -> World:
    return make_world("acme", owner=almighty, operator=almighty)


@pytest.mark.parametrize("scope", ["read", "deploy", "review", "operate"])
def test_f20_every_call_takes_its_scope_and_the_refusal_names_it(acme: World, almighty: User, scope: str) -> None:
    client, refused = client_with(make_token(almighty, scopes=[scope])), set()
    before = rows()
    for operation in operations(acme):
        if operation.is_write and operation.name not in FOR_EVERYBODY:
            answer = operation.send(client, {"unknown": 1} if operation.takes_body else None)
            problem = answer.json() if answer.content else {}
            if problem.get("code") == "insufficient_scope":
                assert answer.status_code == 403
                (named,) = re.findall(r"lacks the scope (\w+)", problem["detail"])
                assert named in set(TokenScope.values) - {scope, "read"}
                refused.add(operation.name)
            else:
                assert scope != "read", operation.name
            if scope == "read":
                assert rows() == before, operation.name
    assert len(refused) > 10


@pytest.mark.parametrize("place", ["organization", "app"])
def test_f20_outside_its_organization_or_app_there_is_nothing_for_a_token(
    acme: World, almighty: User, place: str
) -> None:
    other = make_world("other", owner=almighty, operator=almighty)
    small = client_with(make_token(almighty, **{place: getattr(acme, place)}))
    large = client_with(make_token(almighty))
    before = rows()
    for operation in operations(other):
        if operation.name in SAME_FOR_ALL:
            continue
        answer = operation.send(small, None)
        if answer.status_code == 200:
            assert (operation.method, "{" in operation.template) == ("get", False), operation.name
            assert set(re.findall(r"\bother\b|app1000002", text_of(answer))) == set(), operation.name
        else:
            assert answer.status_code in {400, 403, 404, 409}, (operation.name, text_of(answer))
        # The control: the same person sees it with a token that is for everything. What is read from a commit needs a
        # repository, and a plan a zone that a provider has.
        is_here = not re.search("/(archive|diff|files|tree|plan)/", operation.template)
        if operation.method == "get" and "{" in operation.template and is_here:
            assert operation.send(large).status_code == 200, operation.name
    assert rows() == before


@pytest.mark.parametrize("place", ["organization", "app"])
def test_f20_a_token_for_one_place_makes_nothing_of_the_platforms(acme: World, almighty: User, place: str) -> None:
    make_world("other", owner=almighty, operator=almighty)
    everything = {"match_all": True}
    bodies: dict[str, dict[str, Any]] = {
        "organizations/": {"name": "New", "slug": "brand-new"},
        "apps/": {"organization": "other", "name": "New", "slug": "brand-new", "stack": "php"},
        "users/": {"username": "eve", "email": "eve@example.test", "password": PASSWORD},
        "freezes/": {"reason": "x", "ends_at": "2999-01-01T00:00:00Z"},
        "policies/": {
            "name": "mine", "description": "x", "effect": "allow", "resource_type": "app", "actions": ["app.view"],
            "subject": everything, "resource": everything, "context": everything,
        },
        "me/second-factor/": {"password": PASSWORD},
    }  # fmt: skip
    small = client_with(make_token(almighty, **{place: getattr(acme, place)}))
    large = client_with(make_token(almighty))
    before = rows()
    for path, body in bodies.items():
        answer = small.post(f"/api/v1/{path}", body, format="json")
        assert answer.status_code in {400, 403, 404}, path
        assert rows() == before, path
    # The control: the same person makes all of it with a token that is for everything.
    for path, body in bodies.items():
        assert large.post(f"/api/v1/{path}", body, format="json").status_code == 201, path


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ({"scopes": ["read", "operate"]}, {"scopes": ["read", "deploy"]}),
        ({"scopes": ["operate"]}, {"scopes": ["operate", "review"]}),
        ({"scopes": ["operate"]}, {}),
        ({"ttl": timedelta(days=2)}, {"expires_in_days": 3}),
    ],
    ids=str,
)
def test_f20_a_token_makes_none_that_is_more(acme: World, held: dict[str, Any], asked: dict[str, Any]) -> None:
    client = client_with(make_token(acme.owner, **held))
    before = ApiToken.objects.count()
    assert client.post("/api/v1/tokens/", CREATED | asked, format="json").status_code == 400
    assert ApiToken.objects.count() == before
    # The control: one that is no more is made.
    assert client.post("/api/v1/tokens/", CREATED | {"scopes": ["read"]}, format="json").status_code == 201


@pytest.mark.parametrize("place", ["organization", "app"])
@pytest.mark.parametrize("asked", [{}, {"organization": "other"}, {"app": "app1000002"}], ids=str)
def test_f20_a_token_for_one_place_makes_none_for_another(acme: World, place: str, asked: dict[str, str]) -> None:
    Membership.objects.create(organization=make_world("other").organization, user=acme.owner, role=MemberRole.OWNER)
    client = client_with(make_token(acme.owner, **{place: getattr(acme, place)}))
    before = ApiToken.objects.count()
    refused = client.post("/api/v1/tokens/", CREATED | {"scopes": ["read"]} | asked, format="json")
    assert refused.status_code in {400, 403}
    assert ApiToken.objects.count() == before


@pytest.mark.parametrize("place", ["organization", "app"])
def test_f20_a_token_for_one_place_makes_none_for_git_which_opens_all(acme: World, place: str) -> None:
    small = client_with(make_token(acme.owner, **{place: getattr(acme, place)}))
    assert small.post("/api/v1/me/git-token/").status_code == 403
    # The control: only the forge is missing here.
    assert client_with(make_token(acme.owner)).post("/api/v1/me/git-token/").status_code == 503


def test_f20_a_second_factor_is_not_claimed_by_a_token(acme: World) -> None:
    client = client_with(make_token(acme.owner, has_second_factor=False))
    made = client.post("/api/v1/tokens/", CREATED, format="json").json()
    assert made["has_second_factor"] is False
    assert client.post("/api/v1/tokens/", CREATED | {"has_second_factor": True}, format="json").status_code == 400


def end(token: ApiToken, how: str) -> None:
    match how:
        case "revoked":
            ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
        case "expired":
            ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
        case "inactive":
            User.objects.filter(pk=token.user.pk).update(is_active=False)


@pytest.mark.parametrize("how", ["revoked", "expired", "inactive"])
def test_f12_a_token_that_has_ended_opens_no_call(acme: World, how: str) -> None:
    person = make_user("gone", is_operator=True)
    client = client_with(make_token(person))
    assert client.get("/api/v1/users/").status_code == 200
    end(ApiToken.objects.get(user=person), how)
    before = rows()
    for operation in operations(acme):
        if operation.name not in FOR_EVERYBODY:
            answer = operation.send(client, None)
            assert (operation.name, answer.status_code) == (operation.name, 401)
            assert answer.headers["WWW-Authenticate"]
    assert client.post("/api/v1/tokens/", CREATED, format="json").status_code == 401
    assert rows() == before


def test_f12_an_operator_ends_anybodys_token_and_no_stranger_does(acme: World) -> None:
    make_token(acme.owner)
    token = ApiToken.objects.get(user=acme.owner)
    path = f"/api/v1/tokens/{token.pk}/"
    assert api_client(acme.member).delete(path).status_code == 404
    assert api_client(make_user()).delete(path).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
    assert api_client(acme.operator).delete(path).status_code == 204
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_f20_a_service_accounts_token_is_for_its_organization_alone(acme: World) -> None:
    other = make_app().organization
    path = "/api/v1/organizations/acme/service-accounts/ci/tokens/"
    client = api_client(acme.owner)
    for wrong in ({"organization": other.slug}, {"app": other.apps.get().public_id}, {"username": "root"}):
        assert client.post(path, CREATED | {"scopes": ["read"]} | wrong, format="json").status_code == 400
    made = client.post(path, CREATED | {"scopes": ["read"]}, format="json").json()
    assert made["organization"] == "acme"


def test_f21_a_service_account_signs_in_nowhere(acme: World) -> None:
    for password in (PASSWORD, "", "!", "None"):
        body = CREATED | {"username": acme.account.username, "password": password}
        assert api_client().post("/api/v1/tokens/", body, format="json").status_code in {400, 401}
        signed = APIClient().post("/sign-in/", {"username": acme.account.username, "password": password}, format=None)
        assert signed.status_code == 400
    # Nor with a token of its own in the place of a session.
    portal = client_with(make_token(acme.account, actor=acme.owner))
    assert portal.get("/apps/").status_code == 302


@pytest.mark.parametrize("role", ["is_operator", "is_reviewer", "is_auditor"])
def test_f21_a_service_account_gets_no_platform_role_and_no_ownership(acme: World, role: str) -> None:
    operator = api_client(acme.operator)
    refused = operator.patch(f"/api/v1/users/{acme.account.username}/", {role: True}, format="json")
    assert refused.status_code == 400
    owner = api_client(owner_of(acme.organization))
    path = f"/api/v1/organizations/acme/members/{acme.account.username}/"
    assert owner.patch(path, {"role": "owner"}, format="json").status_code == 400
    refused = owner.post(
        "/api/v1/organizations/acme/service-accounts/", {"name": "boss", "role": "owner"}, format="json"
    )
    assert refused.status_code == 400
    acme.account.refresh_from_db()
    assert acme.account.roles == []


def test_f21_nobody_else_is_named_like_a_service_account(acme: World) -> None:
    body = {"username": "svc-acme.deploy", "email": "x@example.test", "password": PASSWORD}
    assert api_client(acme.operator).post("/api/v1/users/", body, format="json").status_code == 400
    assert make_service_account(acme.organization, "deploy").username == "svc-acme.deploy"


def test_f20_all_scopes_are_what_a_control_uses() -> None:
    assert set(TokenScope.values) == ALL_SCOPES
