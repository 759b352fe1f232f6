"""Signing in and out: as slowly for guesses as the API, never to another site, and a guesser locks out nobody else."""

import copy
import logging
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as configured
from django.core.cache import cache
from django.db.models import F
from django.test import Client
from django.utils import timezone

from tenants.models import ApiToken, AuditEvent
from tenants.people.services.sign_in import sign_in_attempts_forget
from tests.factories import PASSWORD, make_user
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_earlier_attempts() -> None:
    cache.clear()


HERE, ELSEWHERE = "192.0.2.1", "203.0.113.9"


def sign_in(username: str, password: str = PASSWORD, *, address: str = HERE, headers: Any = None, **fields: str) -> Any:
    sent = {"username": username, "password": password, **fields}
    return Client().post("/sign-in/", sent, REMOTE_ADDR=address, headers=headers)


def ask_for_token(username: str, password: str = PASSWORD, *, address: str = HERE) -> Any:
    sent = {"username": username, "password": password, "name": "x"}
    return Client().post("/api/v1/tokens/", sent, content_type="application/json", REMOTE_ADDR=address)


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


def test_an_address_has_so_many_attempts_and_the_page_says_how_long(three_attempts: None) -> None:
    user = make_user()
    for turn in range(3):
        assert sign_in(f"name{turn}", "wrong").status_code == 400
    answer = sign_in(user.username)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "Too many attempts" in answer.content.decode()


def test_portal_and_api_count_an_address_together(three_attempts: None) -> None:
    user = make_user()
    for _ in range(3):
        assert ask_for_token(user.username, "wrong").status_code == 401
    assert sign_in(user.username).status_code == 429


def lock_out(username: str, *, address: str = ELSEWHERE) -> None:
    """Four wrong passwords, and the fifth that locks."""
    for _ in range(4):
        assert sign_in(username, "wrong", address=address).status_code == 400
    assert sign_in(username, "wrong", address=address).status_code == 429


def test_a_guesser_is_locked_out_and_told_for_how_long() -> None:
    user = make_user()
    lock_out(user.username)
    for answer in (sign_in(user.username, address=ELSEWHERE), sign_in(user.username, "wrong", address=ELSEWHERE)):
        assert answer.status_code == 429
        assert 840 <= int(answer["Retry-After"]) <= 900
        assert "Too many wrong passwords for this user name from here" in answer.content.decode()


def test_whose_name_a_guesser_hammers_signs_in_from_elsewhere() -> None:
    user = make_user()
    for turn in range(30):
        sign_in(user.username, f"guess {turn}", address=ELSEWHERE)
        ask_for_token(user.username, f"guess {turn}", address=f"203.0.113.{turn + 10}")
    assert sign_in(user.username, address=HERE).status_code == 302
    assert ask_for_token(user.username, address=HERE).status_code == 201
    assert sign_in(user.username, address=ELSEWHERE).status_code == 429


def test_portal_and_api_are_locked_together() -> None:
    user = make_user()
    lock_out(user.username)
    refused = ask_for_token(user.username, address=ELSEWHERE)
    assert (refused.status_code, refused.json()["code"]) == (429, "locked_out")
    assert refused["Content-Type"] == "application/problem+json"
    assert 840 <= int(refused["Retry-After"]) <= 900
    assert not ApiToken.objects.exists()


def test_an_unknown_name_is_locked_like_a_known_one() -> None:
    lock_out("nobody")
    assert ask_for_token("nobody", address=ELSEWHERE).json()["code"] == "locked_out"


def test_other_names_at_the_same_address_are_not_locked() -> None:
    lock_out(make_user().username)
    assert sign_in(make_user().username, address=ELSEWHERE).status_code == 302


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP"])
def test_no_header_makes_an_attempt_somebody_elses(header: str) -> None:
    user = make_user()
    for turn in range(5):
        sign_in(user.username, "wrong", address=ELSEWHERE, headers={header: f"198.51.100.{turn}"})
    assert sign_in(user.username, address=ELSEWHERE, headers={header: HERE}).status_code == 429
    assert sign_in(user.username, address=HERE, headers={header: ELSEWHERE}).status_code == 302


def test_neither_do_another_browser_or_another_query() -> None:
    user = make_user()
    sent = {"username": user.username, "password": "wrong"}
    for turn in range(5):
        headers = {"User-Agent": f"browser {turn}", "Accept": f"text/{turn}"}
        Client().post(f"/sign-in/?turn={turn}", sent, REMOTE_ADDR=ELSEWHERE, headers=headers)
    assert sign_in(user.username, address=ELSEWHERE).status_code == 429


def test_one_network_of_ipv6_is_one_address() -> None:
    user = make_user()
    for turn in range(5):
        sign_in(user.username, "wrong", address=f"2001:db8:1:2::{turn}")
    assert sign_in(user.username, address="2001:db8:1:2:ffff::1").status_code == 429
    assert sign_in(user.username, address="2001:db8:1:3::1").status_code == 302
    lock_out(user.username, address="::ffff:203.0.113.9")
    assert sign_in(user.username, address="203.0.113.9").status_code == 429


def test_a_lock_ends_by_itself_however_often_one_goes_on_meanwhile() -> None:
    user = make_user()
    lock_out(user.username)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert sign_in(user.username, "wrong", address=ELSEWHERE).status_code == 429
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=1))
    assert sign_in(user.username, address=ELSEWHERE).status_code == 302


def test_who_signs_in_starts_anew() -> None:
    user = make_user()
    for come_in in (sign_in, ask_for_token):
        for _ in range(4):
            sign_in(user.username, "wrong")
        assert come_in(user.username).status_code in (201, 302)
    assert not AccessAttempt.objects.exists()


def test_what_was_typed_is_neither_kept_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Passwords are also typed into the wrong field."""
    user = make_user()
    typed = ["hunter2-in-the-password", "hunter2-in-the-name", "hunter2-in-another-field", "hunter2-in-the-query"]
    with caplog.at_level(logging.DEBUG):
        for _ in range(6):
            sign_in(user.username, typed[0], passwort=typed[2])
            sign_in(typed[1], PASSWORD)
            ask_for_token(user.username, typed[0])
            Client().post(f"/sign-in/?password={typed[3]}", {"username": user.username, "password": typed[0]})
    assert AccessAttempt.objects.exists()
    kept = str(list(AccessAttempt.objects.values())) + str(list(AuditEvent.objects.values()))
    for text in typed:
        assert text not in kept
        assert text not in caplog.text
    assert user.username not in str(list(AccessAttempt.objects.values()))


def test_a_lock_and_a_sign_in_are_in_the_trail() -> None:
    user = make_user()
    lock_out(user.username)
    sign_in(user.username, address=ELSEWHERE)
    sign_in(user.username, address=HERE)
    events = AuditEvent.objects.filter(action__in=["user.locked_out", "user.signed_in"]).order_by("pk")
    assert [(event.action, event.actor) for event in events] == [("user.locked_out", None), ("user.signed_in", user)]
    assert ELSEWHERE in events[0].message


def test_what_counts_no_more_is_tidied_away() -> None:
    sign_in("young", "wrong")
    sign_in("old", "wrong", address=ELSEWHERE)
    at = timezone.now() - configured.AXES_COOLOFF_TIME
    AccessAttempt.objects.filter(ip_address=ELSEWHERE).update(attempt_time=at - timedelta(seconds=1))
    sign_in_attempts_forget()
    assert AccessAttempt.objects.get().ip_address == HERE


@pytest.mark.django_db(transaction=True)
def test_of_failures_at_once_none_is_lost() -> None:
    user = make_user()
    answers = at_once(*[lambda: sign_in(user.username, "wrong", address=ELSEWHERE).status_code] * 4)
    assert answers == [400] * 4
    assert sum(attempt.failures_since_start for attempt in AccessAttempt.objects.all()) == 4
    answers = at_once(*[lambda: sign_in(user.username, "wrong", address=ELSEWHERE).status_code] * 4)
    assert answers == [429] * 4
    assert sign_in(user.username, address=HERE).status_code == 302


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
