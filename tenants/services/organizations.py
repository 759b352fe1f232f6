"""Organizations and who belongs to them."""

from functools import partial

from django.db import IntegrityError, transaction

from tenants import access, validators
from tenants.choices import MemberRole
from tenants.exceptions import AlreadyExists, InvalidInput, LastOwner
from tenants.models import Membership, Organization, User
from tenants.services.audit import audit_record
from tenants.services.unit import unit_of_work
from tenants.signals import membership_changed


@unit_of_work
def organization_create(*, name: str, slug: str, actor: User) -> Organization:
    """A new organization with `actor` as its owner. Raises `InvalidInput`, `AlreadyExists` for a slug in use."""
    access.require(actor, "organization.create", Organization(name=name, slug=slug))
    validators.together(lambda: validators.display_name(name), lambda: validators.slug(slug))
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, slug=slug)
    except IntegrityError:
        raise AlreadyExists(
            f"slug: an organization {slug} exists: choose another", errors={"slug": ["is in use: choose another"]}
        ) from None
    Membership.objects.create(organization=organization, user=actor, role=MemberRole.OWNER)
    access.people_changed()
    audit_record(
        action="organization.created", message=f"organization {slug} created", actor=actor, organization=organization
    )
    _announce(organization)
    return organization


@unit_of_work
def membership_add(*, organization: Organization, username: str, role: str, actor: User) -> Membership:
    """Makes somebody a member, or gives a member another role.

    Raises `InvalidInput` for an unknown user or role, `AlreadyExists` for a member who has the role already,
    `LastOwner` where the organization would be left without an owner.
    """
    access.require(actor, "organization.manage_members", organization)
    validators.role(role)
    _lock(organization)
    user = _user(username)
    membership = Membership.objects.filter(organization=organization, user=user).first()
    if membership is None:
        membership = Membership.objects.create(organization=organization, user=user, role=role)
        action, message = "membership.added", f"{user} joined as {role}"
    elif membership.role == role:
        raise AlreadyExists(
            f"username: {user} is {role} of {organization} already",
            errors={"username": ["has this role already"]},
        )
    else:
        _keep_an_owner(membership)
        action, message = "membership.changed", f"{user} is {role} now, {membership.role} before"
        membership.role = role
        membership.save(update_fields=["role"])
    access.people_changed()
    audit_record(
        action=action,
        message=message,
        actor=actor,
        organization=organization,
        data={"username": user.username, "role": role},
    )
    _announce(organization)
    return membership


@unit_of_work
def membership_remove(*, organization: Organization, username: str, actor: User) -> None:
    """Ends a membership and everything it allowed. Raises `InvalidInput` for no member, `LastOwner`."""
    access.require(actor, "organization.manage_members", organization)
    _lock(organization)
    membership = Membership.objects.filter(organization=organization, user__username__iexact=username).first()
    if membership is None:
        raise InvalidInput.field("username", "is not a member")
    _keep_an_owner(membership)
    user = membership.user
    membership.delete()
    access.people_changed()
    audit_record(
        action="membership.removed",
        message=f"{user} left",
        actor=actor,
        organization=organization,
        data={"username": user.username},
    )
    _announce(organization)


def _lock(organization: Organization) -> None:
    # Two owners who remove each other at once would leave nobody: they take turns on the organization's row.
    Organization.objects.select_for_update().get(pk=organization.pk)


def _user(username: str) -> User:
    user = User.objects.filter(username__iexact=username, is_active=True).first()
    if user is None:
        raise InvalidInput.field("username", "is nobody's: name an existing user")
    return user


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(organization=membership.organization_id, role=MemberRole.OWNER)
    if membership.role == MemberRole.OWNER and not others.exclude(pk=membership.pk).exists():
        raise LastOwner(
            f"{membership.user} is the only owner of {membership.organization}: make somebody else owner first"
        )


def _announce(organization: Organization) -> None:
    transaction.on_commit(partial(membership_changed.send_robust, sender=Organization, organization_id=organization.pk))
