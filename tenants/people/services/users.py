"""People: their accounts, platform roles and groups."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput
from tenants.organizations.models.organization import Organization
from tenants.people.models.user import User
from tenants.people.services.keepers import kept_tokens_end
from tenants.people.services.memberships import announce, organizations_left_without
from tenants.people.services.service_accounts import PREFIX
from tenants.people.services.token_ends import announce_end, tokens_end

CHANGEABLE = ("email", "is_active", "is_reviewer", "is_operator", "is_auditor", "groups")


@unit_of_work
def user_create(
    *,
    username: str,
    password: str,
    email: str,
    actor: User | None,
    is_reviewer: bool = False,
    is_operator: bool = False,
    is_auditor: bool = False,
) -> User:
    """Creates a person. `actor` is an operator, or None for the command line of the platform's own machine.

    Raises `InvalidInput` naming the field, `AlreadyExists` for a name that is taken in any case.
    """
    user = User(username=username, email=email, is_reviewer=is_reviewer, is_operator=is_operator, is_auditor=is_auditor)
    if actor is not None:
        access.require(actor, "user.create", user)
    validators.together(
        lambda: validators.username(username),
        lambda: _refuse_service_name(username),
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
    access.people_changed()
    audit_record(
        action="user.created",
        message=f"user {username} created",
        actor=actor,
        obj=user,
        before={},
        after=_described(user),
        data={"username": username, "roles": user.roles},
    )
    return user


@unit_of_work
def user_change(*, user: User, actor: User, **changes: Any) -> User:
    """Sets some of `CHANGEABLE`; the same values again leave no trace.

    `groups` are names, made where they don't exist; others are left. Who is made inactive loses sessions, tokens and
    open streams at once, for good. Of a service account only `is_active` can be changed. Raises `InvalidInput` naming
    the field, `WouldLockOut` where no operator could change policies any more.
    """
    # Two changes at once take turns, so that what the trail says was before was so; and who was put out by the first
    # does not put themselves back by the second.
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    access.look_again()
    # Operators may step down: they are judged as who they were when it was their turn.
    asking = access.Subject(User.objects.get(pk=actor.pk))
    with access.changing(asking, "user.change", user):
        _check_changes(user, changes)
        before = _described(user)
        groups: Collection[str] | None = changes.pop("groups", None)
        changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
        for name, value in changes.items():
            setattr(user, name, value)
        if changes:
            user.save(update_fields=list(changes))
        if groups is not None:
            user.groups.set([Group.objects.get_or_create(name=name)[0] for name in sorted(set(groups))])
        after = _described(user)
        changed = [name for name in after if after[name] != before[name]]
        if not changed:
            return user
        if "is_active" in changed:
            _activity_changed(user)
        access.people_changed()
        access.refuse_lockout()
    audit_record(
        action="user.changed",
        message=_told(user, changed),
        actor=actor,
        obj=user,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        data={"username": user.username},
    )
    return user


def _check_changes(user: User, changes: dict[str, Any]) -> None:
    if user.is_service_account and (refused := sorted(set(changes) - {"is_active"})):
        raise InvalidInput.field(refused[0], "can't be changed for a service account: only is_active can")
    checks: list[Callable[[], object]] = []
    if "email" in changes:
        checks.append(lambda: _checked("email", lambda: validate_email(changes["email"])))
    checks += [partial(validators.display_name, name, field="groups") for name in changes.get("groups") or ()]
    validators.together(*checks)


def _activity_changed(user: User) -> None:
    # The forge takes in active members alone.
    joined = Organization.objects.filter(pk__in=user.memberships.values("organization")).order_by("pk")
    for organization in joined.select_for_update(no_key=True):
        announce(organization)
    if user.is_active:
        return
    tokens_end(user.api_tokens.all())
    announce_end(user)
    for organization in joined:
        kept_tokens_end(user, organization)
    # Sessions of who is inactive are nobody's already; without this they would come back with the account.
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def _told(user: User, changed: list[str]) -> str:
    told = f"user {user} changed: {', '.join(changed)}"
    if "is_active" in changed and not user.is_active and (left := organizations_left_without(user)):
        told += f"; without an active owner now: {', '.join(organization.slug for organization in left)}"
    return told


def _described(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "is_active": user.is_active,
        "is_reviewer": user.is_reviewer,
        "is_operator": user.is_operator,
        "is_auditor": user.is_auditor,
        "groups": sorted(user.groups.values_list("name", flat=True)) if user.pk else [],
    }


def _refuse_service_name(username: str) -> None:
    if username.lower().startswith(PREFIX):
        raise InvalidInput.field("username", f"starts with {PREFIX}, as service accounts do: choose another")


def _checked(field: str, check: Callable[[], object]) -> None:
    try:
        check()
    except ValidationError as error:
        raise InvalidInput(f"{field}: {error.messages[0]}", errors={field: list(error.messages)}) from None
