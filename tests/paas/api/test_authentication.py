"""Tokens and sessions: who gets in, who does not, and how often one may try."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.models import ApiToken
from tests.authenticator import Authenticator, Clock, enroll
from tests.factories import PASSWORD, api_client, make_user

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"
ME = "/api/v1/me/"


def sign_in(username: str = "ann", password: str = PASSWORD, **extra: Any) -> Any:
    body = {"username": username, "password": password, "name": "laptop"}
    return APIClient(raise_request_exception=False).post(TOKENS, body, format="json", **extra)


def with_header(value: str) -> Any:
    return APIClient().get(ME, headers={"Authorization": value})


@pytest.fixture
def token() -> str:
    make_user("ann")
    return str(sign_in().json()["token"])


def test_a_password_buys_a_token_that_works(token: str) -> None:
    assert token.startswith("berth_")
    assert with_header(f"Bearer {token}").json()["username"] == "ann"
    assert with_header(f"bearer  {token} ").status_code == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [("ann", "wrong"), ("nobody", PASSWORD), ("ann", ""), ("ANN", PASSWORD), ("gone", PASSWORD)],
)
def test_a_wrong_name_or_password_gets_one_and_the_same_answer(username: str, password: str) -> None:
    make_user("ann")
    make_user("gone", is_active=False)
    refused = sign_in(username, password)
    assert refused.status_code == 401
    assert refused.json()["code"] == "invalid_credentials"
    assert refused.json()["detail"] == "user name or password is wrong"
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert not ApiToken.objects.exists()


def test_the_hasher_runs_for_unknown_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("ann")
    runs: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda self, password, salt: runs.append(password) or encode(self, password, salt)
    )
    sign_in("ann", "wrong-password")
    known = len(runs)
    sign_in("nobody", "wrong-password")
    assert known >= 1
    assert len(runs) == 2 * known


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ann", "password": PASSWORD},
        {"username": ["ann"], "password": PASSWORD, "name": "x"},
        {"username": "ann", "password": PASSWORD + "\x00", "name": "x"},
        {"username": "ann", "password": PASSWORD, "name": "a\nb"},
        {"username": "ann", "password": PASSWORD, "name": "x", "is_operator": True},
        {"username": "a" * 151, "password": PASSWORD, "name": "x"},
        {"username": "ann", "password": "x" * 1001, "name": "x"},
        [],
    ],
)
def test_a_malformed_sign_in_is_refused_without_the_password_in_the_answer(body: Any) -> None:
    make_user("ann")
    refused = APIClient(raise_request_exception=False).post(TOKENS, body, format="json")
    assert refused.status_code == 400
    assert PASSWORD not in refused.content.decode()


@pytest.mark.parametrize("end", ["expired", "revoked", "inactive"])
def test_a_token_that_has_ended_is_refused_at_once(token: str, end: str) -> None:
    row = ApiToken.objects.get()
    if end == "expired":
        ApiToken.objects.update(expires_at=timezone.now())
    elif end == "revoked":
        client = api_client(row.user)
        assert client.delete(f"{TOKENS}{row.pk}/").status_code == 204
        assert client.delete(f"{TOKENS}{row.pk}/").status_code == 404
    else:
        row.user.is_active = False
        row.user.save()
    refused = with_header(f"Bearer {token}")
    assert (refused.status_code, refused.json()["code"]) == (401, "authentication_failed")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Bearer berth_x", "Bearer berth_" + "x" * 9999])
def test_what_is_no_token_is_a_401(token: str, header: str) -> None:
    assert with_header(header).status_code == 401


def test_other_schemes_are_nobody(token: str) -> None:
    assert with_header(f"Token {token}").json()["code"] == "not_authenticated"
    assert APIClient().get(ME).status_code == 401


def test_use_is_noted_at_most_once_a_minute(token: str) -> None:
    with_header(f"Bearer {token}")
    first = ApiToken.objects.get().last_used_at
    with_header(f"Bearer {token}")
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    with_header(f"Bearer {token}")
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    assert noted >= first


def test_ones_tokens_are_listed_without_their_text_and_others_not_at_all(token: str) -> None:
    listed = APIClient().get(TOKENS, headers={"Authorization": f"Bearer {token}"}).json()["results"]
    assert [row["name"] for row in listed] == ["laptop"]
    assert "token" not in listed[0]
    assert ApiToken.objects.get().token_sha256 not in str(listed)
    other = api_client(make_user())
    assert [row["name"] for row in other.get(TOKENS).json()["results"]] == ["test"]
    assert other.delete(f"{TOKENS}{listed[0]['id']}/").status_code == 404
    assert other.delete(f"{TOKENS}{10**30}/").status_code == 404
    assert APIClient().get(TOKENS).status_code == 401


def test_a_session_may_read_and_writes_only_with_the_csrf_token() -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("ann"))
    assert client.get(ME).json()["username"] == "ann"
    body = {"name": "Acme", "slug": "acme"}
    refused = client.post("/api/v1/organizations/", body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    client.cookies["csrftoken"] = "a" * 32
    sent = client.post("/api/v1/organizations/", body, format="json", headers={"X-CSRFToken": "a" * 32})
    assert sent.status_code == 201


def test_five_wrong_passwords_lock_a_name_where_they_came_from() -> None:
    make_user("ann")
    codes = [sign_in("ann", "wrong", REMOTE_ADDR="10.0.0.1").json()["code"] for _ in range(5)]
    assert codes == ["invalid_credentials"] * 4 + ["locked_out"]
    refused = sign_in("ann", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "10.0.0.2"})
    assert (refused.status_code, refused.json()["code"]) == (429, "locked_out")
    assert 840 <= int(refused.headers["Retry-After"]) <= 900
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert sign_in("ann", REMOTE_ADDR="10.0.0.2").status_code == 201


@pytest.fixture
def authenticator(monkeypatch: pytest.MonkeyPatch) -> Authenticator:
    Clock(monkeypatch)
    return enroll(make_user("ann"))


def with_code(otp: Any, password: str = PASSWORD) -> Any:
    body = {"username": "ann", "password": password, "name": "laptop", "otp": otp}
    return APIClient(raise_request_exception=False).post(TOKENS, body, format="json")


def test_with_a_second_factor_the_password_alone_buys_no_token(authenticator: Authenticator) -> None:
    refused = sign_in()
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_required")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert with_code("").json()["code"] == "second_factor_required"
    assert with_code(authenticator.wrong_code()).json()["code"] == "invalid_second_factor"
    assert not ApiToken.objects.exists()


def test_a_code_buys_one_token_that_says_so(authenticator: Authenticator) -> None:
    code = authenticator.code()
    assert with_code(code).status_code == 201
    assert ApiToken.objects.get().has_second_factor
    replayed = with_code(code)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "invalid_second_factor")
    throttled = with_code(authenticator.code(1))
    assert (throttled.status_code, throttled.json()["code"]) == (429, "second_factor_throttled")
    assert int(throttled.headers["Retry-After"]) == 1
    assert with_code(authenticator.recovery_codes[0]).status_code == 201


def test_a_code_without_the_password_is_worth_nothing_and_stays_good(authenticator: Authenticator) -> None:
    code = authenticator.code()
    for otp in (code, authenticator.wrong_code(), ""):
        assert with_code(otp, password="wrong").json()["code"] == "invalid_credentials"
    assert with_code(code).status_code == 201


@pytest.mark.parametrize("otp", [123456, ["123456"], "1" * 101, {}, True])
def test_what_is_no_code_is_refused_by_its_field(authenticator: Authenticator, otp: Any) -> None:
    refused = with_code(otp)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "otp")


def test_who_has_no_second_factor_has_shown_none() -> None:
    make_user("ann")
    assert with_code("123456").status_code == 201
    assert not ApiToken.objects.get().has_second_factor


@pytest.fixture
def few() -> Iterator[None]:
    cache.clear()
    rates = {"user": "3/minute", "address": "2/minute", "sign-in": "4/minute"}
    with override_settings(REST_FRAMEWORK=settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}):
        yield
    cache.clear()


def assert_throttled(response: Any) -> None:
    assert (response.status_code, response.json()["code"]) == (429, "throttled")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_a_user_has_so_many_requests_over_all_tokens(few: None) -> None:
    user = make_user()
    clients = [api_client(user), api_client(user)]
    assert [clients[turn % 2].get(ME).status_code for turn in range(3)] == [200] * 3
    assert_throttled(clients[1].get(ME))
    assert api_client(make_user()).get(ME).status_code == 200


def test_a_name_that_is_tried_from_everywhere_is_not_locked_for_its_owner(few: None) -> None:
    make_user("ann")
    for turn in range(12):
        assert sign_in("ann", "wrong", REMOTE_ADDR=f"10.0.0.{turn}").status_code == 401
    assert sign_in("ann", REMOTE_ADDR="10.0.1.1").status_code == 201


def test_an_address_tries_so_many_names_whatever_it_claims_to_forward(few: None) -> None:
    for turn in range(4):
        assert sign_in(f"user{turn}", "wrong", headers={"X-Forwarded-For": f"10.1.1.{turn}"}).status_code == 401
    assert_throttled(sign_in("user9", "wrong", headers={"X-Forwarded-For": "10.1.1.9"}))


def test_health_is_never_throttled(few: None) -> None:
    assert {APIClient().get("/api/v1/health/").status_code for _ in range(6)} == {200}
