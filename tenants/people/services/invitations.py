"""An organization asks somebody to join it; nobody becomes a member without having accepted."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput, InvitationExpired
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Membership, Organization
from tenants.organizations.services.quotas import quota_claim
from tenants.people.choices import INVITATION_SOURCES, InvitationState
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User
from tenants.people.selectors.users import person_named
from tenants.people.services.memberships import lock, membership_make
from tenants.releases.services.transitions import transition

LASTS = timedelta(days=14)


@unit_of_work
def invitation_create(*, organization: Organization, username: str, role: str, actor: User) -> Invitation:
    """Asks the person `username` to join as `role`; they have 14 days to answer.

    Raises `InvalidInput` for an unknown role, and for a name that is no active person's; `AlreadyExists` for a member
    and for somebody who is asked already, `QuotaExceeded` for one more than may belong to it. An invitation that has
    expired is in nobody's way.
    """
    lock(organization)
    now = timezone.now()
    invitee = person_named(username)
    invitation = Invitation(
        organization=organization, invitee=invitee, role=role, invited_by=actor, expires_at=now + LASTS
    )
    access.require(actor, "invitation.create", invitation)
    validators.together(lambda: validators.role(role), lambda: _refuse_no_person(invitee))
    if Membership.objects.filter(organization=organization, user=invitee).exists():
        raise AlreadyExists(
            f"username: {invitee} is a member of {organization} already", errors={"username": ["is a member already"]}
        )
    _end_expired(organization, invitee)
    quota_claim(organization, QuotaName.MEMBERS)
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError:
        raise AlreadyExists(
            f"username: {invitee} is invited to {organization} already: revoke that invitation for another role",
            errors={"username": ["is invited already: revoke that invitation for another role"]},
        ) from None
    _record("invitation.created", f"{invitee} is invited as {role}", invitation, actor, before={})
    return invitation


@unit_of_work
def invitation_accept(*, invitation: Invitation, actor: User) -> Membership:
    """Makes who was asked a member. Raises `InvitationExpired`, `InvalidTransition` for one that has been answered."""
    access.require(actor, "invitation.answer", invitation)
    if invitation.state == InvitationState.PENDING and invitation.expires_at <= timezone.now():
        raise InvitationExpired(f"the invitation has expired: ask an owner of {invitation.organization} for a new one")
    _end(invitation, InvitationState.ACCEPTED)
    membership = membership_make(organization=invitation.organization, user=invitation.invitee, role=invitation.role)
    _record("invitation.accepted", f"{actor} joined as {invitation.role}", invitation, actor)
    return membership


@unit_of_work
def invitation_decline(*, invitation: Invitation, actor: User) -> Invitation:
    """Raises `InvalidTransition` for one that has been answered or revoked."""
    access.require(actor, "invitation.answer", invitation)
    _end(invitation, InvitationState.DECLINED)
    _record("invitation.declined", f"{actor} declined", invitation, actor)
    return invitation


@unit_of_work
def invitation_revoke(*, invitation: Invitation, actor: User) -> Invitation:
    """Takes an invitation back. Raises `InvalidTransition` for one that has been answered."""
    access.require(actor, "invitation.revoke", invitation)
    _end(invitation, InvitationState.REVOKED)
    _record("invitation.revoked", f"the invitation of {invitation.invitee} is revoked", invitation, actor)
    return invitation


def _refuse_no_person(invitee: User | None) -> None:
    if invitee is None or invitee.is_service_account:
        raise InvalidInput.field("username", "is nobody's: name an existing person")


def _end_expired(organization: Organization, invitee: User | None) -> None:
    expired = Invitation.objects.filter(
        organization=organization, invitee=invitee, state=InvitationState.PENDING, expires_at__lte=timezone.now()
    )
    for invitation in expired.select_related("organization", "invitee"):
        _end(invitation, InvitationState.REVOKED)
        _record("invitation.expired", f"the invitation of {invitee} has expired", invitation, None)


def _end(invitation: Invitation, state: str) -> None:
    transition(invitation, to=state, sources=INVITATION_SOURCES, ended_at=timezone.now())


def _record(
    action: str,
    message: str,
    invitation: Invitation,
    actor: User | None,
    *,
    before: dict[str, str] | None = None,
) -> None:
    audit_record(
        action=action,
        message=message,
        actor=actor,
        organization=invitation.organization,
        obj=invitation,
        before={"state": InvitationState.PENDING.value} if before is None else before,
        after={"state": str(invitation.state)},
        data={"username": invitation.invitee.username, "role": invitation.role},
    )
