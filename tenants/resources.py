"""What policies may speak of: for each resource type its actions and the attributes of its rows.

Each model declares its own type beside itself, with `register`; whatever is not declared can't be named in a policy.
This module imports no model, so that all of them may import it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q

# What an attribute's values are, and with that which lookups it has (see `access.lookups`).
ID, TEXT, NUMBER, TIME, FLAG, ID_SET, TEXT_SET = "id", "text", "number", "time", "flag", "id_set", "text_set"


@dataclass(frozen=True)
class Attribute:
    """One attribute of a resource type.

    `path` leads to it in the ORM (`environment__name`); it is the name where left out. A set says with `contains` how
    its rows are found in SQL, and with `read` what it holds in Python.
    """

    name: str
    kind: str
    path: str = ""
    contains: Callable[[Any], Q] | None = None
    read: Callable[[Any], Any] | None = None
    is_nullable: bool = False

    @property
    def orm_path(self) -> str:
        return self.path or self.name


@dataclass(frozen=True)
class ResourceType:
    """A kind of row that policies protect.

    `actions` maps each action to the token scope it takes. `organization` and `app` are ORM paths to the row's tenant
    and app; empty where it has none. `reference` gives the name by which people name a row (`app:app1000001`).
    `grants` maps actions to permissions that may be granted on one row of a type: `{"release.view": [("release",
    "view_release"), ("app", "view_pluginapp")]}`.
    """

    name: str
    model: type[Model]
    actions: Mapping[str, str]
    attributes: tuple[Attribute, ...]
    organization: str = ""
    app: str = ""
    grants: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def attribute(self, name: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


RESOURCE_TYPES: dict[str, ResourceType] = {}
# action -> the type of the rows it is done to.
ACTIONS: dict[str, ResourceType] = {}


def register(resource_type: ResourceType) -> ResourceType:
    RESOURCE_TYPES[resource_type.name] = resource_type
    for action in resource_type.actions:
        ACTIONS[action] = resource_type
    return resource_type


def scope_of(action: str) -> str:
    """The token scope that `action` takes: read, deploy, review or operate. Raises `KeyError` for an unknown action."""
    return ACTIONS[action].actions[action]
