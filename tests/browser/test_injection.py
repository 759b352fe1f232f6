"""What a hostile developer writes is text on every page: no script of theirs runs, no markup of theirs counts."""

from typing import Any

import pytest
from django.db import transaction
from selenium.webdriver.support.expected_conditions import alert_is_present
from selenium.webdriver.support.wait import WebDriverWait

from provisioning.models import Operation, Repository, Step
from provisioning.operations.choices import OperationState
from provisioning.operations.services import deployment_create
from tenants.apps.services import apps
from tenants.models import PluginApp, Release
from tenants.organizations.services import organizations
from tenants.people.services.tokens import ALL_SCOPES, api_token_create
from tenants.releases.choices import ReleaseState
from tenants.releases.services import releases
from tests.browser.conftest import PATIENCE_S, Browser
from tests.factories import make_app, make_organization, make_release, make_reviewer, make_user, owner_of

pytestmark = pytest.mark.django_db(transaction=True)

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title></textarea></script><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "<meta http-equiv=refresh content=0;url=/sign-out/>",
    "<base href=//elsewhere.test/><form action=//elsewhere.test/><input name=digest>",
    "<a href=javascript:alert(1)>click</a><iframe srcdoc='<script>alert(1)</script>'>",
    "{{ request.user }}{% debug %}${7*7}",
    "&lt;b&gt; &amp; &#60;script&#62;",
]
TOGETHER = "\n".join(PAYLOADS)


def assert_harmless(browser: Browser, *shown: str) -> None:
    """Nothing ran, nothing was refused by the policy, no element came in, and each text is there as it was written."""
    assert not browser.has_dialog()
    assert browser.complaints() == []
    foreign = "main script, main iframe, main svg, main meta, main base, main img, [onerror], [onload], [srcdoc]"
    assert browser.count(foreign) == 0
    assert browser.count("form:not([action]):not([method]), form[action*=elsewhere]") == 0
    text = browser.driver.execute_script("return document.querySelector('main').textContent")
    for part in shown:
        assert part in text, part


def test_the_browser_would_tell(browser: Browser) -> None:
    browser.sign_in(make_user())
    browser.driver.execute_script(
        "const made = document.createElement('script'); made.textContent = 'alert(1)';"
        "document.querySelector('main').append(made)"
    )
    assert "Content Security Policy" in " ".join(browser.complaints())
    browser.driver.execute_script("setTimeout(() => alert(1))")
    WebDriverWait(browser.driver, PATIENCE_S).until(alert_is_present())
    assert browser.has_dialog()
    browser.driver.switch_to.alert.dismiss()


def test_names(browser: Browser) -> None:
    owner = make_user()
    made = [
        make_app(organization=make_organization(name=payload, owner=owner), name=payload, slug=f"app{at}")
        for at, payload in enumerate(PAYLOADS)
    ]
    for payload in PAYLOADS:
        api_token_create(user=owner, name=payload, actor=owner, scopes=ALL_SCOPES)
    browser.sign_in(owner)
    for path in ("/apps/", "/tokens/", "/apps/new/"):
        browser.go(path)
        assert_harmless(browser, *PAYLOADS)
    for app in made:
        for path in (f"/apps/{app.public_id}/", f"/apps/{app.public_id}/timeline/"):
            browser.go(path)
            assert_harmless(browser, app.name)


def test_what_is_typed_into_a_form_comes_back_as_text(browser: Browser) -> None:
    organization = make_organization()
    browser.sign_in(owner_of(organization))
    for payload in PAYLOADS:
        browser.go("/apps/new/")
        browser.fill(name=payload, slug=payload)
        browser.press("Make the app")
        # The refusal itself is the one complaint: a status of 400.
        assert [line for line in browser.complaints() if "400 (Bad Request)" not in line] == []
        assert_harmless(browser)
        assert browser.find("[name=name]").get_attribute("value") == payload
        assert browser.find("[name=slug]").get_attribute("value") == payload
        browser.go("/apps/")
        browser.fill(search=payload)
        browser.press("Filter")
        assert_harmless(browser)
        assert browser.find("[name=search]").get_attribute("value") == payload


@pytest.fixture
def hostile() -> Release:
    """A release that says the worst wherever a developer, a repository, a script or a reviewer can say something."""
    with transaction.atomic():
        release = make_release(state=ReleaseState.SUBMITTED)
        releases.release_checking(
            release=release,
            commit_sha="a" * 40,
            commit_title=PAYLOADS[0] + PAYLOADS[1],
            commit_author=PAYLOADS[2],
            commit_author_emails=["x@elsewhere.test"],
            configuration_sha256="b" * 64,
        )
        detail = [{"name": PAYLOADS[0], "state": PAYLOADS[1], "detail": TOGETHER}]
        releases.release_checked(release=release, checks=detail)
        Release.objects.filter(pk=release.pk).update(notes=TOGETHER, requested_ref="<b>main</b>", error=TOGETHER)
        deployment = deployment_create(release=release, requested_by=None)
    Operation.objects.filter(pk=deployment.pk).update(state=OperationState.FAILED, error=TOGETHER)  # type: ignore[union-attr]
    Step.objects.create(
        operation=deployment, position=0, name="ensure_code", state="failed", output=TOGETHER, error=TOGETHER
    )
    return release


def test_notes_commits_checks_steps_and_comments(browser: Browser, hostile: Release) -> None:
    browser.sign_in(make_reviewer())
    browser.go("/reviews/")
    assert_harmless(browser, PAYLOADS[0] + PAYLOADS[1], PAYLOADS[2])
    browser.go(f"/releases/{hostile.pk}/review/")
    assert_harmless(browser, *PAYLOADS, "<b>main</b>")
    browser.fill(comment=TOGETHER)
    browser.press("Reject")
    browser.go(f"/releases/{hostile.pk}/")
    assert_harmless(browser, *PAYLOADS, PAYLOADS[2])
    deployment = Operation.objects.get(kind="deploy_release")
    at_app = f"/apps/{hostile.app.public_id}/"
    for path in (at_app, f"{at_app}deployments/", f"/deployments/{deployment.pk}/"):
        browser.go(path)
        assert_harmless(browser, *PAYLOADS)


def test_errors_of_the_platform_that_quote_a_tenant(browser: Browser) -> None:
    with transaction.atomic():
        organization = organizations.organization_create(name="Acme", slug="acme", actor=make_user())
        app: PluginApp = make_app(organization=organization, state="provisioning")
        apps.app_failed(app=app, error=TOGETHER)
    browser.sign_in(owner_of(organization))
    for path in ("/apps/", f"/apps/{app.public_id}/", f"/apps/{app.public_id}/timeline/"):
        browser.go(path)
        assert_harmless(browser, *PAYLOADS)


def test_the_difference_of_a_hostile_commit(browser: Browser, forge: Any) -> None:
    app = make_app()
    project = forge.gitlab.projects.create({"name": "hostile"})
    safe = [payload.replace("//", "/") for payload in PAYLOADS]
    actions = [{"action": "create", "file_path": f"{at}{name}", "content": TOGETHER} for at, name in enumerate(safe)]
    actions.append({"action": "create", "file_path": "innocent\u202egpj.php", "content": "if (ok\u202e) {}\n"})
    project.commits.create({"branch": "main", "commit_message": PAYLOADS[1], "actions": actions})
    Repository.objects.update_or_create(
        app=app, defaults={"code_project_id": project.id, "code_path": project.path_with_namespace}
    )
    release = releases.release_submit(
        environment=app.environments.get(name="test"), ref="main", notes="", actor=owner_of(app.organization)
    )
    release.refresh_from_db()
    releases.release_checked(release=release, checks=[])
    browser.sign_in(make_reviewer())
    for path in (f"/releases/{release.pk}/", f"/releases/{release.pk}/review/"):
        browser.go(path)
        lines = [f"+{payload}" for payload in PAYLOADS]
        names = [f"{at}{name}" for at, name in enumerate(safe)]
        assert_harmless(browser, PAYLOADS[1], *lines, *names, "innocent\\u202egpj.php", "if (ok\\u202e) {}")


def test_log_lines(browser: Browser, plugin: Any) -> None:
    script = "\n".join(["cat <<'END'", TOGETHER, "END", "printf '\\033[2J\\342\\200\\256reversed\\n' >&2"])
    plugin.has_ended(plugin.run(script))
    browser.sign_in(plugin.owner)
    for path in (f"/apps/{plugin.app.public_id}/", f"/apps/{plugin.app.public_id}/environments/production/logs/"):
        browser.go(path)
        assert_harmless(browser, *PAYLOADS, "\\x1b[2J\\u202ereversed")
