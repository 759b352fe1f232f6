"""The built-in policies that the rooms declare, brought into the database after migrations."""

import logging
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from tenants import access
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.policies.built_in import BuiltInPolicy
from tenants.policies.models.policy import AccessPolicy, AccessPolicyVersion
from tenants.policies.services.policies import content_of

logger = logging.getLogger(__name__)


@unit_of_work
def built_in_policies_load(*, declared: Iterable[BuiltInPolicy]) -> list[str]:
    """Makes the built-in policies those of `declared`. Gives the names of all that changed.

    Each change makes a version and an event of the platform's; an empty table, the beginning of an installation, makes
    versions alone. A policy that an operator disabled stays disabled, and one of an operator's own stays as it is, even
    under the same name. A built-in policy that no room declares any more is disabled.
    """
    wanted = {policy.name: policy for policy in declared}
    rows = {row.name: row for row in AccessPolicy.objects.select_for_update(no_key=True)}
    changed = []
    for name, policy in wanted.items():
        row = rows.get(name)
        # A policy that can't be evaluated stops the migration.
        AccessPolicy(name=name, **policy.content()).clean()
        if row is None:
            _create(policy, is_first=not rows)
        elif not row.is_built_in:
            logger.warning("policy %s: an operator's own has this name: rename it, and migrate again", name)
            continue
        elif not _change(row, policy.content()):
            continue
        changed.append(name)
    for name, row in rows.items():
        if row.is_built_in and name not in wanted and _change(row, {"is_enabled": False}):
            changed.append(name)
    if changed:
        access.policies_changed()
    return changed


def _create(policy: BuiltInPolicy, *, is_first: bool) -> None:
    row = AccessPolicy.objects.create(name=policy.name, is_built_in=True, **policy.content())
    _keep_version(row)
    if not is_first:
        audit_record(
            action="policy.created",
            message=f"policy {row.name} came with an upgrade",
            obj=row,
            after=content_of(row),
        )


def _change(row: AccessPolicy, wanted: dict[str, Any]) -> bool:
    before = content_of(row)
    changes = {name: value for name, value in wanted.items() if before[name] != value}
    if not changes:
        return False
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    # Not by `save`: a policy that no room declares any more may name attributes that are no more.
    AccessPolicy.objects.filter(pk=row.pk).update(version=row.version, updated_at=timezone.now(), **changes)
    _keep_version(row)
    audit_record(
        action="policy.changed",
        message=f"policy {row.name} changed by an upgrade: {', '.join(sorted(changes))}",
        obj=row,
        before={name: before[name] for name in changes},
        after=changes,
        data={"version": row.version},
    )
    return True


def _keep_version(row: AccessPolicy) -> None:
    AccessPolicyVersion.objects.create(policy=row, version=row.version, content={"name": row.name, **content_of(row)})
