"""How a state changes: by compare-and-set, and in no other way."""

from collections.abc import Collection, Mapping
from typing import Any

from tenants.apps.models.plugin_app import PluginApp
from tenants.exceptions import InvalidTransition
from tenants.names.models.custom_domain import CustomDomain
from tenants.people.models.invitation import Invitation
from tenants.releases.models.release import Release

Stateful = PluginApp | Release | Invitation | CustomDomain


def transition(row: Stateful, *, to: str, sources: Mapping[str, Collection[str]], **fields: Any) -> str:
    """Moves `row` to the state `to` if it is in one of `sources[to]`, together with `fields`; refreshes the row.

    Gives the state it was in. Raises `InvalidTransition`, which names the state that the row is in. Of several callers
    exactly one wins. Call it inside a unit of work.
    """
    rows = type(row)._base_manager.filter(pk=row.pk)
    before = rows.select_for_update(no_key=True).values_list("state", flat=True).first()
    updated = rows.filter(state=before, state__in=sources[to]).update(state=to, **fields)
    row.refresh_from_db()
    if not updated:
        raise InvalidTransition(f"{_name(row)} is {row.state}: it can become {to} only from {_listed(sources[to])}")
    return str(before)


def _name(row: Stateful) -> str:
    match row:
        case PluginApp():
            return row.public_id
        case Release():
            return f"release {row.number} of {row.app.public_id}"
        case Invitation():
            return f"the invitation of {row.invitee} to {row.organization}"
        case CustomDomain():
            return row.hostname


def _listed(states: Collection[str]) -> str:
    return " or ".join(sorted(str(state) for state in states))
