"""The portal as people use it: in a real browser, with forms, links and the keyboard."""

from typing import Any

import pytest

from provisioning.models import Deployment, Operation, Repository
from provisioning.operations.choices import OperationState
from tenants.models import PluginApp, Release, Review
from tenants.people.services.tokens import ALL_SCOPES, api_token_create
from tenants.releases.choices import ReleaseState
from tests.browser.conftest import Browser
from tests.factories import (
    make_app,
    make_member,
    make_organization,
    make_reviewer,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
