"""Who may do what, asked as a question and as a list."""

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.models import Host
from tenants import access
from tenants.access.own_release import reason_it_is_own
from tenants.access.rules import RULES
from tenants.choices import EnvironmentName, MemberRole, ReleaseState
from tenants.exceptions import NotPermitted, OwnRelease
from tenants.models import Membership, Organization, PluginApp, Release, User
from tenants.services.environments import variable_set
from tenants.services.organizations import membership_add, membership_remove
from tests.factories import (
    environment_of,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
VIEW = {"organization.view", "app.view", "environment.view", "release.view", "deployment.view", "timeline.view"}
DEVELOPER = VIEW | {"release.submit", "release.cancel", "release.rollback", "logs.read"}
MAINTAINER = DEVELOPER | {"app.create", "app.change", "app.retire", "environment.change"}
OWNER = MAINTAINER | {"organization.manage_members"}


def allowed(user: object, app: PluginApp) -> set[str]:
    """Everything that `user` may do in the organization of `app`."""
    return {action for action in RULES if access.may(user=user, action=action, obj=_object_of(action, app))}


def _object_of(action: str, app: PluginApp) -> PluginApp | Organization | Release | Host:
    kind = action.partition(".")[0]
    if kind == "organization" or action == "app.create":
        return app.organization
    if kind == "host":
        return Host.objects.get_or_create(
            name="one", defaults={"docker_url": "x", "releases_home": "x", "port_first": 2000, "port_last": 2001}
        )[0]
    if kind == "release":
        return app.releases.first() or make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    return app


@pytest.mark.parametrize(
    ("role", "expected"),
    [(MemberRole.DEVELOPER, DEVELOPER), (MemberRole.MAINTAINER, MAINTAINER), (MemberRole.OWNER, OWNER)],
)
def test_a_member_may_what_the_role_holds_and_nothing_elsewhere(role: str, expected: set[str]) -> None:
    app, elsewhere = make_app(), make_app()
    member = make_member(app.organization, role)
    assert allowed(member, app) == expected
    assert allowed(member, elsewhere) == set()


def test_reviewers_and_operators_read_everything_and_change_nothing_of_tenants() -> None:
    app = make_app()
    assert allowed(make_reviewer(), app) == VIEW | {"release.review"}
    assert allowed(make_operator(), app) == VIEW | {"logs.read", "host.view", "user.create"}
    superuser = make_user(is_superuser=True)
    assert allowed(superuser, app) == VIEW | {"logs.read", "host.view", "user.create", "release.review"}


def test_nobody_and_the_inactive_may_nothing() -> None:
    app = make_app()
    make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    left = owner_of(app.organization)
    left.is_active = False
    left.save()
    assert allowed(AnonymousUser(), app) == set()
    assert allowed(left, app) == set()
    assert allowed(make_reviewer(is_active=False), app) == set()


def test_a_stranger_may_nothing() -> None:
    assert allowed(make_user(), make_app()) == set()


def test_who_left_may_nothing_and_who_has_another_role_only_what_it_holds() -> None:
    app = make_app()
    owner = owner_of(app.organization)
    member = make_member(app.organization, MemberRole.MAINTAINER)
    membership_add(organization=app.organization, username=member.username, role=MemberRole.DEVELOPER, actor=owner)
    assert allowed(member, app) == DEVELOPER
    membership_remove(organization=app.organization, username=member.username, actor=owner)
    assert allowed(member, app) == set()


def test_the_error_of_a_refusal_says_whom_to_ask() -> None:
    app = make_app(organization=make_organization(slug="acme"))
    with pytest.raises(NotPermitted, match="owner of acme"):
        access.require(user=make_member(app.organization), action="app.change", obj=app)
    with pytest.raises(NotPermitted, match="reviewer"):
        access.require(user=owner_of(app.organization), action="release.review", obj=make_release(app=app))


def test_an_unknown_action_is_a_programming_error_not_a_yes() -> None:
    with pytest.raises(KeyError):
        access.may(user=make_operator(), action="app.explode", obj=make_app())


def test_a_list_has_what_the_question_grants() -> None:
    apps = [make_app() for _ in range(3)]
    member = make_member(apps[1].organization)
    assert list(access.restrict(PluginApp.objects.all(), user=member, action="app.view")) == [apps[1]]
    assert access.restrict(PluginApp.objects.all(), user=make_reviewer(), action="app.view").count() == 3


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_queue_of_a_reviewer_has_exactly_the_releases_that_are_not_their_own(data: st.DataObject) -> None:
    """The SQL that lists and the words that explain must agree, whatever makes a release one's own."""
    app = make_app()
    reviewer = make_reviewer(
        email=data.draw(st.sampled_from(["Me@X.test", "", "i_@x.test", "100%@x.test", "ä@x.test"]))
    )
    addresses = st.sampled_from(
        ["me@x.test", "ME@X.TEST", "ime@x.test", "ix@x.test", "1000@x.test", "ä@x.test", "Ä@x.test"]
    )
    submitter = reviewer if data.draw(st.booleans()) else owner_of(app.organization)
    membership = None
    if submitter == reviewer or data.draw(st.booleans()):
        make_member(app.organization, MemberRole.MAINTAINER, reviewer)
        membership = Membership.objects.get(user=reviewer)
    editor = data.draw(st.sampled_from([None, owner_of(app.organization), reviewer if membership else None]))
    if editor is not None:
        variable_set(environment=environment_of(app), name="A", value="1", is_secret=True, actor=editor)
    release = make_release(
        app=app,
        state=ReleaseState.AWAITING_REVIEW,
        submitted_by=submitter,
        author_emails=data.draw(st.lists(addresses, min_size=1, max_size=2)),
    )
    if membership is not None and data.draw(st.booleans()):
        membership_remove(organization=app.organization, username=reviewer.username, actor=owner_of(app.organization))
    listed = access.restrict(Release.objects.filter(pk=release.pk), user=reviewer, action="release.review").exists()
    assert listed is (reason_it_is_own(release, user=reviewer) == "")


def own(release: Release, user: User) -> str:
    with pytest.raises(OwnRelease) as refused:
        access.require(user=user, action="release.review", obj=release)
    assert not access.may(user=user, action="release.review", obj=release)
    return refused.value.detail


def test_each_reason_why_a_release_is_ones_own_is_told() -> None:
    app = make_app()
    owner = owner_of(app.organization)
    reviewer = make_reviewer(email="Ada@Example.test")
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW, author_emails=["x@y.test", "ada@EXAMPLE.test"])
    assert "e-mail" in own(release, reviewer)

    member = make_member(app.organization, MemberRole.MAINTAINER, make_reviewer())
    assert "organization" in own(release, member)

    variable_set(environment=environment_of(app), name="A", value="1", is_secret=True, actor=member)
    mine = make_release(app=app, state=ReleaseState.AWAITING_REVIEW, submitted_by=member)
    configured = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    membership_remove(organization=app.organization, username=member.username, actor=owner)
    assert "submitted" in own(mine, member)
    assert "variables" in own(configured, member)
    assert access.may(user=member, action="release.review", obj=release)


def test_who_edited_a_variable_of_the_other_environment_may_review() -> None:
    app = make_app()
    member = make_member(app.organization, MemberRole.MAINTAINER, make_reviewer())
    variable_set(
        environment=environment_of(app, EnvironmentName.TEST), name="A", value="1", is_secret=True, actor=member
    )
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    membership_remove(organization=app.organization, username=member.username, actor=owner_of(app.organization))
    assert access.may(user=member, action="release.review", obj=release)
