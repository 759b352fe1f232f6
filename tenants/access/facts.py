"""What the database says of one person, and the stamp of the policies with it, in one query however much is asked."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, CharField, QuerySet, Value
from django.db.models.functions import Cast

from tenants.access.prepared_queries import KeptQuery
from tenants.organizations.models.organization import Membership
from tenants.people.models.user import User
from tenants.policies.models.grants import PluginAppUserObjectPermission, ReleaseUserObjectPermission
from tenants.policies.models.policy import AccessStamp

# The ids granted on rows of one model, by permission.
Granted = Mapping[str, frozenset[int]]
# More rows about one person are left to the database to look up.
HELD_IN_MEMORY = 1_000
GRANT_MODELS = (PluginAppUserObjectPermission, ReleaseUserObjectPermission)
_MEMBERSHIP, _GROUP, _STAMP = "membership", "group", "stamp"
# The name of the stamp that changes with the policies.
POLICIES = "policies"


@dataclass(frozen=True)
class Facts:
    """`memberships`: role by organization id. `grants` by grant model; None: too many to hold, ask the database.

    `stamp` is that of the policies when all this was read, None where there is none.
    """

    memberships: Mapping[int, str]
    groups: frozenset[str]
    grants: Mapping[Any, Granted | None]
    stamp: uuid.UUID | None


def facts_of(user_id: int) -> Facts:
    """One query; two where there is too much to hold."""
    # The stamp is one more.
    rows = _ALL.rows(user_id, most=HELD_IN_MEMORY + 2)
    holds_all = len(rows) <= HELD_IN_MEMORY + 1
    held: dict[str, dict[str, set[int]]] = {}
    for kind, pk, name in rows if holds_all else _PLACES.rows(user_id):
        held.setdefault(kind, {}).setdefault(name, set()).add(pk)
    stamps = list(held.get(_STAMP, {}))
    return Facts(
        memberships={pk: role for role, pks in held.get(_MEMBERSHIP, {}).items() for pk in pks},
        groups=frozenset(held.get(_GROUP, {})),
        grants={model: granted(held.get(model._meta.label_lower, {})) if holds_all else None for model in GRANT_MODELS},
        stamp=uuid.UUID(stamps[0]) if stamps else None,
    )


def granted(ids: Mapping[str, set[int]]) -> Granted:
    return {codename: frozenset(pks) for codename, pks in ids.items()}


def _places(user_id: int) -> QuerySet[Any, tuple[Any, ...]]:
    """Rows of kind, id and name: the stamp, memberships and groups."""
    stamps = AccessStamp.objects.filter(name=POLICIES).order_by()
    groups = User.groups.through.objects.filter(user_id=user_id).order_by()
    memberships = Membership.objects.filter(user=user_id).order_by()
    return stamps.values_list(Value(_STAMP), Value(0, BigIntegerField()), Cast("stamp", CharField())).union(
        memberships.values_list(Value(_MEMBERSHIP), "organization_id", "role"),
        groups.values_list(Value(_GROUP), "group_id", "group__name"),
        all=True,
    )


def _all(user_id: int) -> QuerySet[Any, tuple[Any, ...]]:
    """As `_places`, and what was granted."""
    grants = (
        model.objects.filter(user=user_id)
        .order_by()
        .values_list(Value(model._meta.label_lower), "content_object_id", "permission__codename")
        for model in GRANT_MODELS
    )
    return _places(user_id).union(*grants, all=True)


_PLACES = KeptQuery(_places, stand_in=-1)
_ALL = KeptQuery(_all, stand_in=-1)
