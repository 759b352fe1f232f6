"""The reviewers' desk: what one may decide on, and a decision that is bound to what one has read."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from paas.portal.reviews import views as reviews
from tenants.models import Release, Review, User
from tenants.policies.services.policies import freeze_create, policy_create
from tenants.releases.choices import ReleaseState
from tenants.releases.services.authorship import Pushers, release_pushers_record
from tenants.reviews.services.reviews import release_approve, release_reject
from tests.factories import make_app, make_member, make_operator, make_release, make_reviewer, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting() -> Release:
    return make_release(state=ReleaseState.AWAITING_REVIEW)


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


def decide(client: Any, release: Release, decision: str = "approve", **changes: str) -> Any:
    sent = {"decision": decision, "digest": release.digest, "comment": "I read it"} | changes
    return client.post(f"/releases/{release.pk}/review/", sent)


def pushed_by(person: User) -> Release:
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    release_pushers_record(release=release, pushers=Pushers(pushed={(person.pk, person.pk): 1}))
    return release


def reason(answer: Any) -> str:
    return " ".join(answer.context["form"].non_field_errors())


def test_the_queue_has_what_waits_and_is_not_ones_own(visit: Visit, waiting: Release, reviewer: User) -> None:
    make_release(state=ReleaseState.LIVE)
    make_release(state=ReleaseState.SUBMITTED)
    own = pushed_by(reviewer)
    later = make_release(app=waiting.app, environment="test", state=ReleaseState.AWAITING_REVIEW)
    client = visit(reviewer)
    assert list(client.get("/reviews/").context["releases"]) == [waiting, later]
    assert own not in client.get("/reviews/").context["releases"]


def test_a_longer_queue_takes_no_more_queries(visit: Visit, waiting: Release, reviewer: User) -> None:
    client = visit(reviewer)
    client.get("/reviews/")
    with CaptureQueriesContext(connection) as before:
        client.get("/reviews/")
    for _ in range(4):
        make_release(state=ReleaseState.AWAITING_REVIEW)
    with CaptureQueriesContext(connection) as after:
        assert len(client.get("/reviews/").context["releases"]) == 5
    assert len(after) == len(before)


@pytest.mark.parametrize(("decision", "state"), [("approve", ReleaseState.APPROVED), ("reject", ReleaseState.REJECTED)])
def test_a_reviewer_decides(visit: Visit, waiting: Release, reviewer: User, decision: str, state: ReleaseState) -> None:
    assert decide(visit(reviewer), waiting, decision)["Location"] == "/reviews/"
    waiting.refresh_from_db()
    review = Review.objects.get()
    assert waiting.state == state
    assert (review.reviewer, review.decision, review.comment) == (reviewer, decision, "I read it")
    assert review.digest == waiting.digest


def test_the_form_carries_the_digest_of_what_the_page_shows(visit: Visit, waiting: Release, reviewer: User) -> None:
    text = visit(reviewer).get(f"/releases/{waiting.pk}/review/").content.decode()
    assert f'<input type="hidden" name="digest" value="{waiting.digest}">' in text


def test_a_digest_that_changed_since_the_page_was_shown_is_refused(
    visit: Visit, waiting: Release, reviewer: User
) -> None:
    client = visit(reviewer)
    shown = waiting.digest
    Release.objects.filter(pk=waiting.pk).update(digest="f" * 64)
    answer = decide(client, waiting, digest=shown)
    assert answer.status_code == 409
    assert "read the release again" in reason(answer)
    assert 'name="digest" value="' + "f" * 64 in answer.content.decode()
    assert "I read it" in answer.content.decode()
    waiting.refresh_from_db()
    assert (waiting.state, Review.objects.count()) == (ReleaseState.AWAITING_REVIEW, 0)


@pytest.mark.parametrize("digest", ["", "0" * 64, "é", "x" * 5000])
def test_a_digest_that_is_none_is_refused(visit: Visit, waiting: Release, reviewer: User, digest: str) -> None:
    assert decide(visit(reviewer), waiting, digest=digest).status_code == 409
    assert not Review.objects.exists()


def test_a_form_without_a_decision_decides_nothing(visit: Visit, waiting: Release, reviewer: User) -> None:
    answer = decide(visit(reviewer), waiting, "maybe")
    assert (answer.status_code, reason(answer)) == (400, "Choose to approve or to reject.")
    assert not Review.objects.exists()


def test_ones_own_release_is_refused_with_the_reason(visit: Visit, reviewer: User) -> None:
    own = pushed_by(reviewer)
    client = visit(reviewer)
    page = client.get(f"/releases/{own.pk}/review/")
    assert "you pushed" in page.context["reasons"][0]
    assert 'name="decision"' not in page.content.decode()
    answer = decide(client, own)
    assert answer.status_code == 403
    assert "You pushed" in reason(answer)
    assert not Review.objects.exists()


def test_a_member_is_refused_with_the_reason(visit: Visit, waiting: Release) -> None:
    for member in (owner_of(waiting.app.organization), make_member(waiting.app.organization)):
        answer = decide(visit(member), waiting)
        assert answer.status_code == 403
        assert "a reviewer from outside must decide on it" in reason(answer)
    assert not Review.objects.exists()


def test_a_reviewer_who_belongs_to_the_organization_is_refused(visit: Visit, reviewer: User) -> None:
    app = make_app()
    make_member(app.organization, user=reviewer)
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    answer = decide(visit(reviewer), release)
    assert answer.status_code == 403
    assert "You belong to the organization" in reason(answer)


def test_what_somebody_else_decided_is_not_decided_again(visit: Visit, waiting: Release, reviewer: User) -> None:
    first = make_reviewer()
    decide(visit(first), waiting, "reject", comment="Why not: it leaks")
    answer = decide(visit(reviewer), waiting)
    assert answer.status_code == 409
    assert f"{first.username} rejected it" in reason(answer)
    assert Review.objects.count() == 1
    assert "I read it" in answer.content.decode()
    assert "Why not: it leaks" in answer.content.decode()
    assert 'name="decision"' not in answer.content.decode()


def test_the_decision_of_the_one_who_was_faster_is_shown_in_a_race(
    visit: Visit, waiting: Release, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other decision falls between the look at the row and the decision of this one."""
    first = make_reviewer()

    def decided_meanwhile(**sent: Any) -> Release:
        release = Release.objects.get(pk=waiting.pk)
        release_reject(release=release, digest=release.digest, comment="It leaks", actor=first)
        return release_approve(**sent)

    monkeypatch.setitem(reviews._DECISIONS, "approve", decided_meanwhile)
    answer = decide(visit(reviewer), waiting)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert f"{first.username} rejected it" in reason(answer)
    assert ("It leaks" in text, "I read it" in text) == (True, True)


@pytest.mark.parametrize("comment", ["", "  \r\n "])
def test_a_rejection_without_a_reason_is_refused(visit: Visit, waiting: Release, reviewer: User, comment: str) -> None:
    answer = decide(visit(reviewer), waiting, "reject", comment=comment)
    assert answer.status_code == 400
    assert "say why" in answer.context["form"].errors["comment"][0]
    waiting.refresh_from_db()
    assert (waiting.state, Review.objects.count()) == (ReleaseState.AWAITING_REVIEW, 0)


def test_a_freeze_leaves_the_reviewer_reject_and_the_comment(visit: Visit, waiting: Release, reviewer: User) -> None:
    freeze_create(ends_at=timezone.now() + timedelta(days=1), reason="holidays", actor=make_operator())
    client = visit(reviewer)
    text = client.get(f"/releases/{waiting.pk}/review/").content.decode()
    assert 'value="approve"' not in text
    assert ('value="reject"' in text, "<textarea" in text) == (True, True)
    # The reason is what one reads first, before facts, checks and the difference.
    assert text.index("You can&#x27;t approve this release") < text.index('<h2 id="decision"')
    assert text.index("You can&#x27;t approve this release") < text.index("<h2>Checks")
    assert decide(client, waiting, "approve").status_code == 403
    assert decide(client, waiting, "reject")["Location"] == "/reviews/"


def test_a_policy_that_denies_to_reject_leaves_approve(visit: Visit, waiting: Release, reviewer: User) -> None:
    policy_create(
        name="no-rejects",
        effect="deny",
        resource_type="release",
        actions=["release.reject"],
        subject={"match_all": True},
        resource={"match_all": True},
        context={"match_all": True},
        description="in this week nothing is rejected",
        actor=make_operator(),
    )
    text = visit(reviewer).get(f"/releases/{waiting.pk}/review/").content.decode()
    assert ('value="approve"' in text, 'value="reject"' in text) == (True, False)
    assert "in this week nothing is rejected" in text
