"""In a real browser: set up a second factor, then sign in with it."""

import pytest

from tests.authenticator import Authenticator
from tests.browser.conftest import Browser
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_sets_up_a_second_factor_and_signs_in_with_it(browser: Browser) -> None:
    user = make_user()
    browser.sign_in(user)
    browser.follow("Security")
    assert browser.heading == "Security"
    browser.fill(password=PASSWORD)
    browser.press("Set up a second factor")
    authenticator = Authenticator(browser.find("#secret").text, [])
    browser.fill(code=authenticator.code())
    browser.press("Confirm")
    assert browser.count(".codes li") == 10
    recovery_code = browser.find(".codes li").text
    browser.go("/security/")
    assert recovery_code not in browser.text
    assert "10 left" in browser.text

    browser.press("Sign out")
    browser.sign_in(user)
    assert browser.path == "/sign-in/code/"
    assert browser.complaints() == []
    browser.fill(code="nothing")
    browser.press("Sign in")
    assert "wrong or was used before" in browser.text
    (refusal,) = browser.complaints()
    assert "400" in refusal
    browser.fill(code=recovery_code)
    browser.press("Sign in")
    assert browser.path == "/apps/"
    browser.go("/security/")
    assert "9 left" in browser.text
    assert browser.complaints() == []
