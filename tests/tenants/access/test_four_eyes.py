"""Who may do what as Berth comes: the built-in policies, asked as a question and as a list."""

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants import access
from tenants.apps.choices import EnvironmentName
from tenants.apps.services.environments import variable_set
from tenants.exceptions import NotPermitted
from tenants.models import (
    PluginApp,
    Release,
)
from tenants.people.choices import MemberRole
from tenants.people.services.memberships import membership_remove
from tenants.releases.choices import AuthorsState, ReleaseState
from tenants.releases.services.authorship import Pushers, release_pushers_record
from tenants.reviews.services.reviews import release_approve
from tests.factories import (
    environment_of,
    make_app,
    make_member,
    make_release,
    make_reviewer,
    make_service_account,
    make_token,
    owner_of,
)
from tests.tenants.access.actors import own

pytestmark = pytest.mark.django_db


def test_a_list_has_what_the_question_grants() -> None:
    apps = [make_app() for _ in range(3)]
    member = make_member(apps[1].organization)
    assert list(access.restrict(PluginApp.objects.all(), member, "app.view")) == [apps[1]]
    assert access.restrict(PluginApp.objects.all(), make_reviewer(), "app.view").count() == 3


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_queue_of_a_reviewer_has_exactly_the_releases_that_are_not_their_own(data: st.DataObject) -> None:
    """Four eyes, worked out here from the steps that were taken; as a list and as a question."""
    app = make_app()
    reviewer = make_reviewer(email=data.draw(st.sampled_from(["", "me@x.test", "ä@x.test"])))
    owner = owner_of(app.organization)
    is_member = data.draw(st.booleans())
    if is_member:
        make_member(app.organization, MemberRole.MAINTAINER, reviewer)
    if data.draw(st.booleans()):
        make_release(app=app, state=ReleaseState.APPROVED)
    leaves = is_member and data.draw(st.booleans())
    submits = is_member and data.draw(st.booleans())
    sets = is_member and data.draw(st.booleans())
    if sets:
        variable_set(environment=environment_of(app), name="A", value="1", is_secret=True, actor=reviewer)
        # Setting it again takes nothing away.
        variable_set(environment=environment_of(app), name="A", value="1", is_secret=True, actor=owner)
    if leaves:
        membership_remove(organization=app.organization, username=reviewer.username, actor=owner)
    if is_approved_since := data.draw(st.booleans()):
        make_release(app=app, state=ReleaseState.APPROVED)
    if submits and leaves:
        submits = False
    release = make_release(
        app=app,
        state=ReleaseState.AWAITING_REVIEW,
        submitted_by=reviewer if submits else owner,
        author_emails=[reviewer.email or "nobody@x.test"],
    )
    if pushed := data.draw(st.booleans()):
        release_pushers_record(release=release, pushers=Pushers(pushed={(reviewer.pk, reviewer.pk): 2}))
    has_left = leaves and not is_approved_since
    set_since = sets and not is_approved_since
    is_own = (is_member and not leaves) or has_left or submits or set_since or pushed
    listed = access.restrict(Release.objects.filter(pk=release.pk), reviewer, "release.approve").exists()
    assert listed is (not is_own)
    assert access.may(reviewer, "release.approve", release) is listed


def test_each_reason_why_a_release_is_ones_own_is_told() -> None:
    app = make_app()
    owner = owner_of(app.organization)
    member = make_member(app.organization, MemberRole.MAINTAINER, make_reviewer())
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    assert "you belong to the organization" in own(release, member)

    variable_set(environment=environment_of(app), name="A", value="1", is_secret=True, actor=member)
    mine = make_release(app=app, state=ReleaseState.AWAITING_REVIEW, submitted_by=member)
    configured = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    membership_remove(organization=app.organization, username=member.username, actor=owner)
    today = timezone.now().date()
    for one in (release, mine, configured):
        assert f"you were a member of {app.organization} until {today}" in own(one, member)
    assert "you submitted this release" in own(mine, member)
    assert "you set its variables" in own(configured, member)

    pusher = make_reviewer()
    release_pushers_record(release=release, pushers=Pushers(pushed={(pusher.pk, pusher.pk): 3}))
    assert "you pushed 3 of its commits: somebody who pushed none" in own(release, pusher)


def test_an_address_in_a_commit_counts_against_nobody() -> None:
    reviewer = make_reviewer(email="Strict@Example.test")
    release = make_release(state=ReleaseState.AWAITING_REVIEW, author_emails=["strict@example.test"])
    assert access.may(reviewer, "release.approve", release)
    assert Release.objects.get(pk=release.pk).commit_author_emails == ["strict@example.test"], "shown as a claim"


def test_nobody_approves_before_it_is_known_who_pushed_and_everybody_is_told_why() -> None:
    reviewer = make_reviewer()
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    Release.objects.filter(pk=release.pk).update(authors_state=AuthorsState.PENDING)
    assert not access.restrict(Release.objects.all(), reviewer, "release.approve")
    assert access.may(reviewer, "release.reject", Release.objects.get(pk=release.pk))
    with pytest.raises(NotPermitted, match="looking up who pushed") as refused:
        access.require(reviewer, "release.approve", release)
    assert refused.value.code == "authors_unknown"
    doubt = "2 commits came from nowhere: push them once more"
    release_pushers_record(release=release, pushers=Pushers(in_doubt=doubt))
    with pytest.raises(NotPermitted, match=doubt):
        access.require(reviewer, "release.approve", release)
    release_pushers_record(release=release, pushers=Pushers())
    access.require(reviewer, "release.approve", release)


def test_a_pusher_is_never_taken_back() -> None:
    reviewer = make_reviewer()
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    for pushed in ({(reviewer.pk, reviewer.pk): 1}, {}):
        release_pushers_record(release=release, pushers=Pushers(pushed=pushed))
        assert not access.may(reviewer, "release.approve", Release.objects.get(pk=release.pk))


def test_a_membership_that_ended_counts_until_a_later_release_is_approved() -> None:
    """An approval in the test environment clears nobody for production; nor does one of a release asked for before."""
    app = make_app()
    reviewer = make_member(app.organization, user=make_reviewer())
    before = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    membership_remove(organization=app.organization, username=reviewer.username, actor=owner_of(app.organization))
    make_release(app=app, environment=EnvironmentName.TEST, state=ReleaseState.APPROVED)
    release_approve(release=before, digest=before.digest, comment="", actor=make_reviewer())
    later = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    assert not access.may(reviewer, "release.approve", later)
    release_approve(release=later, digest=later.digest, comment="", actor=make_reviewer())
    assert access.may(reviewer, "release.approve", make_release(app=app, state=ReleaseState.AWAITING_REVIEW))


def test_the_deeds_of_a_service_account_count_as_its_keepers() -> None:
    app = make_app()
    reviewer = make_member(app.organization, MemberRole.OWNER, make_reviewer())
    machine = make_service_account(app.organization)
    make_token(machine, actor=reviewer)
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW, submitted_by=machine)
    membership_remove(organization=app.organization, username=reviewer.username, actor=owner_of(app.organization))
    told = f"you made the service account {machine.username} or a token of it, and it submitted this release"
    assert told in own(release, reviewer)
    # With the tokens ends what it does in their name.
    make_release(app=app, state=ReleaseState.APPROVED)
    assert access.may(
        reviewer,
        "release.approve",
        make_release(app=app, state=ReleaseState.AWAITING_REVIEW, submitted_by=machine),
    )


def test_who_edited_a_variable_of_the_other_environment_may_review() -> None:
    app = make_app()
    member = make_member(app.organization, MemberRole.MAINTAINER, make_reviewer())
    variable_set(
        environment=environment_of(app, EnvironmentName.TEST), name="A", value="1", is_secret=True, actor=member
    )
    membership_remove(organization=app.organization, username=member.username, actor=owner_of(app.organization))
    make_release(app=app, state=ReleaseState.APPROVED)
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    assert access.may(member, "release.approve", release)
