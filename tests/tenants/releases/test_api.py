"""Releases over REST: asking, deciding, taking back."""

import pytest
from rest_framework.test import APIClient

from tenants.apps.choices import AppState, EnvironmentName
from tenants.apps.services import environments
from tenants.models import AuditEvent, Release, Review
from tenants.people.choices import MemberRole
from tenants.people.services.memberships import membership_remove
from tenants.releases.choices import OPEN_RELEASE_STATES, ReleaseState
from tenants.releases.services import releases
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_member,
    make_release,
    make_reviewer,
    owner_of,
)

pytestmark = pytest.mark.django_db
RELEASES = "/api/v1/releases/"
SETTLED = [state for state in ReleaseState if state not in OPEN_RELEASE_STATES and state != ReleaseState.APPROVED]


@pytest.fixture
def reviewer() -> APIClient:
    return api_client(make_reviewer("rita"))


def decide(client: APIClient, release: Release, verb: str, **body: str) -> tuple[int, dict]:
    response = client.post(
        f"{RELEASES}{release.pk}/{verb}/", {"digest": release.digest, "comment": "read"} | body, format="json"
    )
    return response.status_code, response.json()


def test_a_new_release_has_no_commit_yet_and_the_settings_of_now() -> None:
    app = make_app()
    client = api_client(make_member(app.organization))
    path = f"/api/v1/apps/{app.public_id}/releases/"
    made = client.post(path, {"environment": "test", "ref": "main", "notes": "first\nsecond"}, format="json")
    assert made.status_code == 201
    release = made.json()
    assert (release["number"], release["state"], release["environment"]) == (1, "submitted", "test")
    assert (release["commit_sha"], release["digest"], release["notes"]) == (None, None, "first\nsecond")
    assert release["configuration"] == {
        "memory_mib": 256,
        "cpu_millis": 500,
        "pids": 128,
        "disk_mib": 64,
        "health_check_path": "/",
        "hostnames": [f"{app.public_id}.test.apps.localhost"],
        "stack": "php",
        "stack_version": 2,
    }
    assert client.post(path, {"environment": "production", "ref": "v1"}, format="json").json()["number"] == 2


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"ref": "--upload-pack=x"}, ["ref"]),
        ({"ref": "a..b", "environment": "staging"}, ["environment", "ref"]),
        ({"ref": 1}, ["ref"]),
        ({"notes": "a\x1b[2J"}, ["notes"]),
        ({"notes": "x" * 5001}, ["notes"]),
        ({"commit_sha": "0" * 40}, ["commit_sha"]),
    ],
)
def test_a_refused_release_names_its_fields_and_stores_nothing(changes: dict[str, object], fields: list[str]) -> None:
    app = make_app()
    body = {"environment": "test", "ref": "main"} | changes
    client = api_client(owner_of(app.organization))
    refused = client.post(f"/api/v1/apps/{app.public_id}/releases/", body, format="json")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == fields
    assert not Release.objects.exists()


@pytest.mark.parametrize("state", [state for state in AppState if state != AppState.ACTIVE])
def test_only_an_active_app_takes_releases(state: str) -> None:
    app = make_app(state=state)
    client = api_client(owner_of(app.organization))
    refused = client.post(
        f"/api/v1/apps/{app.public_id}/releases/", {"environment": "test", "ref": "main"}, format="json"
    )
    assert refused.status_code == 409
    assert f"is {state}" in refused.json()["detail"]


def test_a_release_keeps_the_settings_of_when_it_was_asked_for() -> None:
    app = make_app()
    environment, owner = environment_of(app), owner_of(app.organization)
    environments.variable_set(environment=environment, name="A", value="old", is_secret=True, actor=owner)
    release = make_release(app=app)
    environments.variable_set(environment=environment, name="A", value="new", is_secret=True, actor=owner)
    environments.environment_update(environment=environment, actor=owner, memory_mib=999)
    release.refresh_from_db()
    assert (release.variables, release.configuration["memory_mib"]) == ('{"A":"old"}', 256)


def test_approval_binds_reviewer_comment_and_digest(reviewer: APIClient) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    code, shown = decide(reviewer, release, "approve", comment="good")
    assert (code, shown["state"]) == (200, "approved")
    (review,) = shown["reviews"]
    assert (review["reviewer"], review["decision"], review["comment"]) == ("rita", "approve", "good")
    assert review["digest"] == release.digest


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("digest", ["", "0" * 64, "x", "ä", "a" * 5000])
def test_a_decision_on_another_digest_is_refused(reviewer: APIClient, verb: str, digest: str) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    code, refused = decide(reviewer, release, verb, digest=digest)
    assert (code, refused["code"]) == (409, "digest_mismatch")
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW
    assert not Review.objects.exists()


def test_a_decision_needs_the_digest(reviewer: APIClient) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    refused = reviewer.post(f"{RELEASES}{release.pk}/approve/", {"comment": "ok"}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "digest")


@pytest.mark.parametrize("comment", ["", "  \n\t "])
def test_a_rejection_says_why(reviewer: APIClient, comment: str) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    code, refused = decide(reviewer, release, "reject", comment=comment)
    assert (code, refused["code"], refused["errors"][0]["field"]) == (400, "invalid_input", "comment")
    assert "say why" in refused["errors"][0]["message"]
    release.refresh_from_db()
    assert (release.state, Review.objects.count()) == (ReleaseState.AWAITING_REVIEW, 0)
    assert decide(reviewer, release, "approve", comment=comment)[0] == 200


def test_a_rejection_without_a_comment_is_refused(reviewer: APIClient) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    refused = reviewer.post(f"{RELEASES}{release.pk}/reject/", {"digest": release.digest}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "comment")


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_a_second_decision_is_told_who_decided(reviewer: APIClient, first: str, second: str) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    assert decide(reviewer, release, first)[0] == 200
    code, refused = decide(api_client(make_reviewer()), release, second)
    assert (code, refused["code"]) == (409, "invalid_transition")
    assert f"rita {first.rstrip('e')}" in refused["detail"]
    assert Review.objects.count() == 1


@pytest.mark.parametrize("state", [ReleaseState.SUBMITTED, ReleaseState.CHECKING, *SETTLED])
def test_only_what_awaits_review_is_decided_on(reviewer: APIClient, state: str) -> None:
    release = make_release(state=state)
    code, refused = decide(reviewer, release, "approve")
    if state in {ReleaseState.SUBMITTED, ReleaseState.CANCELLED}:
        # Its commit was never looked up, and nobody knows who pushed it.
        assert (code, refused["code"]) == (403, "authors_unknown")
        return
    assert (code, refused["code"]) == (409, "invalid_transition")
    assert state in refused["detail"]


def test_ones_own_release_is_refused_with_the_reason() -> None:
    app = make_app()
    member = make_member(app.organization, MemberRole.MAINTAINER, make_reviewer("rita"))
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW, submitted_by=member)
    code, refused = decide(api_client(member), release, "approve")
    assert (code, refused["code"]) == (403, "own_release")
    assert "you belong to the organization of this release" in refused["detail"]
    membership_remove(organization=app.organization, username="rita", actor=member)
    code, refused = decide(api_client(member), release, "approve")
    assert (code, refused["code"]) == (403, "own_release")
    assert "you submitted this release" in refused["detail"]
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW


def test_nothing_is_approved_in_an_app_that_is_going(reviewer: APIClient) -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    type(release.app).objects.update(state=AppState.RETIRING)
    code, refused = decide(reviewer, release, "approve")
    assert (code, refused["code"]) == (409, "invalid_transition")


@pytest.mark.parametrize("state", [*OPEN_RELEASE_STATES, ReleaseState.APPROVED])
def test_what_is_not_deploying_yet_can_be_cancelled(state: str) -> None:
    release = make_release(state=state)
    client = api_client(make_member(release.app.organization))
    cancelled = client.post(f"{RELEASES}{release.pk}/cancel/", {"comment": "changed my mind"}, format="json")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert AuditEvent.objects.get(action="release.cancelled").data == {"comment": "changed my mind"}


@pytest.mark.parametrize("state", SETTLED)
def test_what_is_settled_cannot_be_cancelled(state: str) -> None:
    release = make_release(state=state)
    client = api_client(owner_of(release.app.organization))
    refused = client.post(f"{RELEASES}{release.pk}/cancel/", {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")


def test_cancelling_another_digest_than_one_read_is_refused() -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    client = api_client(owner_of(release.app.organization))
    assert decide(client, release, "cancel", digest="0" * 64)[1]["code"] == "digest_mismatch"
    assert decide(client, release, "cancel")[0] == 200


def test_the_list_filters_by_app_state_and_environment(reviewer: APIClient) -> None:
    live = make_release(state=ReleaseState.LIVE)
    tested = make_release(app=live.app, environment=EnvironmentName.TEST)
    other = make_release()

    def found(query: str, path: str = RELEASES) -> list[int]:
        return [release["id"] for release in reviewer.get(f"{path}?{query}").json()["results"]]

    assert found("") == [other.pk, tested.pk, live.pk]
    assert found("state=live") == [live.pk]
    assert found("environment=test") == [tested.pk]
    assert found(f"app={other.app.public_id}") == [other.pk]
    assert found("app=nonsense") == []
    assert found("state=submitted", f"/api/v1/apps/{live.app.public_id}/releases/") == [tested.pk]


def test_going_live_replaces_what_was_live_and_shows_in_the_app() -> None:
    first = make_release(state=ReleaseState.LIVE)
    second = make_release(app=first.app, state=ReleaseState.DEPLOYING)
    releases.release_went_live(release=second, is_rollback=False)
    client = api_client(owner_of(first.app.organization))
    shown = client.get(f"/api/v1/apps/{first.app.public_id}/").json()["environments"][0]["current_release"]
    assert shown == {"id": second.pk, "number": 2, "commit_sha": second.commit_sha}
    assert client.get(f"{RELEASES}{first.pk}/").json()["state"] == "superseded"
    first.refresh_from_db()
    releases.release_deploying(release=first)
    releases.release_went_live(release=first, is_rollback=True)
    assert client.get(f"{RELEASES}{second.pk}/").json()["state"] == "rolled_back"
    assert client.get(f"{RELEASES}{first.pk}/").json()["state"] == "live"


def test_retiring_an_app_cancels_what_has_not_gone_live() -> None:
    app = make_app()
    waiting = make_release(app=app, state=ReleaseState.APPROVED)
    live = make_release(app=app, state=ReleaseState.LIVE)
    client = api_client(owner_of(app.organization))
    assert client.delete(f"/api/v1/apps/{app.public_id}/").status_code == 202
    states = [client.get(f"{RELEASES}{release.pk}/").json()["state"] for release in (waiting, live)]
    assert states == ["cancelled", "live"]
