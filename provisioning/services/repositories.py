"""Who has which account and repository at the forge."""

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

from provisioning.forge.client import ForgeClient, forge_from_settings
from provisioning.models import ForgeAccount, Repository
from tenants.models import Organization, PluginApp, User
from tenants.services.audit import audit_record
from tenants.services.unit import unit_of_work

GIT_TOKEN_LIFETIME = timedelta(days=90)
# Management repositories of all apps lie in one group that only the platform's own user belongs to.
MANAGEMENT_GROUP = "berth-management"


@unit_of_work
def repository_of(app: PluginApp) -> Repository:
    """What is known of the app's repositories; a row without anything known is made on first need."""
    repository, is_new = Repository.objects.get_or_create(app=app)
    if is_new:
        audit_record(action="repository.requested", message="the repositories are being made", app=app)
    return repository


def forge_account_ensure(*, forge: ForgeClient, user: User) -> ForgeAccount:
    """The person's forge account, made on first need."""
    found = ForgeAccount.objects.filter(user=user).first()
    if found is not None:
        return found
    forge_user_id, username = forge.ensure_user(
        names=(user.username, f"{user.username}-{user.pk}"),
        email=user.email or f"{user.username}@users.berth.invalid",
        name=user.get_full_name() or user.username,
        mark=f"{settings.INSTALLATION} user {user.pk}",
    )
    with unit_of_work():
        account, is_new = ForgeAccount.objects.get_or_create(
            user=user, defaults={"forge_user_id": forge_user_id, "forge_username": username}
        )
        if is_new:
            audit_record(
                action="forge_account.created",
                message=f"{user.username} is {username} at the forge",
                obj=user,
                after={"forge_user_id": forge_user_id, "forge_username": username},
            )
    return account


def group_path(organization: Organization) -> str:
    """The organization's group at the forge. The prefix keeps it apart from user names, which share the namespace."""
    return f"org-{organization.slug}"


def organization_members_sync(*, forge: ForgeClient, organization: Organization) -> int:
    """Makes the organization's members, and nobody else, developers of its forge group. Gives the group's id."""
    group_id = forge.ensure_group(path=group_path(organization), name=organization.name)
    accounts = [forge_account_ensure(forge=forge, user=user) for user in organization.members.filter(is_active=True)]
    forge.ensure_group_members(group_id, [account.forge_user_id for account in accounts])
    return group_id


def git_token_create(*, user: User) -> tuple[str, str, date]:
    """A token for git over HTTP: user name, token (shown once), last day.

    Raises `ServiceUnavailable` while the forge is away, `ForgeRefused` where an operator must act.
    """
    forge = forge_from_settings()
    account = forge_account_ensure(forge=forge, user=user)
    for organization in user.organizations.all():
        organization_members_sync(forge=forge, organization=organization)
    expires_on = (timezone.now() + GIT_TOKEN_LIFETIME).date()
    token = forge.create_user_token(user_id=account.forge_user_id, name="berth-git", expires_on=expires_on)
    audit_record(
        action="git_token.created",
        message=f"{user.username} made a token for git over HTTP",
        actor=user,
        obj=user,
        after={"expires_on": expires_on},
    )
    return account.forge_username, token, expires_on
