"""The timeline of an app: narrowed as over REST, with the same export."""

import pytest

from tenants.models import PluginApp
from tenants.releases.choices import ReleaseState
from tests.factories import make_release, make_reviewer, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> PluginApp:
    return make_release(state=ReleaseState.APPROVED, reviewer=make_reviewer("rita")).app


def test_events_are_narrowed_and_tell_by_which_policy_they_were_allowed(visit: Visit, app: PluginApp) -> None:
    page = visit(owner_of(app.organization)).get(f"/apps/{app.public_id}/timeline/", {"actor": "rita"}).content.decode()
    assert "release 1 approved" in page
    assert "release-reviewers-decide" in page
    assert "requested" not in page


def test_the_export_is_of_what_is_shown(visit: Visit, app: PluginApp) -> None:
    client = visit(owner_of(app.organization))
    page = client.get(f"/apps/{app.public_id}/timeline/", {"action": "release", "since": "1d"}).content.decode()
    link = f"/api/v1/audit/export/?action=release&amp;since=1d&amp;app={app.public_id}"
    assert link in page
    answer = client.get(link.replace("&amp;", "&"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-ndjson")


@pytest.mark.parametrize(
    ("name", "value"), [("since", "soon"), ("object", "app:"), ("actor", "a\x00"), ("action", "?")]
)
def test_a_value_that_can_not_be_one_is_refused_on_the_page(
    visit: Visit, app: PluginApp, name: str, value: str
) -> None:
    answer = visit(owner_of(app.organization)).get(f"/apps/{app.public_id}/timeline/", {name: value})
    assert answer.status_code == 400
    assert f"{name}: " in answer.content.decode()


def test_what_was_typed_is_shown_as_text(visit: Visit, app: PluginApp) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = visit(owner_of(app.organization)).get(f"/apps/{app.public_id}/timeline/", {"actor": hostile})
    assert "<script>alert" not in answer.content.decode()


def test_a_refusal_in_the_portal_is_on_the_timeline(visit: Visit) -> None:
    app = make_release(state=ReleaseState.SUPERSEDED).app
    path = f"/apps/{app.public_id}/environments/production/rollback/"
    assert visit(make_reviewer("ron")).post(path, {"release": "1"}).status_code == 403
    page = visit(owner_of(app.organization)).get(f"/apps/{app.public_id}/timeline/", {"action": "access.denied"})
    assert "ron" in page.content.decode()
