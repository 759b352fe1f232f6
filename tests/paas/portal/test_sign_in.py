"""Signing in and out: as slowly for guesses as the API, and never to another site."""

import copy
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.cache import cache
from django.test import Client

from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_earlier_attempts() -> None:
    cache.clear()


def sign_in(username: str, password: str = PASSWORD, **fields: str) -> Any:
    return Client().post("/sign-in/", {"username": username, "password": password, **fields})


def test_name_and_password_lead_to_the_apps() -> None:
    answer = sign_in(make_user().username)
    assert (answer.status_code, answer["Location"]) == (302, "/apps/")


def test_one_comes_back_to_the_page_one_wanted() -> None:
    assert sign_in(make_user().username, next="/tokens/")["Location"] == "/tokens/"


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.test/", "//elsewhere.test/", "javascript:alert(1)"])
def test_one_is_not_sent_to_another_site(elsewhere: str) -> None:
    assert sign_in(make_user().username, next=elsewhere)["Location"] == "/apps/"


def test_wrong_password_unknown_name_and_inactive_user_get_one_answer() -> None:
    user, inactive = make_user(), make_user(is_active=False)
    answers = [sign_in(user.username, "wrong"), sign_in("nobody"), sign_in(inactive.username), sign_in("a\x00b")]
    assert {answer.status_code for answer in answers} == {400}
    for answer in answers[:3]:
        assert "The user name or the password is wrong." in answer.content.decode()


@pytest.fixture
def three_attempts(settings: Any) -> None:
    framework = copy.deepcopy(configured.REST_FRAMEWORK)
    framework["DEFAULT_THROTTLE_RATES"]["sign-in"] = "3/minute"
    settings.REST_FRAMEWORK = framework


def test_guesses_run_out_and_the_page_says_how_long(three_attempts: None) -> None:
    user = make_user()
    for _ in range(3):
        assert sign_in(user.username, "wrong").status_code == 400
    answer = sign_in(user.username)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "Too many attempts" in answer.content.decode()


def test_portal_and_api_count_together(three_attempts: None) -> None:
    user = make_user()
    api = {"username": user.username, "password": "wrong", "name": "x"}
    for _ in range(3):
        assert Client().post("/api/v1/tokens/", api, content_type="application/json").status_code == 401
    assert sign_in(user.username).status_code == 429


def test_signing_out_takes_a_form_and_ends_the_session() -> None:
    client = Client()
    client.force_login(make_user())
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/apps/").status_code == 302


def test_who_is_signed_in_already_goes_on() -> None:
    client = Client()
    client.force_login(make_user())
    assert client.get("/sign-in/")["Location"] == "/apps/"
    assert client.get("/")["Location"] == "/apps/"
