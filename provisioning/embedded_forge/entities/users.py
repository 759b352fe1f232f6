"""Users, members, tokens."""

from typing import Any

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.entities.times import day, moment
from provisioning.embedded_forge.models import Member, Token, User


def basic(user: User | None) -> dict[str, Any] | None:
    if user is None:
        return None
    return {
        "id": user.pk,
        "username": user.username,
        "public_email": None,
        "name": user.name,
        "state": user.state,
        "locked": False,
        "avatar_url": None,
        "web_url": f"{configuration.external_url()}/{user.username}",
    }


def full(user: User) -> dict[str, Any]:
    """What a person sees of themselves, and an administrator of everybody."""
    return {
        **(basic(user) or {}),
        "created_at": moment(user.created_at),
        "bio": "",
        "location": "",
        "bot": user.is_bot,
        "email": user.email,
        "commit_email": user.email,
        "confirmed_at": moment(user.created_at),
        "last_sign_in_at": None,
        "current_sign_in_at": None,
        "last_activity_on": None,
        "projects_limit": user.projects_limit,
        "identities": [],
        "can_create_group": user.can_create_group,
        "can_create_project": user.projects_limit > 0,
        "two_factor_enabled": False,
        "external": user.is_external,
        "private_profile": False,
    }


def for_admin(user: User) -> dict[str, Any]:
    namespace = getattr(user, "namespace", None)
    namespace_id = namespace.pk if namespace else None
    return {
        **full(user),
        "is_admin": user.is_admin,
        "note": user.note,
        "namespace_id": namespace_id,
        "created_by": None,
    }


def member(row: Member) -> dict[str, Any]:
    return {
        **(basic(row.user) or {}),
        "access_level": row.access_level,
        "created_at": moment(row.created_at),
        "created_by": basic(row.created_by),
        "expires_at": day(row.expires_at),
        "membership_state": "active",
    }


def token(row: Token, *, secret: str | None = None) -> dict[str, Any]:
    """`secret` is shown once, to the one who had it made."""
    shown: dict[str, Any] = {
        "id": row.pk,
        "name": row.name,
        "revoked": row.is_revoked,
        "created_at": moment(row.created_at),
        "description": row.description or None,
        "scopes": row.scopes,
        "user_id": row.user_id,
        "last_used_at": moment(row.last_used_at),
        "active": not row.is_revoked and row.user.is_active and not row.is_expired,
        "expires_at": day(row.expires_at),
    }
    if row.is_impersonation:
        shown["impersonation"] = True
    if row.project_id is not None:
        shown |= {"access_level": row.access_level, "resource_type": "project", "resource_id": row.project_id}
    if secret is not None:
        shown["token"] = secret
    return shown
