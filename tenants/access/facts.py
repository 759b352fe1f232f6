"""What the database says of one person, read in one query however much of it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Value

from tenants.access.kept import KeptQuery
from tenants.models import Membership, PluginAppUserObjectPermission, ReleaseUserObjectPermission, User

# The ids granted on rows of one model, by permission.
Granted = Mapping[str, frozenset[int]]
# More rows about one person are left to the database to look up.
HELD_IN_MEMORY = 1_000
GRANT_MODELS = (PluginAppUserObjectPermission, ReleaseUserObjectPermission)
_MEMBERSHIP, _GROUP = "membership", "group"


@dataclass(frozen=True)
class Facts:
    """`memberships`: role by organization id. `grants` by grant model; None: too many to hold, ask the database."""

    memberships: Mapping[int, str]
    groups: frozenset[str]
    grants: Mapping[Any, Granted | None]


def facts_of(user_id: int) -> Facts:
    """One query; two where there is too much to hold."""
    rows = _ALL.rows(user_id, most=HELD_IN_MEMORY + 1)
    holds_all = len(rows) <= HELD_IN_MEMORY
    held: dict[str, dict[str, set[int]]] = {}
    for kind, pk, name in rows if holds_all else _PLACES.rows(user_id):
        held.setdefault(kind, {}).setdefault(name, set()).add(pk)
    return Facts(
        memberships={pk: role for role, pks in held.get(_MEMBERSHIP, {}).items() for pk in pks},
        groups=frozenset(held.get(_GROUP, {})),
        grants={model: granted(held.get(model._meta.label_lower, {})) if holds_all else None for model in GRANT_MODELS},
    )


def granted(ids: Mapping[str, set[int]]) -> Granted:
    return {codename: frozenset(pks) for codename, pks in ids.items()}


def _places(user_id: int) -> QuerySet[Any, tuple[Any, ...]]:
    """Rows of kind, id and name: memberships and groups."""
    groups = User.groups.through.objects.filter(user_id=user_id)
    return (
        Membership.objects.filter(user=user_id)
        .order_by()
        .values_list(Value(_MEMBERSHIP), "organization_id", "role")
        .union(groups.order_by().values_list(Value(_GROUP), "group_id", "group__name"), all=True)
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
