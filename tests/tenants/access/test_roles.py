"""The actions that each role has, and those that nobody has."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from provisioning.models import Certificate, DnsAccount, Host, Operation
from tenants import access
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
    User,
    Zone,
)
from tenants.people.choices import MemberRole
from tenants.people.services.memberships import membership_change, membership_remove
from tenants.policies.resources import ACTIONS
from tenants.releases.choices import ReleaseState
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
