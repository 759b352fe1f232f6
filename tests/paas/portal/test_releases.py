"""Asking for a release, reading it, taking it back."""

import pytest

from tenants.apps.choices import AppState
from tenants.models import PluginApp, Release
from tenants.releases.choices import ReleaseState
from tests.factories import make_app, make_member, make_operator, make_release, make_reviewer, make_user, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db
SENT = {"environment": "production", "ref": "main", "notes": "Says hello\nin two lines"}


def form_of(app: PluginApp) -> str:
    return f"/apps/{app.public_id}/releases/new/"


def test_a_developer_asks_for_a_release(visit: Visit) -> None:
    app = make_app()
    developer = make_member(app.organization)
    answer = visit(developer).post(form_of(app), SENT)
    release = Release.objects.get()
    assert answer["Location"] == f"/releases/{release.pk}/"
    assert (release.environment.name, release.requested_ref, release.submitted_by) == ("production", "main", developer)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"environment": "staging"}, "environment"), ({"ref": "a..b"}, "ref"), ({"notes": "a\x07b"}, "notes")],
)
def test_a_refused_request_names_the_field_and_keeps_the_rest(visit: Visit, change: dict[str, str], field: str) -> None:
    app = make_app()
    answer = visit(owner_of(app.organization)).post(form_of(app), SENT | change)
    assert (answer.status_code, set(answer.context["form"].errors)) == (400, {field})
    assert {name: answer.context["form"][name].value() for name in SENT} == SENT | change
    assert not Release.objects.exists()


def test_an_app_that_is_not_active_takes_no_release(visit: Visit) -> None:
    app = make_app(state=AppState.PROVISIONING)
    answer = visit(owner_of(app.organization)).post(form_of(app), SENT)
    assert answer.status_code == 409
    assert "is provisioning" in str(answer.context["form"].non_field_errors())


def test_who_only_looks_is_refused_with_the_reason(visit: Visit) -> None:
    app = make_app()
    answer = visit(make_operator()).post(form_of(app), SENT)
    assert answer.status_code == 403
    assert f"ask an owner of {app.organization}" in str(answer.context["form"].non_field_errors())


def test_the_page_is_there_while_the_forge_is_down(visit: Visit) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    answer = visit(owner_of(release.app.organization)).get(f"/releases/{release.pk}/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "The difference can&#x27;t be shown right now" in text
    assert release.digest in text
    assert "tree" in text


def test_a_release_is_cancelled_after_a_question(visit: Visit) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    client = visit(owner_of(release.app.organization))
    path = f"/releases/{release.pk}/cancel/"
    assert path in client.get(f"/releases/{release.pk}/").content.decode()
    client.get(path)
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW
    assert client.post(path, {"comment": "not yet"})["Location"] == f"/releases/{release.pk}/"
    release.refresh_from_db()
    assert release.state == ReleaseState.CANCELLED


def test_what_is_live_is_not_cancelled(visit: Visit) -> None:
    release = make_release(state=ReleaseState.LIVE)
    client = visit(owner_of(release.app.organization))
    assert "/cancel/" not in client.get(f"/releases/{release.pk}/").content.decode()
    answer = client.post(f"/releases/{release.pk}/cancel/")
    assert answer.status_code == 409
    assert "is live" in str(answer.context["form"].non_field_errors())


def test_a_reviewer_does_not_cancel(visit: Visit) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    assert visit(make_reviewer()).post(f"/releases/{release.pk}/cancel/").status_code == 403
    assert visit(make_user()).post(f"/releases/{release.pk}/cancel/").status_code == 404
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW


def test_the_difference_of_a_decided_release_is_there_for_who_asks(visit: Visit) -> None:
    release = make_release(state=ReleaseState.LIVE)
    client = visit(owner_of(release.app.organization))
    page = client.get(f"/releases/{release.pk}/")
    assert 'href="?diff=yes#difference"' in page.content.decode()
    assert "diff" not in page.context
    assert "can't be shown right now" in client.get(f"/releases/{release.pk}/?diff=yes").context["diff_notice"]
