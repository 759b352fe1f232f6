"""Rows by the names that people give them: `app:app1000001`, `environment:app1000001/test`, `organization:acme`."""

from typing import Any

from django.db.models import Model
from django.http import Http404

from tenants.access.finding import get_visible
from tenants.exceptions import InvalidInput
from tenants.policies.resources import ACTIONS, RESOURCE_TYPES


def checked_action(text: str) -> str:
    if text not in ACTIONS:
        raise InvalidInput.field("action", f"{text[:60]!r} is no action: use one of {', '.join(sorted(ACTIONS))}")
    return text


def resource_for(action: str, text: str, *, user: Any) -> Model:
    """What `action` would be done to: the row that `text` names, or what would be created in it.

    Raises `InvalidInput` for a reference of the wrong kind, `Http404` for a row that `user` may not see.
    """
    resource_type = ACTIONS[action]
    parent, make = resource_type.creates.get(action, (resource_type.name, lambda row: row))
    if not parent:
        if text:
            raise InvalidInput.field("resource", f"{action} is done to nothing that is there: leave it out")
        return make(None)
    kind, colon, name = text.partition(":")
    if not colon or kind != parent:
        raise InvalidInput.field("resource", f"{action} is asked about {parent}:..., not {text[:60]!r}")
    row_type = RESOURCE_TYPES[parent]
    lookup = row_type.lookup(name)
    if lookup is None or "\x00" in name:
        raise Http404
    queryset = row_type.model._default_manager.all()
    return make(get_visible(queryset, user=user, action=row_type.view_action, **lookup))
