"""Accounts for machines that belong to one organization: they hold tokens, and can sign in nowhere."""

from django.db import IntegrityError, transaction

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Membership, Organization
from tenants.organizations.services.quotas import quota_claim
from tenants.people.choices import MemberRole
from tenants.people.models.user import User
from tenants.people.services.memberships import end_membership, lock, membership_make
from tenants.people.services.token_ends import announce_end, tokens_end
from tenants.releases.services.authorship import keeper_add

# No slug has a dot, so no two organizations can mean the same account; and no person's name may start like this.
PREFIX = "svc-"


def service_account_username(organization: Organization, name: str) -> str:
    return f"{PREFIX}{organization.slug}.{name}"


def service_account_name(account: User) -> str:
    """The account's name within its organization."""
    return account.username.partition(".")[2]


@unit_of_work
def service_account_create(*, organization: Organization, name: str, role: str, actor: User) -> Membership:
    """A member without a password, as developer or maintainer. A name that was removed is the same account again.

    Raises `InvalidInput` naming the field, `AlreadyExists` for a name in use, `QuotaExceeded`.
    """
    username = service_account_username(organization, name)
    # The account before its organization, as everybody takes them who takes both.
    account = User.objects.select_for_update(no_key=True).filter(username=username).first()
    lock(organization)
    if account is None:
        account = User(username=username, service_organization=organization)
    access.require(actor, "service_account.create", account)
    validators.together(lambda: validators.service_account_name(name), lambda: _check_role(role))
    if account.pk is None or not account.is_active:
        quota_claim(organization, QuotaName.SERVICE_ACCOUNTS)
    if account.pk is None:
        account.set_unusable_password()
        _save_new(account, name)
    elif User.objects.filter(pk=account.pk, is_active=False).update(is_active=True):
        account.refresh_from_db()
    else:
        raise _taken(name)
    membership = membership_make(organization=organization, user=account, role=role)
    keeper_add(account=account, person=actor)
    audit_record(
        action="service_account.created",
        message=f"service account {name} made as {role}",
        actor=actor,
        organization=organization,
        obj=account,
        before={},
        after={"username": username, "role": role},
        data={"username": username, "role": role},
    )
    return membership


@unit_of_work
def service_account_remove(*, account: User, actor: User) -> None:
    """Ends the account, its tokens, its membership and with that its access to the forge, at once.

    The row stays, since the trail speaks of it. Without effect on one that was removed already.
    """
    # In the order in which a change of the account or of its role takes what it needs: none waits for ever.
    User.objects.select_for_update(no_key=True).get(pk=account.pk)
    if account.service_organization is not None:
        lock(account.service_organization)
    access.require(actor, "service_account.remove", account)
    if not User.objects.filter(pk=account.pk, is_active=True).update(is_active=False):
        return
    account.refresh_from_db()
    tokens = tokens_end(account.api_tokens.all())
    announce_end(account)
    for membership in account.memberships.select_related("organization", "user"):
        end_membership(membership)
    access.people_changed()
    audit_record(
        action="service_account.removed",
        message=f"service account {service_account_name(account)} removed",
        actor=actor,
        organization=account.service_organization,
        obj=account,
        before={"is_active": True},
        after={"is_active": False},
        data={"username": account.username, "tokens_revoked": tokens},
    )


def _check_role(role: str) -> None:
    allowed = [MemberRole.MAINTAINER.value, MemberRole.DEVELOPER.value]
    if role not in allowed:
        raise InvalidInput.field("role", f"is none of {', '.join(allowed)}: use one of these")


def _save_new(account: User, name: str) -> None:
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise _taken(name) from None


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"name: the organization has a service account {name}: choose another name",
        errors={"name": ["is in use in this organization: choose another"]},
    )
