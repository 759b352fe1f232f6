"""States change along the table, one audit event each, and a signal after commit."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from tenants import signals
from tenants.apps.choices import APP_SOURCES, AppState
from tenants.apps.services import apps
from tenants.apps.services.environments import variable_set
from tenants.exceptions import InvalidTransition
from tenants.models import AuditEvent, Organization, PluginApp, Release
from tenants.people.services import memberships
from tenants.releases.choices import RELEASE_SOURCES, ReleaseState
from tenants.releases.services import releases
from tests.factories import (
    environment_of,
    make_app,
    make_member,
    make_organization,
    make_release,
    make_reviewer,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db

RELEASE_STEPS: dict[ReleaseState, Callable[[Release], object]] = {
    ReleaseState.CHECKING: lambda release: releases.release_checking(
        release=release,
        commit_sha="c" * 40,
        commit_title="t",
        commit_author="a",
        commit_author_emails=[],
        configuration_sha256="0" * 64,
    ),
    ReleaseState.AWAITING_REVIEW: lambda release: releases.release_checked(release=release, checks=[]),
    ReleaseState.DEPLOYING: lambda release: releases.release_deploying(release=release),
    ReleaseState.LIVE: lambda release: releases.release_went_live(release=release, is_rollback=False),
}
APP_STEPS: dict[AppState, Callable[[PluginApp], object]] = {
    AppState.ACTIVE: lambda app: apps.app_activated(app=app),
    AppState.FAILED: lambda app: apps.app_failed(app=app, error="why"),
    AppState.PROVISIONING: lambda app: apps.app_retry(app=app, actor=owner_of(app.organization)),
    AppState.RETIRING: lambda app: apps.app_retire(app=app, actor=owner_of(app.organization)),
    AppState.RETIRED: lambda app: apps.app_retired(app=app),
}


@pytest.mark.parametrize("state", ReleaseState.values)
def test_every_release_state_is_reached_by_the_way_that_people_and_platform_take(state: str) -> None:
    release = make_release(state=state)
    assert release.state == state
    assert Release.objects.get(pk=release.pk).state == state


@pytest.mark.parametrize("state", AppState.values)
def test_every_app_state_is_reached(state: str) -> None:
    assert PluginApp.objects.get(pk=make_app(state=state).pk).state == state


@pytest.mark.parametrize("target", RELEASE_STEPS)
@pytest.mark.parametrize("state", list(ReleaseState))
def test_a_release_moves_along_the_table_and_in_no_other_way(state: ReleaseState, target: ReleaseState) -> None:
    release = make_release(state=state)
    events = AuditEvent.objects.count()
    is_open = state in RELEASE_SOURCES[target]
    if target == ReleaseState.DEPLOYING and state == ReleaseState.FAILED:
        is_open = False  # this one failed before anybody approved it
    if is_open:
        RELEASE_STEPS[target](release)
    else:
        with pytest.raises(InvalidTransition):
            RELEASE_STEPS[target](release)
    stored = Release.objects.get(pk=release.pk)
    assert stored.state == release.state == (target if is_open else state)
    assert AuditEvent.objects.count() - events == int(is_open)


@pytest.mark.parametrize("target", APP_STEPS)
@pytest.mark.parametrize("state", list(AppState))
def test_an_app_moves_along_the_table_and_in_no_other_way(state: AppState, target: AppState) -> None:
    app = make_app(state=state)
    events = AuditEvent.objects.count()
    if state in APP_SOURCES[target]:
        APP_STEPS[target](app)
    else:
        with pytest.raises(InvalidTransition, match=f"is {state}"):
            APP_STEPS[target](app)
    assert PluginApp.objects.get(pk=app.pk).state == (target if state in APP_SOURCES[target] else state)
    assert AuditEvent.objects.count() - events == int(state in APP_SOURCES[target])


def test_a_stale_row_does_not_move() -> None:
    stale = make_release(state=ReleaseState.AWAITING_REVIEW)
    releases.release_cancel(release=Release.objects.get(pk=stale.pk), actor=owner_of(stale.app.organization))
    with pytest.raises(InvalidTransition, match="is cancelled"):
        releases.move(stale, to=ReleaseState.APPROVED)
    assert stale.state == ReleaseState.CANCELLED


def test_what_failed_after_its_approval_may_be_deployed_again() -> None:
    release = make_release(state=ReleaseState.DEPLOYING)
    releases.release_deployment_failed(release=release, error="it did not answer: the developer must look at its logs")
    assert (release.state, release.error[:10]) == (ReleaseState.FAILED, "it did not")
    releases.release_deploying(release=release)
    assert (release.state, release.error) == (ReleaseState.DEPLOYING, "")


def test_a_failed_deployment_leaves_what_was_live() -> None:
    live = make_release(state=ReleaseState.LIVE)
    releases.release_deployment_failed(release=make_release(app=live.app, state=ReleaseState.DEPLOYING), error="x")
    live.refresh_from_db()
    assert live.state == ReleaseState.LIVE
    assert environment_of(live.app).current_release == live


def test_what_comes_from_a_commit_is_made_printable_and_cut() -> None:
    release = make_release()
    releases.release_checking(
        release=release,
        commit_sha="c" * 40,
        commit_title="\x1b[31mred" + "x" * 300,
        commit_author="a\nb",
        commit_author_emails=["B@X.test", " b@x.test ", ""],
        configuration_sha256="0" * 64,
    )
    assert release.commit_title.startswith("\N{REPLACEMENT CHARACTER}[31mred")
    assert len(release.commit_title) == 200
    assert release.commit_author == "a\N{REPLACEMENT CHARACTER}b"
    assert release.commit_author_emails == ["b@x.test"]


def test_a_variable_changes_the_digest_of_the_next_release_of_the_same_commit() -> None:
    app = make_app()
    digests = set()
    for value in ("1", "2"):
        variable_set(
            environment=environment_of(app), name="A", value=value, is_secret=True, actor=owner_of(app.organization)
        )
        digests.add(make_release(app=app, state=ReleaseState.CHECKING, commit_sha="c" * 40).digest)
    assert len(digests) == 2


SENT: list[tuple[str, type, str, Callable[[], int]]] = [
    ("app_requested", PluginApp, "app_id", lambda: make_app(state=AppState.PROVISIONING).pk),
    ("app_retiring", PluginApp, "app_id", lambda: make_app(state=AppState.RETIRING).pk),
    ("release_submitted", Release, "release_id", lambda: make_release().pk),
    ("release_approved", Release, "release_id", lambda: make_release(state=ReleaseState.APPROVED).pk),
    ("release_cancelled", Release, "release_id", lambda: make_release(state=ReleaseState.CANCELLED).pk),
    ("membership_changed", Organization, "organization_id", lambda: make_organization().pk),
]


@pytest.mark.parametrize(("name", "sender", "argument", "act"), SENT, ids=[row[0] for row in SENT])
def test_a_signal_goes_out_once_after_commit_with_the_id(
    name: str,
    sender: type,
    argument: str,
    act: Callable[[], int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    seen: list[Any] = []

    def receiver(**kwargs: Any) -> None:
        seen.append(kwargs[argument])

    signal = getattr(signals, name)
    signal.connect(receiver, sender=sender)
    try:
        with django_capture_on_commit_callbacks() as callbacks:
            pk = act()
            assert seen == []
        for callback in callbacks:
            callback()
    finally:
        signal.disconnect(receiver, sender=sender)
    assert seen == [pk]


def test_a_receiver_that_fails_does_not_fail_the_caller(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def receiver(**_kwargs: Any) -> None:
        raise RuntimeError("the broker is down")

    signals.release_submitted.connect(receiver)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            release = make_release()
    finally:
        signals.release_submitted.disconnect(receiver)
    assert Release.objects.get(pk=release.pk).state == ReleaseState.SUBMITTED


def test_who_joins_and_leaves_is_announced(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    organization = make_organization()
    with django_capture_on_commit_callbacks() as joined:
        member = make_member(organization, user=make_user("joe"))
    with django_capture_on_commit_callbacks() as left:
        memberships.membership_remove(organization=organization, username=member.username, actor=owner_of(organization))
    assert (len(joined), len(left)) == (1, 1)


def test_an_approval_without_a_reviewers_row_cannot_be_deployed() -> None:
    release = make_release(state=ReleaseState.AWAITING_REVIEW, reviewer=make_reviewer())
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.APPROVED)
    with pytest.raises(InvalidTransition, match="not approved"):
        releases.release_deploying(release=release)
