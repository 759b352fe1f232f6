"""Who may do what as Berth comes: the built-in policies, asked as a question and as a list."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.models import Certificate, DnsAccount, Host, Operation
from tenants import access
from tenants.apps.choices import EnvironmentName
from tenants.apps.services.environments import variable_set
from tenants.exceptions import NotPermitted
from tenants.models import (
    AccessPolicy,
    ApiToken,
    CustomDomain,
    Freeze,
    HeldName,
    Invitation,
    Membership,
    Organization,
    PluginApp,
    Release,
    User,
    Zone,
)
from tenants.people.choices import MemberRole
from tenants.people.services.memberships import membership_change, membership_remove
from tenants.policies.resources import ACTIONS
from tenants.releases.choices import AuthorsState, ReleaseState
from tenants.releases.services.authorship import Pushers, release_pushers_record
from tenants.reviews.services.reviews import release_approve
from tests.factories import (
    environment_of,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
# What is asked about rows of one organization; the rest is the platform's.
OF_TENANTS = {
    action
    for action, resource_type in ACTIONS.items()
    if resource_type.organization and not action.startswith(("token.", "release_grant.", "app_grant."))
}
VIEW = {
    *("organization.view", "membership.view", "app.view", "environment.view", "release.view", "deployment.view"),
    *("audit.view", "domain.view"),
}
DEVELOPER = VIEW | {
    *("invitation.view", "service_account.view", "release.submit", "release.cancel", "release.rollback", "logs.read"),
    "audit.export",
}
MAINTAINER = DEVELOPER | {"app.create", "app.change", "app.retire", "environment.change"}
MAINTAINER |= {"domain.create", "domain.check", "domain.remove"}
OWNER = MAINTAINER | {
    *("organization.manage_members", "organization.who_can", "membership.change", "membership.remove"),
    *("invitation.create", "invitation.revoke", "service_account.create", "service_account.remove"),
}
# Whoever is a person may found an organization of their own.
ANYBODY = {"organization.create"}


def allowed(user: object, app: PluginApp) -> set[str]:
    """Everything that `user` may do to rows of the organization of `app`."""
    return {action for action in OF_TENANTS if access.may(user, action, _row(action, app))}


def _row(action: str, app: PluginApp) -> Model:
    organization, environment = app.organization, environment_of(app)
    match ACTIONS[action].name:
        case "organization":
            return organization
        case "membership":
            return organization.memberships.order_by("pk")[0]
        case "invitation":
            return Invitation(organization=organization, invitee=owner_of(organization))
        case "service_account":
            return User(service_organization=organization)
        case "app":
            return app
        case "environment":
            return environment
        case "release":
            return app.releases.first() or make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
        case "deployment":
            return Operation(app=app, environment=environment)
        case "custom_domain":
            return CustomDomain(environment=environment)
        case "held_name":
            return HeldName(organization=organization)
        case "audit_event":
            return app.events.order_by("pk")[0]
    raise AssertionError(action)


@pytest.mark.parametrize(
    ("role", "expected"),
    [(MemberRole.DEVELOPER, DEVELOPER), (MemberRole.MAINTAINER, MAINTAINER), (MemberRole.OWNER, OWNER)],
)
def test_a_member_may_what_the_role_holds_and_nothing_elsewhere(role: str, expected: set[str]) -> None:
    app, elsewhere = make_app(), make_app()
    member = make_member(app.organization, role)
    assert allowed(member, app) == expected | ANYBODY
    assert allowed(member, elsewhere) == ANYBODY


def test_staff_of_the_platform_reads_everything_and_changes_nothing_of_tenants() -> None:
    app = make_app()
    overseer = VIEW | ANYBODY | {"invitation.view", "service_account.view", "organization.who_can", "audit.export"}
    overseer |= {"held_name.view"}
    operated = {"logs.read", "environment.set_fallback", "held_name.release", "organization.set_quota"}
    assert allowed(make_reviewer(), app) == VIEW | ANYBODY | {"release.approve", "release.reject"}
    # What an operator sets here is what the platform does for the app, and no setting of the tenant's.
    assert allowed(make_operator(), app) == overseer | operated
    assert allowed(make_user(is_auditor=True), app) == overseer
    everything = overseer | operated | {"release.approve", "release.reject"}
    assert allowed(make_user(is_superuser=True), app) == everything


def test_machines_names_policies_freezes_and_accounts_are_the_operators() -> None:
    rows = {
        "host": Host(),
        "zone": Zone(),
        "dns_account": DnsAccount(),
        "certificate": Certificate(),
        "policy": AccessPolicy(),
        "freeze": Freeze(),
        "user": make_user(),
    }
    own = {"freeze.view"}
    everything = {action for action, kind in ACTIONS.items() if kind.name in rows}

    def may(user: User) -> set[str]:
        return {
            action
            for action, kind in ACTIONS.items()
            if kind.name in rows and access.may(user, action, rows[kind.name])
        }

    assert may(make_operator()) == everything
    reading = {"host.view", "zone.view", "dns_account.view", "certificate.view"}
    reading |= {"policy.view", "policy.simulate", "user.view", "user.explain"}
    assert may(make_user(is_auditor=True)) == own | reading
    assert may(make_reviewer()) == own
    assert may(make_user()) == own


def test_nobody_and_the_inactive_may_nothing() -> None:
    app = make_app()
    make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    left = owner_of(app.organization)
    User.objects.filter(pk=left.pk).update(is_active=False)
    left.refresh_from_db()
    assert allowed(AnonymousUser(), app) == set()
    assert allowed(left, app) == set()
    assert allowed(make_reviewer(is_active=False), app) == set()
    assert not access.restrict(Organization.objects.all(), left, "organization.view").exists()


def test_who_left_may_nothing_and_who_has_another_role_only_what_it_holds() -> None:
    app = make_app()
    owner = owner_of(app.organization)
    member = make_member(app.organization, MemberRole.MAINTAINER)
    membership_change(organization=app.organization, username=member.username, role=MemberRole.DEVELOPER, actor=owner)
    assert allowed(member, app) == DEVELOPER | ANYBODY
    membership_remove(organization=app.organization, username=member.username, actor=owner)
    assert allowed(member, app) == ANYBODY


def test_everybody_may_leave_and_answer_their_own_invitation_alone() -> None:
    organization = make_organization()
    member, other = make_member(organization), make_member(organization)
    mine = Membership.objects.get(organization=organization, user=member)
    assert access.may(member, "membership.remove", mine)
    assert not access.may(other, "membership.remove", mine)
    invitation = Invitation(organization=organization, invitee=make_user())
    assert access.may(invitation.invitee, "invitation.answer", invitation)
    assert not access.may(owner_of(organization), "invitation.answer", invitation)


def test_everybody_keeps_their_own_tokens_and_owners_those_of_service_accounts() -> None:
    organization = make_organization()
    owner, member = owner_of(organization), make_member(organization)
    machine = make_user(service_organization=organization)
    for_machine, for_member = ApiToken(user=machine), ApiToken(user=member)
    keep = ("token.view", "token.create", "token.revoke")
    assert [access.may(member, action, for_member) for action in keep] == [True, True, True]
    assert [access.may(owner, action, for_machine) for action in keep] == [True, True, True]
    assert [access.may(owner, action, for_member) for action in keep] == [False, False, False]
    assert [access.may(member, action, for_machine) for action in keep] == [False, False, False]
    assert [access.may(make_operator(), action, for_member) for action in keep] == [True, False, True]


def test_the_error_of_a_refusal_says_whom_to_ask() -> None:
    app = make_app(organization=make_organization(slug="acme"))
    with pytest.raises(NotPermitted, match="owner of acme"):
        access.require(make_member(app.organization), "app.change", app)
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    with pytest.raises(NotPermitted, match="platform role reviewer"):
        access.require(make_user(), "release.approve", release)


def test_an_unknown_action_or_a_row_of_another_kind_is_a_programming_error_not_a_yes() -> None:
    app = make_app()
    with pytest.raises(KeyError):
        access.may(make_operator(), "app.explode", app)
    with pytest.raises(TypeError, match="release"):
        access.may(make_operator(), "release.view", app)
    with pytest.raises(TypeError, match="release"):
        access.restrict(PluginApp.objects.all(), make_operator(), "release.view")


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


def own(release: Release, user: User) -> str:
    with pytest.raises(NotPermitted) as refused:
        access.require(user, "release.approve", release)
    assert refused.value.code == "own_release"
    return refused.value.detail


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
