"""The built-in policies that the rooms declare, brought into the database after migrations."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.policies.built_in import BuiltInPolicy
from tenants.policies.models.policy import AccessPolicy, AccessPolicyVersion
from tenants.policies.services.policies import content_of

logger = logging.getLogger(__name__)


def built_in_policies_load(*, declared: Iterable[BuiltInPolicy]) -> list[str]:
    """Makes the built-in policies those of `declared`. Gives the names of all that changed.

    An empty table is the beginning of an installation. Later each change makes a version, and an event of the
    platform's. A policy that an operator disabled stays disabled, and one of an operator's own stays as it is, even
    under the same name. A built-in policy that no room declares any longer is disabled.
    """
    wanted = {policy.name: policy for policy in declared}
    for policy in wanted.values():
        # A policy that can't be evaluated stops the migration.
        AccessPolicy(name=policy.name, **policy.content()).clean()
    if AccessPolicy.objects.exists():
        changed = built_in_policies_upgrade(wanted=wanted)
    else:
        changed = built_in_policies_install(wanted=wanted)
    if changed:
        access.policies_changed()
    return changed


@transaction.atomic
def built_in_policies_install(*, wanted: Mapping[str, BuiltInPolicy]) -> list[str]:
    """Fills an empty table. No event tells of it: nobody could decide anything before."""
    rows = AccessPolicy.objects.bulk_create(
        AccessPolicy(name=name, is_built_in=True, **policy.content()) for name, policy in wanted.items()
    )
    AccessPolicyVersion.objects.bulk_create(map(_version_of, rows))
    return list(wanted)


@unit_of_work
def built_in_policies_upgrade(*, wanted: Mapping[str, BuiltInPolicy]) -> list[str]:
    """Brings the rows to `wanted`, each change with a version and an event."""
    rows = {row.name: row for row in AccessPolicy.objects.select_for_update(no_key=True)}
    changed = []
    for name, policy in wanted.items():
        row = rows.get(name)
        if row is None:
            row = _create(policy)
            audit_record(
                action="policy.created",
                message=f"policy {name} came with an upgrade",
                obj=row,
                after=content_of(row),
            )
        elif not row.is_built_in:
            logger.warning("policy %s: an operator's own has this name: rename it, and migrate again", name)
            continue
        elif not _change(row, policy.content()):
            continue
        changed.append(name)
    for name, row in rows.items():
        if row.is_built_in and name not in wanted and _change(row, {"is_enabled": False}):
            changed.append(name)
    return changed


def _create(policy: BuiltInPolicy) -> AccessPolicy:
    row = AccessPolicy.objects.create(name=policy.name, is_built_in=True, **policy.content())
    _version_of(row).save()
    return row


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
    _version_of(row).save()
    audit_record(
        action="policy.changed",
        message=f"policy {row.name} changed by an upgrade: {', '.join(sorted(changes))}",
        obj=row,
        before={name: before[name] for name in changes},
        after=changes,
        data={"version": row.version},
    )
    return True


def _version_of(row: AccessPolicy) -> AccessPolicyVersion:
    return AccessPolicyVersion(policy=row, version=row.version, content={"name": row.name, **content_of(row)})
