"""Setting up a second factor, signing in with it, and what the password alone is worth then."""

import logging
import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from tenants.models import AuditEvent, SecondFactor, User
from tenants.people.services.second_factor import second_factor_reset, second_factor_state
from tenants.policies.services.policies import policy_create
from tests.authenticator import Authenticator, Clock, enroll
from tests.factories import PASSWORD, make_operator, make_organization, make_token, make_user
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db
PAGE = "/sign-in/code/"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    cache.clear()
    return Clock(monkeypatch)


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def authenticator(user: User) -> Authenticator:
    return enroll(user)


def give_password(client: Client, user: User, **fields: str) -> Any:
    return client.post("/sign-in/", {"username": user.username, "password": PASSWORD, **fields})


@pytest.fixture
def halfway(user: User, authenticator: Authenticator) -> Client:
    """Who has given the password, and no code."""
    client = Client()
    answer = give_password(client, user, next="/tokens/")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    return client


def is_signed_in(client: Client) -> bool:
    return bool(client.get("/apps/").status_code == 200)


def test_the_password_alone_opens_nothing(halfway: Client) -> None:
    for path in ("/apps/", "/tokens/", "/security/"):
        assert halfway.get(path).status_code == 302
    assert halfway.get("/api/v1/me/").status_code == 401
    assert halfway.get(PAGE).status_code == 200
    assert not AuditEvent.objects.filter(action="user.signed_in").exists()


def test_a_code_leads_on_to_the_page_one_wanted(halfway: Client, authenticator: Authenticator) -> None:
    answer = halfway.post(PAGE, {"code": authenticator.code()})
    assert (answer.status_code, answer["Location"]) == (302, "/tokens/")
    assert is_signed_in(halfway)
    assert halfway.session["second_factor"]
    assert "half_signed_in" not in halfway.session
    assert AuditEvent.objects.get(action="user.signed_in").data == {"second_factor": True}


def test_a_recovery_code_does_too_and_once(halfway: Client, user: User, authenticator: Authenticator) -> None:
    code = authenticator.recovery_codes[0]
    assert halfway.post(PAGE, {"code": code}).status_code == 302
    other = Client()
    give_password(other, user)
    assert other.post(PAGE, {"code": code}).status_code == 400
    assert not is_signed_in(other)


def test_a_code_that_was_used_is_refused(halfway: Client, user: User, authenticator: Authenticator) -> None:
    code = authenticator.code()
    halfway.post(PAGE, {"code": code})
    other = Client()
    give_password(other, user)
    answer = other.post(PAGE, {"code": code})
    assert answer.status_code == 400
    assert "wrong or was used before" in answer.content.decode()
    assert not is_signed_in(other)


def test_a_wrong_code_makes_one_wait_but_not_with_a_recovery_code(
    halfway: Client, authenticator: Authenticator, clock: Clock
) -> None:
    assert halfway.post(PAGE, {"code": authenticator.wrong_code()}).status_code == 400
    answer = halfway.post(PAGE, {"code": authenticator.code()})
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert "Wait 1 second, then try again, or use a recovery code now" in answer.content.decode()
    assert not is_signed_in(halfway)
    assert halfway.post(PAGE, {"code": authenticator.recovery_codes[0]}).status_code == 302


@pytest.mark.parametrize("code", ["", "x" * 101, "\x00"])
def test_what_is_no_code_is_refused(halfway: Client, code: str) -> None:
    assert halfway.post(PAGE, {"code": code}).status_code == 400
    assert not is_signed_in(halfway)


def test_after_five_minutes_one_begins_again(halfway: Client, authenticator: Authenticator, clock: Clock) -> None:
    clock.wait(301)
    answer = halfway.post(PAGE, {"code": authenticator.code()})
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")
    assert not is_signed_in(halfway)
    assert second_factor_state(user=SecondFactor.objects.get().user).last_used_at is not None


@pytest.mark.parametrize("change", ["inactive", "password"])
def test_who_may_not_sign_in_any_more_does_not(
    halfway: Client, user: User, authenticator: Authenticator, change: str
) -> None:
    if change == "inactive":
        user.is_active = False
    else:
        user.set_password("another long password")
    user.save()
    assert halfway.post(PAGE, {"code": authenticator.code()})["Location"] == "/sign-in/"
    assert not is_signed_in(halfway)


def test_without_a_password_there_is_no_page_for_codes(user: User, authenticator: Authenticator) -> None:
    client = Client()
    assert client.get(PAGE)["Location"] == "/sign-in/"
    assert client.post(PAGE, {"code": authenticator.code()})["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_every_step_gets_a_session_of_another_id(user: User, authenticator: Authenticator) -> None:
    client = Client()
    planted = client.session
    planted["x"] = 1
    planted.save()
    client.cookies["sessionid"] = planted.session_key
    give_password(client, user)
    halfway_id = client.cookies["sessionid"].value
    client.post(PAGE, {"code": authenticator.code()})
    assert len({planted.session_key, halfway_id, client.cookies["sessionid"].value}) == 3
    assert not Session.objects.filter(session_key__in=[planted.session_key, halfway_id]).exists()


def test_one_is_not_sent_to_another_site(user: User, authenticator: Authenticator) -> None:
    client = Client()
    give_password(client, user, next="https://elsewhere.test/")
    assert client.post(PAGE, {"code": authenticator.code()})["Location"] == "/apps/"


def test_who_has_none_signs_in_with_the_password_and_has_shown_none(user: User) -> None:
    client = Client()
    assert give_password(client, user)["Location"] == "/apps/"
    assert "second_factor" not in client.session


def test_it_is_set_up_on_a_page_that_shows_everything_once(visit: Visit, user: User) -> None:
    client = visit(user)
    page = client.post("/security/set-up/", {"password": PASSWORD}, follow=True)
    assert page.redirect_chain == [("/security/?step=confirm", 302)]
    assert "no-store" in page["Cache-Control"]
    found = re.search(r'id="secret">([A-Z2-7]{32})<', page.content.decode())
    assert found
    assert f"otpauth://totp/Berth%3A{user.username}?secret={found[1]}" in page.content.decode()
    app = Authenticator(found[1], [])
    refused = client.post("/security/confirm/", {"code": "nothing"})
    assert (refused.status_code, set(refused.context["form"].errors)) == (400, {"code"})
    assert "second_factor" not in client.session
    assert client.post("/security/confirm/", {"code": app.code()}).status_code == 429
    client.post("/security/set-up/", {"password": "wrong"})
    assert SecondFactor.objects.get().secret == found[1]


def test_confirming_shows_recovery_codes_once_and_counts_for_the_session(visit: Visit, user: User) -> None:
    client = visit(user)
    secret = client.post("/security/set-up/", {"password": PASSWORD}, follow=True).context["made"]["secret"]
    page = client.post("/security/confirm/", {"code": Authenticator(secret, []).code()}, follow=True)
    codes = re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", page.content.decode())
    assert (page.redirect_chain, len(set(codes))) == ([("/security/", 302)], 10)
    assert client.session["second_factor"]
    later = client.get("/security/").content.decode()
    assert "10 left" in later
    for text in (secret, *codes):
        assert text not in later
        assert not any(text in str(session.get_decoded()) for session in Session.objects.all())


def test_setting_up_takes_the_password_and_wrong_ones_count(visit: Visit, user: User) -> None:
    client = visit(user)
    answers = [client.post("/security/set-up/", {"password": "wrong"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [400] * 4 + [429]
    assert set(answers[0].context["form"].errors) == {"password"}
    assert int(answers[4]["Retry-After"]) > 800
    assert client.post("/security/set-up/", {"password": PASSWORD}).status_code == 429
    assert not SecondFactor.objects.exists()


def test_new_recovery_codes_and_removing_take_a_code(visit: Visit, user: User, authenticator: Authenticator) -> None:
    client = visit(user)
    for path in ("/security/recovery-codes/", "/security/remove/"):
        assert client.post(path, {"code": "x"}).status_code in (400, 429)
    assert second_factor_state(user=user).recovery_codes_left == 10
    page = client.post("/security/recovery-codes/", {"code": authenticator.recovery_codes[0]}, follow=True)
    assert page.redirect_chain == [("/security/", 302)]
    new = page.context["recovery_codes"]
    assert client.post("/security/remove/", {"code": authenticator.recovery_codes[1]}).status_code == 400
    assert client.post("/security/remove/", {"code": new[0]})["Location"] == "/security/"
    assert not SecondFactor.objects.exists()
    assert "second_factor" not in client.session


def test_nothing_secret_reaches_a_log_or_the_trail(user: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        app = enroll(user)
        client = Client()
        give_password(client, user)
        client.post(PAGE, {"code": app.wrong_code()})
        client.post(PAGE, {"code": app.recovery_codes[0]})
    trail = str(list(AuditEvent.objects.values()))
    for text in (app.secret, *app.recovery_codes, PASSWORD):
        assert text not in caplog.text
        assert text not in trail


def test_a_session_that_was_opened_with_a_code_has_a_second_factor(
    halfway: Client, user: User, authenticator: Authenticator
) -> None:
    """What policies ask for: one that demands it lets this session do what another may not."""
    organization = make_organization(owner=user)
    policy_create(
        actor=make_operator(),
        name="second-factor-for-organizations",
        description="show a second factor first",
        effect="deny",
        resource_type="organization",
        actions=["organization.view"],
        subject={"has_second_factor": False},
        resource={"match_all": True},
        context={"match_all": True},
    )
    path = f"/api/v1/organizations/{organization.slug}/"
    without = Client()
    without.force_login(user)
    assert without.get(path).status_code == 404
    halfway.post(PAGE, {"code": authenticator.code()})
    assert halfway.get(path).status_code == 200


def test_what_a_removed_second_factor_has_opened_goes_on_without_one(
    halfway: Client, user: User, authenticator: Authenticator, clock: Clock
) -> None:
    halfway.post(PAGE, {"code": authenticator.code()})
    token = make_token(user, has_second_factor=True)

    def shown() -> list[bool]:
        query = {"action": "organization.create"}
        with_token = Client(headers={"Authorization": f"Bearer {token}"})
        return [client.get("/api/v1/access/explain/", query).json()["allowed"] for client in (halfway, with_token)]

    policy_create(
        actor=make_operator(),
        name="second-factor-to-found",
        description="show a second factor first",
        effect="deny",
        resource_type="organization",
        actions=["organization.create"],
        subject={"has_second_factor": False},
        resource={"match_all": True},
        context={"match_all": True},
    )
    assert shown() == [True, True]
    second_factor_reset(user=user, actor=make_operator())
    assert shown() == [False, False]
    # Another one, set up since, was not shown by them either.
    clock.wait(1)
    enroll(user)
    assert shown() == [False, False]
