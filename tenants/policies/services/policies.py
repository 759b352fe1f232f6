"""Policies and freezes: who may change them, their versions, and that nobody locks everybody out."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput, InvalidTransition
from tenants.people.models.user import User
from tenants.policies.models.policy import AccessPolicy, AccessPolicyVersion, Freeze

CONTENT = ("description", "effect", "actions", "resource_type", "subject", "resource", "context", "code", "is_enabled")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
_CODE = re.compile(r"[a-z][a-z_]{0,39}|")


@unit_of_work
def policy_create(*, name: str, actor: User, **content: Any) -> AccessPolicy:
    """A new policy, in force at once everywhere unless `is_enabled` is false. `content` has `CONTENT`'s fields.

    Raises `InvalidInput` naming the field and the path in it, `AlreadyExists` for a name in use, `WouldLockOut`.
    """
    policy = AccessPolicy(name=name, **content)
    access.require(actor, "policy.create", policy)
    validators.together(lambda: _check_name(name), lambda: _check_texts(policy))
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError:
        raise AlreadyExists(
            f"name: a policy {name} exists: choose another", errors={"name": ["is in use: choose another"]}
        ) from None
    _put_in_force(policy, actor)
    audit_record(
        action="policy.created", message=f"policy {name} created", actor=actor, obj=policy, after=content_of(policy)
    )
    return policy


@unit_of_work
def policy_change(*, policy: AccessPolicy, version: int, actor: User, **changes: Any) -> AccessPolicy:
    """Changes the fields that `changes` names; the same values again leave no trace.

    `version` is the one that was read. Raises `InvalidTransition` where somebody was faster, `InvalidInput`,
    `WouldLockOut`. Of a built-in policy only `is_enabled` may change: upgrades bring its content.
    """
    policy = AccessPolicy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    access.look_again()
    before = content_of(policy)
    with access.changing(actor, "policy.change", policy):
        if policy.version != version:
            raise InvalidTransition(
                f"version: the policy is at version {policy.version}, not {version}: read it again, and change that"
            )
        changed = {name: value for name, value in changes.items() if before[name] != value}
        if policy.is_built_in and changed.keys() - {"is_enabled"}:
            raise InvalidInput.field(
                min(changed.keys() - {"is_enabled"}),
                "a built-in policy can only be enabled and disabled: disable it, and add one of your own",
            )
        if not changed:
            return policy
        for name, value in changed.items():
            setattr(policy, name, value)
        _check_texts(policy)
        policy.version += 1
        policy.save()
        _put_in_force(policy, actor)
    audit_record(
        action="policy.changed",
        message=f"policy {policy.name} changed: {', '.join(sorted(changed))}",
        actor=actor,
        obj=policy,
        before={name: before[name] for name in changed},
        after=changed,
        data={"version": policy.version},
    )
    return policy


@unit_of_work
def freeze_create(*, reason: str, ends_at: datetime, actor: User, starts_at: datetime | None = None) -> Freeze:
    """A freeze from `starts_at` (now, if left out) to `ends_at`. Raises `InvalidInput`, `WouldLockOut`."""
    freeze = Freeze(reason=reason, starts_at=starts_at or timezone.now(), ends_at=ends_at, created_by=actor)
    access.require(actor, "freeze.create", freeze)
    validators.free_text(reason, field="reason")
    if not reason.strip():
        raise InvalidInput.field("reason", "is empty: say what everybody is waiting for")
    if freeze.ends_at <= max(freeze.starts_at, timezone.now()):
        raise InvalidInput.field("ends_at", "must be after starts_at and in the future")
    freeze.save()
    access.policies_changed()
    access.refuse_lockout()
    audit_record(
        action="freeze.created",
        message=f"freeze until {freeze.ends_at:%Y-%m-%d %H:%M} UTC: {reason}",
        actor=actor,
        obj=freeze,
        after={"starts_at": freeze.starts_at.isoformat(), "ends_at": freeze.ends_at.isoformat(), "reason": reason},
    )
    return freeze


@unit_of_work
def freeze_end(*, freeze: Freeze, actor: User) -> Freeze:
    """Ends a freeze now, or takes back one that has not begun. Raises `InvalidTransition` for one that is over."""
    access.require(actor, "freeze.end", freeze)
    now = timezone.now()
    before = freeze.ends_at
    if freeze.starts_at >= now:
        # It never was: it ends as it begins, as nearly as a row may say so.
        now = freeze.starts_at + timedelta(microseconds=1)
    if not Freeze.objects.filter(pk=freeze.pk, ends_at__gt=now).update(ends_at=now):
        raise InvalidTransition("the freeze is over already")
    freeze.refresh_from_db()
    access.policies_changed()
    audit_record(
        action="freeze.ended",
        message="freeze ended",
        actor=actor,
        obj=freeze,
        before={"ends_at": before.isoformat()},
        after={"ends_at": freeze.ends_at.isoformat()},
    )
    return freeze


def content_of(policy: AccessPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in CONTENT}


def _put_in_force(policy: AccessPolicy, actor: User) -> None:
    AccessPolicyVersion.objects.create(
        policy=policy, version=policy.version, content={"name": policy.name, **content_of(policy)}, changed_by=actor
    )
    access.policies_changed()
    access.refuse_lockout()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput.field("name", "must be 1 to 100 of a-z, 0-9 and '-', starting with a letter")


def _check_texts(policy: AccessPolicy) -> None:
    validators.free_text(policy.description, field="description")
    if not policy.description.strip():
        raise InvalidInput.field("description", "is empty: say what the policy is for; people read it when it denies")
    if not _CODE.fullmatch(policy.code):
        raise InvalidInput.field("code", "must be empty, or 1 to 40 of a-z and '_'")
