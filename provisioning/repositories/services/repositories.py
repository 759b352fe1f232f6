"""Who has which account and repository at the forge."""

from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from provisioning.forge.client import ForgeClient
from provisioning.forge.config import forge_from_settings
from provisioning.repositories.choices import GitTokens
from provisioning.repositories.models.repository import ForgeAccount, Repository
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.request_context import authentication
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import NotPermitted
from tenants.organizations.models.organization import Organization
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.releases.models.authorship import ServiceAccountKeeper

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
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
    """A token for git over HTTP: user name, token (shown once), last day. It ends with the account.

    Raises `ServiceUnavailable` while the forge is away, `ForgeRefused` where an operator must act, `NotPermitted` for
    an account that ends meanwhile.
    """
    forge = forge_from_settings()
    account = forge_account_ensure(forge=forge, user=user)
    if account.git_tokens == GitTokens.ENDING:
        _git_tokens_revoke(forge=forge, account=account)
    _git_tokens_given(account)
    for organization in user.organizations.all():
        organization_members_sync(forge=forge, organization=organization)
    expires_on = (timezone.now() + GIT_TOKEN_LIFETIME).date()
    token = forge.create_user_token(user_id=account.forge_user_id, name="berth-git", expires_on=expires_on)
    # Whoever ends the account, or the token that this one is made with, after this look finds the token at the forge.
    if not ForgeAccount.objects.filter(pk=account.pk, git_tokens=GitTokens.GIVEN, user__is_active=True).exists():
        forge.revoke_user_tokens(account.forge_user_id)
        raise NotPermitted("the account is not active any more: an operator must activate it first")
    if _has_ended(authentication.get().token_id):
        forge.revoke_user_tokens(account.forge_user_id)
        raise NotPermitted("the token that you use has ended: ask an owner of the organization for a new one")
    audit_record(
        action="git_token.created",
        message=f"{user.username} made a token for git over HTTP",
        actor=user,
        obj=user,
        after={"expires_on": expires_on},
    )
    return account.forge_username, token, expires_on


def git_tokens_revoke(*, user: User) -> None:
    """Revokes all tokens for git of this person, at once; without effect for who has none.

    Raises `ServiceUnavailable` while the forge is away: they then end when it is back.
    """
    git_tokens_condemn(user=user, actor=user)
    account = ForgeAccount.objects.filter(user=user, git_tokens=GitTokens.ENDING).select_related("user").first()
    if account is not None:
        _git_tokens_revoke(forge=forge_from_settings(), account=account, actor=user)


@unit_of_work
def git_tokens_condemn(*, user: User, actor: User | None = None) -> None:
    """Notes that all tokens for git of this account must end, though it may be active again. See `git_tokens_end`."""
    accounts = ForgeAccount.objects.filter(user=user, git_tokens=GitTokens.GIVEN)
    if accounts.update(git_tokens=GitTokens.ENDING):
        _record_tokens("git_tokens.ending", f"the tokens for git of {user.username} end", user, actor)


def git_tokens_end(*, forge: ForgeClient, user_id: int | None = None) -> None:
    """Revokes, at the forge, the tokens for git that must end: with `user_id`, those of that account; else of all.

    If it looks at all, it also finds accounts that have ended, and service accounts whose keeper has left since the
    tokens were given out, though a signal was lost.
    """
    ending = ForgeAccount.objects.filter(git_tokens=GitTokens.ENDING).select_related("user")
    if user_id is None:
        _condemn_what_signals_left()
    else:
        ending = ending.filter(user=user_id)
    for account in ending:
        _git_tokens_revoke(forge=forge, account=account)


def _condemn_what_signals_left() -> None:
    given = ForgeAccount.objects.filter(git_tokens=GitTokens.GIVEN).select_related("user")
    kept_no_more = ServiceAccountKeeper.objects.filter(
        account=OuterRef("user"), until__gte=Coalesce(OuterRef("git_tokens_given_at"), Value(_ALWAYS))
    )
    for left in given.filter(Q(user__is_active=False) | Exists(kept_no_more)):
        git_tokens_condemn(user=left.user)


def _git_tokens_revoke(*, forge: ForgeClient, account: ForgeAccount, actor: User | None = None) -> None:
    forge.revoke_user_tokens(account.forge_user_id)
    with unit_of_work():
        # Not where a new one was given meanwhile.
        if ForgeAccount.objects.filter(pk=account.pk, git_tokens=GitTokens.ENDING).update(git_tokens=GitTokens.NONE):
            name = account.user.username
            _record_tokens("git_tokens.ended", f"the tokens for git of {name} are revoked", account.user, actor)


@unit_of_work
def _git_tokens_given(account: ForgeAccount) -> None:
    """Before the forge is asked: a token that nobody knows of would never end."""
    others = ForgeAccount.objects.filter(pk=account.pk).exclude(git_tokens=GitTokens.GIVEN)
    if others.update(git_tokens=GitTokens.GIVEN, git_tokens_given_at=timezone.now()):
        _record_tokens("git_tokens.given", f"{account.user.username} is given tokens for git", account.user)


def _has_ended(token_id: int | None) -> bool:
    return token_id is not None and not ApiToken.objects.filter(pk=token_id, revoked_at=None).exists()


def _record_tokens(action: str, message: str, user: User, actor: User | None = None) -> None:
    audit_record(action=action, message=message, actor=actor, obj=user)
