"""The portal as people use it: in a real browser, with forms, links and the keyboard."""

from typing import Any

import pytest
from django.db import transaction
from selenium.webdriver.common.keys import Keys

from provisioning.models import Deployment, Operation, Repository, Step
from provisioning.operations.choices import OperationState
from provisioning.operations.services import deployment_create
from tenants.apps.choices import AppState
from tenants.models import PluginApp, Release, Review
from tenants.people.services.tokens import ALL_SCOPES, api_token_create
from tenants.releases.choices import ReleaseState
from tests.browser.conftest import Browser
from tests.factories import (
    make_app,
    make_invitation,
    make_member,
    make_organization,
    make_release,
    make_reviewer,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting() -> Release:
    # In one transaction, so that no receiver looks for the commit in a repository that is not there.
    with transaction.atomic():
        return make_release(state=ReleaseState.AWAITING_REVIEW)


def test_signing_in_leads_to_the_page_one_wanted_and_out_again(browser: Browser) -> None:
    user = make_user()
    browser.go("/tokens/")
    assert browser.heading == "Sign in"
    browser.fill(username=user.username, password="wrong")
    browser.press("Sign in")
    assert "The user name or the password is wrong." in browser.text
    browser.fill(password="correct horse battery staple")
    browser.press("Sign in")
    assert browser.path == "/tokens/"
    browser.press("Sign out")
    browser.driver.back()
    browser.driver.refresh()
    assert browser.heading == "Sign in"


def test_from_nothing_to_an_app(browser: Browser) -> None:
    browser.sign_in(make_user())
    assert "You have no app yet." in browser.text
    browser.follow("New organization")
    browser.fill(name="Acme Plugins", slug="acme")
    browser.press("Make the organization")
    assert "Organization acme is made" in browser.text
    browser.fill(name="Weather", slug="Weather!", stack="static")
    browser.press("Make the app")
    assert "Slug: Is refused: use 1 to 40 of a-z" in browser.text
    assert browser.find("[name=name]").get_attribute("value") == "Weather"
    assert browser.find("[name=stack]").get_attribute("value") == "static"
    browser.fill(slug="weather")
    browser.press("Make the app")
    app = PluginApp.objects.get()
    assert browser.path == f"/apps/{app.public_id}/"
    assert (browser.heading, app.stack) == ("Weather", "static")
    browser.go("/apps/")
    assert app.public_id in browser.text


def test_two_people_meet_in_an_organization_and_one_leaves(browser: Browser) -> None:
    ann, bob = make_user("ann"), make_user("bob")
    make_organization(slug="acme", name="Acme", owner=ann)
    browser.sign_in(ann)
    browser.follow("Organizations")
    browser.follow("Acme")
    browser.fill(username="bobby")
    browser.press("Invite")
    assert "Is nobody's: name an existing person" in browser.text
    browser.fill(username="bob")
    browser.press("Invite")
    assert "bob is invited, and becomes a member by accepting." in browser.text
    browser.press("Sign out")
    browser.sign_in(bob)
    browser.follow("Organizations")
    browser.press("Accept")
    assert (browser.heading, browser.path) == ("Acme", "/organizations/acme/")
    assert "you are developer" in browser.text
    browser.follow("Leave…")
    assert browser.heading == "Leave Acme?"
    browser.press("Leave")
    assert browser.path == "/organizations/"
    assert "You left Acme." in browser.text
    browser.go("/organizations/acme/")
    assert "There is nothing here that you may see" in browser.text


def test_a_long_name_leaves_what_one_can_do_with_its_row_in_sight(browser: Browser) -> None:
    ann = make_user("ann")
    organization = make_organization(slug="acme", owner=ann)
    make_member(organization, user=make_user("u" * 150))
    api_token_create(user=ann, name="N" * 100, actor=ann, scopes=ALL_SCOPES)
    browser.sign_in(ann)
    for path, button in (("/organizations/acme/", "Remove u"), ("/tokens/", "Revoke N")):
        browser.go(path)
        beyond = browser.driver.execute_script(
            "const button = document.querySelector(`a[aria-label^='${arguments[0]}']`);"
            "const edge = (element) => element.getBoundingClientRect().right;"
            "return edge(button) - edge(button.closest('.scroll'));",
            button,
        )
        assert beyond <= 0, path


def test_a_machine_gets_an_account_and_a_token_that_is_shown_once(browser: Browser) -> None:
    app = make_app(organization=make_organization(slug="acme"))
    browser.sign_in(owner_of(app.organization))
    browser.go("/organizations/acme/")
    browser.fill(name="ci")
    browser.press("Make the service account")
    assert "Service account ci is made: it needs a token." in browser.text
    browser.driver.find_element("css selector", "#token_name").send_keys("pipeline")
    browser.press("Make a token")
    token = browser.find("#new-token").text
    assert token.startswith("berth_")
    browser.go("/organizations/acme/")
    assert token not in browser.text
    browser.follow("Revoke…")
    browser.press("Revoke the token")
    assert "Token pipeline is revoked." in browser.text


def test_the_list_is_searched(browser: Browser) -> None:
    organization = make_organization()
    for name in ("Weather", "Calendar"):
        make_app(organization=organization, name=name)
    browser.sign_in(owner_of(organization))
    assert [item.text.split()[0] for item in browser.driver.find_elements("css selector", ".card h2")] == [
        "Calendar",
        "Weather",
    ]
    browser.fill(search="weath")
    browser.press("Filter")
    assert browser.count(".card") == 1
    browser.follow("Clear")
    assert browser.count(".card") == 2


@pytest.mark.parametrize(("button", "state"), [("Approve", ReleaseState.APPROVED), ("Reject", ReleaseState.REJECTED)])
def test_a_reviewer_decides_from_the_queue(
    browser: Browser, waiting: Release, button: str, state: ReleaseState
) -> None:
    reviewer = make_reviewer()
    browser.sign_in(reviewer)
    browser.follow("Reviews")
    browser.follow(f"Release {waiting.number} of {waiting.app.name}")
    assert waiting.digest in browser.text
    browser.fill(comment="I read it")
    browser.press(button)
    assert f"is {state}." in browser.text
    assert "Nothing waits for you." in browser.text
    review = Review.objects.get()
    assert (review.reviewer, review.digest, review.comment) == (reviewer, waiting.digest, "I read it")
    waiting.refresh_from_db()
    assert waiting.state == state


def test_what_changed_under_the_reviewers_eyes_is_not_approved(browser: Browser, waiting: Release) -> None:
    browser.sign_in(make_reviewer())
    browser.go(f"/releases/{waiting.pk}/review/")
    Release.objects.filter(pk=waiting.pk).update(digest="f" * 64)
    browser.fill(comment="looks fine")
    browser.press("Approve")
    assert "read the release again" in browser.text
    assert "f" * 64 in browser.text
    assert browser.find("[name=comment]").get_attribute("value") == "looks fine"
    assert not Review.objects.exists()


def test_a_release_is_asked_for_cancelled_and_its_diff_is_read(browser: Browser, forge: Any) -> None:
    app = make_app()
    project = forge.gitlab.projects.create({"name": "weather"})
    first = {"action": "create", "file_path": "index.php", "content": "<?php\necho 'one';\n"}
    project.commits.create({"branch": "main", "commit_message": "Say one", "actions": [first]})
    Repository.objects.update_or_create(
        app=app, defaults={"code_project_id": project.id, "code_path": project.path_with_namespace}
    )
    browser.sign_in(owner_of(app.organization))
    browser.go(f"/apps/{app.public_id}/")
    browser.follow("Ask for a release")
    browser.fill(environment="production", notes="The first one")
    browser.press("Ask for the release")
    assert "Say one" in browser.text
    assert "+echo 'one';" in browser.text
    browser.follow("Cancel the release…")
    browser.press("Cancel the release")
    assert "cancelled" in browser.find("main .state").text


def test_another_tenants_app_is_a_page_that_says_there_is_nothing(browser: Browser) -> None:
    app = make_app(name="Secret plan")
    browser.sign_in(make_user())
    browser.go(f"/apps/{app.public_id}/")
    assert browser.heading == "Not found"
    assert "Secret plan" not in browser.driver.page_source


@pytest.fixture
def running(waiting: Release) -> Deployment:
    """A deployment under way, at its second step of two; the first has output."""
    with transaction.atomic():
        deployment = deployment_create(release=waiting, requested_by=owner_of(waiting.app.organization))
    assert deployment is not None
    Operation.objects.exclude(pk=deployment.pk).update(state=OperationState.SUCCEEDED)
    Operation.objects.filter(pk=deployment.pk).update(state=OperationState.RUNNING)
    Step.objects.create(operation=deployment, position=0, name="ensure_code", state="succeeded", output="twelve files")
    Step.objects.create(operation=deployment, position=1, name="ensure_health", state="running")
    return deployment


def test_a_deployment_is_followed_without_a_click(browser: Browser, running: Deployment) -> None:
    browser.sign_in(owner_of(running.app.organization))
    browser.go(f"/apps/{running.app.public_id}/")
    browser.driver.execute_script("window.isStillTheSamePage = true")
    browser.find(".step summary").click()
    running.steps.filter(name="ensure_health").update(state="waiting", error="no answer yet")
    browser.wait_until("document.querySelector('main').innerText.includes('no answer yet')")
    assert "twelve files" in browser.text
    assert browser.driver.execute_script("return window.isStillTheSamePage")
    assert "ensure health" in browser.find("[data-announce]").get_attribute("textContent")
    Operation.objects.filter(pk=running.pk).update(state=OperationState.FAILED, error="it never answered")
    browser.wait_until("!window.isStillTheSamePage && document.readyState === 'complete'")
    assert "it never answered" in browser.driver.page_source
    assert browser.complaints() == []


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
