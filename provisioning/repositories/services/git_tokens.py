"""One's own tokens for git, one by one. All of them at once: `services.repositories`."""

from provisioning.forge.config import forge_from_settings
from provisioning.forge.types import GitToken
from provisioning.repositories.models.repository import ForgeAccount
from tenants.audit.services.record import audit_record
from tenants.people.models.user import User


def git_tokens_listed(*, user: User) -> list[GitToken]:
    """Those in force, the newest first. Never a token itself: the forge has a hash alone.

    A person without an account at the forge has none, and the forge is not asked.
    Raises `ServiceUnavailable`, `ForgeRefused`.
    """
    account = ForgeAccount.objects.filter(user=user).first()
    if account is None:
        return []
    return forge_from_settings().user_tokens(account.forge_user_id)


def git_token_revoke(*, user: User, token_id: int, actor: User) -> bool:
    """Revokes one token of `user`, at once; false where they have none of this id.

    Raises `ServiceUnavailable` while the forge is away: nothing is revoked then.
    """
    if not any(token.id == token_id for token in git_tokens_listed(user=user)):
        return False
    forge_from_settings().revoke_user_token(token_id)
    audit_record(
        action="git_token.revoked",
        message=f"a token for git of {user.username} is revoked",
        actor=actor,
        obj=user,
        data={"git_token": token_id, "username": user.username},
    )
    return True
