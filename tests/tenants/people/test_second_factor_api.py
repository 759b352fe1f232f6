"""One's own second factor over the API, by session or token; nobody else's, but for operators."""

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tenants.models import SecondFactor, User
from tenants.people.services.second_factor import second_factor_state
from tests.authenticator import Authenticator, Clock, enroll
from tests.factories import PASSWORD, api_client, make_operator, make_organization, make_token, make_user

pytestmark = pytest.mark.django_db
OWN = "/api/v1/me/second-factor/"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    cache.clear()
    return Clock(monkeypatch)


@pytest.fixture
def user() -> User:
    return make_user()


def with_scopes(user: User, *scopes: str, **fields: Any) -> APIClient:
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(user, scopes=list(scopes), **fields)}")
    return client


def test_from_setting_up_to_removing(user: User) -> None:
    client = api_client(user)
    nothing = {"is_confirmed": False, "made_at": None, "last_used_at": None, "recovery_codes_left": 0}
    assert client.get(OWN).json() == nothing
    made = client.post(OWN, {"password": PASSWORD}, format="json")
    assert made.status_code == 201
    app = Authenticator(made.json()["secret"], [])
    assert made.json()["uri"].startswith(f"otpauth://totp/Berth%3A{user.username}?secret={app.secret}&")
    assert client.get(OWN).json() == nothing
    confirmed = client.post(f"{OWN}confirm/", {"code": app.code()}, format="json")
    first = confirmed.json()["recovery_codes"]
    assert (confirmed.status_code, len(first)) == (201, 10)
    state = client.get(OWN).json()
    assert (state["is_confirmed"], state["recovery_codes_left"]) == (True, 10)
    renewed = client.post(f"{OWN}recovery-codes/", {"code": first[0]}, format="json")
    assert renewed.status_code == 201
    assert client.delete(OWN, {"code": first[1]}, format="json").status_code == 400
    assert client.delete(OWN, {"code": renewed.json()["recovery_codes"][0]}, format="json").status_code == 204
    assert client.get(OWN).json() == nothing


def test_a_session_does_with_its_csrf_token(user: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get(OWN).status_code == 200
    assert client.post(OWN, {"password": PASSWORD}, format="json").status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    sent = client.post(OWN, {"password": PASSWORD}, format="json", headers={"X-CSRFToken": "a" * 32})
    assert sent.status_code == 201


def test_nobody_has_none() -> None:
    anonymous = api_client()
    for answer in (
        anonymous.get(OWN),
        anonymous.post(OWN, {"password": PASSWORD}, format="json"),
        anonymous.delete(OWN, {"code": "123456"}, format="json"),
        anonymous.post(f"{OWN}confirm/", {"code": "123456"}, format="json"),
        anonymous.post(f"{OWN}recovery-codes/", {"code": "123456"}, format="json"),
        anonymous.delete("/api/v1/users/ann/second-factor/"),
    ):
        assert answer.status_code == 401


def test_a_token_takes_the_scope_operate_to_change_it(user: User) -> None:
    app = enroll(user)
    client = with_scopes(user, "deploy", "review")
    assert client.get(OWN).status_code == 200
    for answer in (
        client.post(OWN, {"password": PASSWORD}, format="json"),
        client.delete(OWN, {"code": app.code()}, format="json"),
        client.post(f"{OWN}recovery-codes/", {"code": app.code()}, format="json"),
        client.post(f"{OWN}confirm/", {"code": app.code()}, format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        assert "operate" in answer.json()["detail"]
    assert with_scopes(user, "operate").delete(OWN, {"code": app.code()}, format="json").status_code == 204


def test_a_token_for_one_organization_has_nothing_to_do_with_it(user: User) -> None:
    client = with_scopes(user, "operate", organization=make_organization(owner=user))
    for answer in (client.get(OWN), client.post(OWN, {"password": PASSWORD}, format="json")):
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {}, "password"),
        ("", {"password": "wrong"}, "password"),
        ("", {"password": PASSWORD, "secret": "A" * 32}, "secret"),
        ("", {"password": ["x"]}, "password"),
        ("recovery-codes/", {}, "code"),
        ("recovery-codes/", {"code": 123456}, "code"),
        ("recovery-codes/", {"code": "x" * 101}, "code"),
        ("recovery-codes/", {"code": "AAAA-AAAA-AAAA-AAAA"}, "code"),
    ],
)
def test_what_is_wrong_is_named(user: User, path: str, body: Any, field: str) -> None:
    enroll(user)
    refused = api_client(user).post(f"{OWN}{path}", body, format="json")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_what_is_not_there_or_there_already_is_a_conflict(user: User) -> None:
    client = api_client(user)
    for answer in (
        client.delete(OWN, {"code": "123456"}, format="json"),
        client.post(f"{OWN}confirm/", {"code": "123456"}, format="json"),
        client.post(f"{OWN}recovery-codes/", {"code": "123456"}, format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    enroll(user)
    refused = client.post(OWN, {"password": PASSWORD}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")


def test_a_found_token_guesses_no_password_and_no_code(user: User) -> None:
    client = api_client(user)
    codes = [client.post(OWN, {"password": "wrong"}, format="json").json()["code"] for _ in range(6)]
    assert codes == ["invalid_input"] * 4 + ["locked_out"] * 2
    app = enroll(user, address="192.0.2.7")
    codes = [client.delete(OWN, {"code": app.wrong_code()}, format="json").json()["code"] for _ in range(2)]
    assert codes == ["invalid_input", "second_factor_throttled"]
    assert second_factor_state(user=user).is_confirmed


def test_operators_remove_it_for_who_has_lost_everything(user: User) -> None:
    enroll(user)
    path = f"/api/v1/users/{user.username}/second-factor/"
    stranger, auditor = api_client(make_user()), api_client(make_user(is_auditor=True))
    assert stranger.delete(path).json()["status"] == 404
    assert stranger.delete("/api/v1/users/nobody/second-factor/").status_code == 404
    assert auditor.delete(path).status_code == 403
    assert api_client(user).delete(path).status_code == 403
    assert with_scopes(make_operator(), "deploy").delete(path).json()["code"] == "insufficient_scope"
    assert second_factor_state(user=user).is_confirmed
    operator = api_client(make_operator())
    assert operator.delete(path).status_code == 204
    assert not SecondFactor.objects.exists()
    assert operator.delete(path).status_code == 409
    assert operator.delete("/api/v1/users/a%00b/second-factor/").status_code == 404
