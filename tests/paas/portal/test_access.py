"""Who is not signed in comes to the sign-in page; what somebody may not see is a 404, and so is every form of it."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from paas.portal.urls import urlpatterns
from provisioning.models import Deployment
from provisioning.operations.services import deployment_create
from tenants.models import PluginApp, Release, User
from tenants.people.choices import MemberRole
from tenants.releases.choices import ReleaseState
from tests.factories import (
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_user,
)
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = {"home", "sign-in", "sign-in-code", "sign-out"}
PAGES = {
    "apps": "/apps/",
    "app-new": "/apps/new/",
    "organizations": "/organizations/",
    "organization-new": "/organizations/new/",
    "organization": "/organizations/{organization}/",
    "tokens": "/tokens/",
    "security": "/security/",
    "app": "/apps/{app}/",
    "app-progress": "/apps/{app}/progress/",
    "app-releases": "/apps/{app}/releases/",
    "release-new": "/apps/{app}/releases/new/",
    "app-deployments": "/apps/{app}/deployments/",
    "app-timeline": "/apps/{app}/timeline/",
    "logs": "/apps/{app}/environments/production/logs/",
    "domains": "/apps/{app}/environments/production/domains/",
    "domains-progress": "/apps/{app}/environments/production/domains/progress/",
    "rollback": "/apps/{app}/environments/production/rollback/",
    "deployment": "/deployments/{deployment}/",
    "deployment-progress": "/deployments/{deployment}/progress/",
    "release": "/releases/{release}/",
    "release-files": "/releases/{release}/files/",
    "release-file": "/releases/{release}/files/view/",
    "release-file-diff": "/releases/{release}/diff/file/",
    "release-progress": "/releases/{release}/progress/",
    "release-cancel": "/releases/{release}/cancel/",
    "review": "/releases/{release}/review/",
    "reviews": "/reviews/",
}
ONLY_SENT = {
    "domain-check": "/apps/app1000001/environments/production/domains/1/check/",
    "domain-end": "/apps/app1000001/environments/production/domains/1/remove/",
    "git-token": "/tokens/git/",
    "git-tokens-end": "/tokens/git/revoke/",
    "git-token-end": "/tokens/git/1/revoke/",
    "app-retire": "/apps/app1000001/retire/",
    "organization-limits": "/organizations/acme/limits/",
    "api-token": "/tokens/api/",
    "api-token-end": "/tokens/api/1/revoke/",
    "invite": "/organizations/acme/invitations/",
    "invitation-revoke": "/organizations/acme/invitations/1/revoke/",
    "member-role": "/organizations/acme/members/ann/role/",
    "member-remove": "/organizations/acme/members/ann/remove/",
    "account-new": "/organizations/acme/service-accounts/",
    "account-end": "/organizations/acme/service-accounts/ci/remove/",
    "account-token": "/organizations/acme/service-accounts/tokens/",
    "invitation-accept": "/invitations/1/accept/",
    "invitation-decline": "/invitations/1/decline/",
    "second-factor-set-up": "/security/set-up/",
    "second-factor-confirm": "/security/confirm/",
    "second-factor-remove": "/security/remove/",
    "recovery-codes": "/security/recovery-codes/",
}
OF_AN_APP = {name: path for name, path in PAGES.items() if "{" in path}
# They read the commit, and the app of these tests has no repository: the page says so.
OF_A_COMMIT = {"release-files", "release-file", "release-file-diff"}
SENT = {name: OF_AN_APP[name] for name in ("release-new", "rollback", "release-cancel", "review")}


@dataclass
class World:
    """One organization with everything a page can show."""

    owner: User
    app: PluginApp
    release: Release
    deployment: Deployment

    def path(self, template: str) -> str:
        return template.format(
            organization=self.app.organization.slug,
            app=self.app.public_id,
            release=self.release.pk,
            deployment=self.deployment.pk,
        )


@pytest.fixture
def world() -> World:
    owner = make_user()
    app = make_app(organization=make_organization(owner=owner))
    make_release(app=app, state=ReleaseState.LIVE)
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    deployment = deployment_create(release=release, requested_by=owner)
    assert deployment is not None
    return World(owner, app, release, deployment)


def test_every_page_is_in_these_tests() -> None:
    assert {pattern.name for pattern in urlpatterns} == OPEN_TO_ALL | set(PAGES) | set(ONLY_SENT)


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_signed_in_is_asked_to(world: World, visit: Visit, name: str) -> None:
    path = world.path(PAGES[name])
    answer = visit().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")


@pytest.mark.parametrize("name", [*SENT, *ONLY_SENT])
def test_who_is_not_signed_in_changes_nothing(world: World, visit: Visit, name: str) -> None:
    path = world.path((PAGES | ONLY_SENT)[name])
    answer = visit().post(path, {"decision": "approve", "digest": world.release.digest, "name": "x"})
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")
    world.release.refresh_from_db()
    assert world.release.state == ReleaseState.AWAITING_REVIEW


@pytest.mark.parametrize("name", OF_AN_APP)
def test_another_tenants_app_is_not_there(world: World, visit: Visit, name: str) -> None:
    stranger = make_user()
    make_organization(owner=stranger)
    answer = visit(stranger).get(world.path(OF_AN_APP[name]))
    assert answer.status_code == 404
    assert world.app.name not in answer.content.decode()


@pytest.mark.parametrize("name", SENT)
def test_another_tenants_app_takes_no_form(world: World, visit: Visit, name: str) -> None:
    sent = {"environment": "test", "ref": "main", "decision": "approve", "digest": world.release.digest}
    assert visit(make_user()).post(world.path(SENT[name]), sent).status_code == 404


def assert_seen(client: Any, world: World, name: str) -> None:
    if name not in OF_A_COMMIT:
        assert client.get(world.path(PAGES[name])).status_code == 200
        return
    answer = client.get(world.path(PAGES[name]), {"path": "index.php"})
    assert answer.status_code in {409, 503}
    assert "no repository" in answer.content.decode()


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"reviews"}))
def test_a_member_sees_every_page_of_the_app(world: World, visit: Visit, name: str) -> None:
    developer = make_member(world.app.organization, MemberRole.DEVELOPER)
    assert_seen(visit(developer), world, name)


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"logs"}))
def test_a_reviewer_sees_every_page_but_the_logs(world: World, visit: Visit, name: str) -> None:
    reviewer = visit(make_reviewer())
    assert_seen(reviewer, world, name)
    assert reviewer.get(world.path(PAGES["logs"])).status_code == 404


def test_only_reviewers_have_a_queue(world: World, visit: Visit) -> None:
    assert visit(world.owner).get("/reviews/").status_code == 404
    assert visit(make_operator()).get("/reviews/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/apps/app1/", "/apps/nothing/", "/apps/app99999999999999999999/", "/releases/99999999999999999999/",
        "/deployments/99999999999999999999/", "/apps/app1000001/environments/staging/logs/",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_a_page_that_says_so(world: World, visit: Visit, path: str) -> None:
    answer = visit(world.owner).get(path)
    assert answer.status_code == 404
    assert "There is nothing here that you may see" in answer.content.decode()


@pytest.mark.parametrize("path", ["/apps/new/", "/organizations/new/", "/tokens/api/", "/tokens/git/", "/sign-out/"])
def test_a_form_without_its_csrf_token_is_refused(world: World, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    answer = client.post(path, {"name": "x", "slug": "x"})
    assert answer.status_code == 403
    assert "The form is out of date" in answer.content.decode()


@pytest.mark.parametrize("name", SENT)
def test_a_decision_without_its_csrf_token_is_refused(world: World, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_reviewer())
    sent = {"decision": "approve", "digest": world.release.digest, "comment": ""}
    assert client.post(world.path(SENT[name]), sent).status_code == 403
    world.release.refresh_from_db()
    assert world.release.state == ReleaseState.AWAITING_REVIEW


def test_pages_are_kept_by_no_cache_and_run_nothing_foreign(world: World, visit: Visit) -> None:
    answer = visit(world.owner).get(f"/apps/{world.app.public_id}/")
    assert "no-store" in answer["Cache-Control"]
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
