"""People and their tokens for the REST API."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, validators
from tenants.exceptions import AlreadyExists, InvalidInput, NotPermitted
from tenants.models import ApiToken, User
from tenants.services.audit import audit_record
from tenants.services.unit import unit_of_work

TOKEN_PREFIX = "berth_"  # noqa: S105 - the part of every token that is no secret


@unit_of_work
def user_create(
    *,
    username: str,
    password: str,
    email: str,
    actor: User | None,
    is_reviewer: bool = False,
    is_operator: bool = False,
) -> User:
    """Creates a person. `actor` is an operator, or None for the command line of the platform's own machine.

    Raises `InvalidInput` naming the field, `AlreadyExists` for a name that is taken in any case.
    """
    user = User(username=username, email=email, is_reviewer=is_reviewer, is_operator=is_operator)
    if actor is not None:
        access.require(actor, "user.create", user)
    validators.together(
        lambda: validators.username(username),
        lambda: _checked("email", lambda: validate_email(email)),
        lambda: _checked("password", lambda: validate_password(password, user)),
    )
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise AlreadyExists(
            f"username: {username} is taken: choose another", errors={"username": ["is taken: choose another"]}
        ) from None
    audit_record(
        action="user.created",
        message=f"user {username} created",
        actor=actor,
        data={"username": username, "roles": user.roles},
    )
    return user


def _checked(field: str, check: object) -> None:
    try:
        check()  # type: ignore[operator]
    except ValidationError as error:
        raise InvalidInput(f"{field}: {error.messages[0]}", errors={field: list(error.messages)}) from None


@unit_of_work
def api_token_create(*, user: User, name: str, ttl: timedelta = timedelta(days=90)) -> tuple[ApiToken, str]:
    """A new token for the REST API and its text, which is nowhere else: only its SHA-256 is kept."""
    validators.display_name(name)
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user, name=name, token_sha256=token_sha256(text), expires_at=timezone.now() + ttl
    )
    audit_record(action="token.created", message=f"API token {name} created", actor=user, data={"token": token.pk})
    return token, text


@unit_of_work
def api_token_revoke(*, token: ApiToken, actor: User) -> None:
    """Ends a token of one's own at once; without effect on one that is revoked already."""
    if token.user_id != actor.pk:
        raise NotPermitted("this is somebody else's token")
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit_record(
            action="token.revoked", message=f"API token {token.name} revoked", actor=actor, data={"token": token.pk}
        )
    token.refresh_from_db()


def token_sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
