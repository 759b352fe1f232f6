"""Pages without scripts, by keyboard, and on a phone."""

import pytest
from selenium.webdriver.common.keys import Keys

from provisioning.models import Deployment
from tenants.apps.choices import AppState
from tenants.models import Release
from tests.browser.conftest import Browser
from tests.factories import (
    make_app,
    make_invitation,
    make_member,
    make_organization,
    make_reviewer,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_works_without_scripts(browser: Browser, running: Deployment, waiting: Release) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.sign_in(make_reviewer())
        browser.go(f"/deployments/{running.pk}/")
        assert browser.find("noscript meta[http-equiv=refresh]").get_attribute("content") == "5"
        browser.go(f"/releases/{waiting.pk}/review/")
        browser.find("textarea[name=comment]").send_keys("It says goodbye where it should say hello.")
        browser.press("Reject")
        assert f"Release {waiting.number} of {waiting.app.public_id} is rejected." in browser.text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_keyboard_comes_to_the_content_first(browser: Browser) -> None:
    browser.sign_in(make_user())
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to the content"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.driver.switch_to.active_element.get_attribute("id") == "main"


UNLABELLED = """
return [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
  .filter((item) => !(item.labels && item.labels.length) && !item.textContent.trim() && !item.ariaLabel)
  .map((item) => item.outerHTML)
"""


DUPLICATE_IDS = """
const ids = [...document.querySelectorAll("[id]")].map((item) => item.id);
return ids.filter((id, at) => ids.indexOf(id) !== at)
"""


DANGLING = """
return [...document.querySelectorAll("[aria-labelledby], [aria-describedby]")]
  .flatMap((item) => [item.getAttribute("aria-labelledby"), item.getAttribute("aria-describedby")])
  .filter(Boolean).flatMap((ids) => ids.split(" ")).filter((id) => !document.getElementById(id))
"""


WIDER_THAN_THE_SCREEN = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_every_page_has_landmarks_headings_and_labels_and_fits_a_phone(browser: Browser, running: Deployment) -> None:
    app = running.app
    make_app(organization=app.organization, state=AppState.FAILED, name="W" * 100)
    release = Release.objects.get()
    owner = owner_of(app.organization)
    make_member(app.organization)
    make_invitation(app.organization)
    make_token(make_service_account(app.organization), actor=owner, app=app)
    make_invitation(make_organization(), owner)
    make_token(owner)
    browser.sign_in(owner)
    at_app = f"/apps/{app.public_id}/"
    try:
        browser.driver.set_window_size(500, 900)
        browser.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True},
        )
        for path in (
            "/apps/",
            "/apps/new/",
            "/organizations/",
            f"/organizations/{app.organization.slug}/",
            "/organizations/new/",
            "/tokens/",
            "/security/",
            at_app,
            f"{at_app}releases/",
            f"{at_app}releases/new/",
            f"{at_app}deployments/",
            f"{at_app}timeline/",
            f"{at_app}environments/test/logs/",
            f"{at_app}environments/test/rollback/",
            f"/releases/{release.pk}/",
            f"/releases/{release.pk}/cancel/",
            f"/releases/{release.pk}/review/",
            f"/deployments/{running.pk}/",
        ):
            browser.go(path)
            assert [browser.count(one) for one in ("h1", "main", "header", "html[lang=en]", "title")] == [1] * 5, path
            assert browser.driver.execute_script(UNLABELLED) == [], path
            assert browser.driver.execute_script(DUPLICATE_IDS) == [], path
            assert browser.driver.execute_script(DANGLING) == [], path
            assert browser.driver.execute_script(WIDER_THAN_THE_SCREEN) <= 0, path
            assert browser.complaints() == [], path
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.driver.set_window_size(1200, 900)
