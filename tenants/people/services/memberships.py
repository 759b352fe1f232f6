"""Who belongs to an organization, and with which role. One joins by accepting an invitation."""

from functools import partial

from django.db import IntegrityError, transaction

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput, LastOwner
from tenants.organizations.models.organization import Membership, Organization
from tenants.people.choices import MemberRole, PlatformRole
from tenants.people.models.user import User
from tenants.people.services.keepers import kept_tokens_end
from tenants.policies.models.grants import PluginAppUserObjectPermission, ReleaseUserObjectPermission
from tenants.releases.services.authorship import period_begin, period_end
from tenants.signals import membership_changed


@unit_of_work
def membership_change(*, organization: Organization, username: str, role: str, actor: User) -> Membership:
    """Gives a member another role; the same role again leaves no trace. With a lesser one the tokens end that they made
    for service accounts, which may do as much as before.

    Raises `InvalidInput` for no member, an unknown role or a service account as owner, `LastOwner` where the
    organization would be left without an owner.
    """
    lock(organization)
    membership = _member(organization, username)
    # Owners may step down: they are judged as who they were when they asked.
    with access.changing(access.Subject(actor), "membership.change", membership):
        validators.role(role)
        before = membership.role
        if role == before:
            return membership
        refuse_service_owner(membership.user, role)
        _keep_an_owner(membership)
        membership.role = role
        membership.save(update_fields=["role"])
        period_end(organization=organization, user=membership.user, is_end=False)
        period_begin(membership)
        ended = kept_tokens_end(membership.user, organization) if _is_less(role, before) else []
        access.people_changed()
    audit_record(
        action="membership.changed",
        message=f"{membership.user} is {role} now, {before} before",
        actor=actor,
        organization=organization,
        obj=membership,
        before={"role": before},
        after={"role": role},
        data={"username": membership.user.username, "role": role, "tokens_ended": ended},
    )
    announce(organization)
    return membership


@unit_of_work
def membership_remove(*, organization: Organization, username: str, actor: User) -> None:
    """Ends a membership and everything it allowed, at once; one's own too.

    With it go grants on the organization's apps and releases, and the tokens that they made for its service accounts:
    whoever is removed has no way left. Raises `InvalidInput` for no member and for a service account, `LastOwner`.
    """
    lock(organization)
    membership = _member(organization, username)
    access.require(actor, "membership.remove", membership)
    user = membership.user
    if user.is_service_account:
        raise InvalidInput.field("username", "is a service account: remove the account itself")
    _keep_an_owner(membership)
    grants = end_membership(membership)
    ended = kept_tokens_end(user, organization)
    audit_record(
        action="membership.removed",
        message=f"{user} left" if user == actor else f"{user} was removed",
        actor=actor,
        organization=organization,
        obj=membership,
        before={"role": membership.role, "grants": grants},
        after={},
        data={"username": user.username, "tokens_ended": ended},
    )


def membership_make(*, organization: Organization, user: User, role: str) -> Membership:
    """The row, for services that have asked whether it may be; announced, and not yet audited.

    Raises `AlreadyExists` for a member, `InvalidInput` for another organization's service account.
    """
    if user.service_organization_id not in (None, organization.pk):
        raise InvalidInput.field("username", "is a service account: it belongs to its own organization alone")
    refuse_service_owner(user, role)
    try:
        with transaction.atomic():
            membership = Membership.objects.create(organization=organization, user=user, role=role)
    except IntegrityError:
        raise AlreadyExists(
            f"username: {user} is a member of {organization} already", errors={"username": ["is a member already"]}
        ) from None
    period_begin(membership)
    _memberships_changed(user)
    announce(organization)
    return membership


def end_membership(membership: Membership) -> list[str]:
    """Deletes the membership with the grants beside it; gives the grants' names. Announced, and not yet audited."""
    organization, user = membership.organization, membership.user
    apps = PluginAppUserObjectPermission.objects.filter(user=user, content_object__organization=organization)
    releases = ReleaseUserObjectPermission.objects.filter(user=user, content_object__app__organization=organization)
    ended = [f"{grant.permission.codename} {grant.content_object}" for grant in apps.select_related("permission")]
    ended += [f"{grant.permission.codename} {grant.content_object}" for grant in releases.select_related("permission")]
    apps.delete()
    releases.delete()
    Membership.objects.filter(pk=membership.pk).delete()
    period_end(organization=organization, user=user, is_end=True)
    _memberships_changed(user)
    announce(organization)
    return ended


def _is_less(role: str, before: str) -> bool:
    ranks = list(MemberRole)
    return ranks.index(MemberRole(role)) > ranks.index(MemberRole(before))


def organizations_left_without(user: User) -> list[Organization]:
    """The organizations in which no active owner but `user` is: nobody else could manage them."""
    owned = Organization.objects.filter(memberships__user=user, memberships__role=MemberRole.OWNER)
    others = Membership.objects.filter(role=MemberRole.OWNER, user__is_active=True).exclude(user=user)
    return list(owned.exclude(pk__in=others.values("organization")).order_by("slug"))


def lock(organization: Organization) -> None:
    """Who decides about the organization's people takes turns on its row, and is judged by what is so afterwards.

    Else two owners who remove each other at once would leave nobody; and who is being removed could meanwhile remove
    others, invite themselves, or share with themselves what they lose.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    access.look_again()


def announce(organization: Organization) -> None:
    """Tells, after commit, who follows the organization's members: its forge group."""
    transaction.on_commit(partial(membership_changed.send_robust, sender=Organization, organization_id=organization.pk))


def _memberships_changed(user: User) -> None:
    access.people_changed()
    if PlatformRole.OPERATOR in user.roles or user.is_superuser:
        access.refuse_lockout(about="organizations")


def refuse_service_owner(user: User, role: str) -> None:
    if user.is_service_account and role == MemberRole.OWNER:
        raise InvalidInput.field("role", "is too much for a service account: use developer or maintainer")


def _member(organization: Organization, username: str) -> Membership:
    memberships = organization.memberships.select_related("user", "organization")
    membership = memberships.filter(user__username__iexact=username).first()
    if membership is None:
        raise InvalidInput.field("username", "is not a member")
    return membership


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        organization=membership.organization_id, role=MemberRole.OWNER, user__is_active=True
    )
    if membership.role == MemberRole.OWNER and not others.exclude(pk=membership.pk).exists():
        raise LastOwner(
            f"{membership.user} is the only owner of {membership.organization}: make somebody else owner first"
        )
