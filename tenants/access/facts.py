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
    rows = _ALL.rows(user_id, most=HELD_IN_MEMORY + 1)
    if len(rows) > HELD_IN_MEMORY:
        return _of_many(user_id)
    held: dict[str, dict[str, set[int]]] = {}
    for kind, pk, name in rows:
        held.setdefault(kind, {}).setdefault(name, set()).add(pk)
    return Facts(
        memberships={pk: role for role, pks in held.get(_MEMBERSHIP, {}).items() for pk in pks},
        groups=frozenset(held.get(_GROUP, {})),
        grants={model: granted(held.get(model._meta.label_lower, {})) for model in GRANT_MODELS},
    )


def granted(ids: Mapping[str, set[int]]) -> Granted:
    return {codename: frozenset(pks) for codename, pks in ids.items()}


def _of_many(user_id: int) -> Facts:
    memberships, groups, *_ = _parts(user_id)
    return Facts(
        memberships={pk: role for _kind, pk, role in memberships},
        groups=frozenset(name for _kind, _pk, name in groups),
        grants=dict.fromkeys(GRANT_MODELS),
    )


def _parts(user_id: int) -> list[QuerySet[Any, tuple[str, int, str]]]:
    """Rows of kind, id and name."""
    memberships = Membership.objects.filter(user=user_id).values_list(Value(_MEMBERSHIP), "organization_id", "role")
    groups = User.groups.through.objects.filter(user_id=user_id)
    return [
        memberships.order_by(),
        groups.order_by().values_list(Value(_GROUP), "group_id", "group__name"),
        *(
            model.objects.filter(user=user_id)
            .order_by()
            .values_list(Value(model._meta.label_lower), "content_object_id", "permission__codename")
            for model in GRANT_MODELS
        ),
    ]


def _all_parts(user_id: int) -> QuerySet[Any, tuple[Any, ...]]:
    first, *others = _parts(user_id)
    return first.union(*others, all=True)


_ALL = KeptQuery(_all_parts, stand_in=-1)
