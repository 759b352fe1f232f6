"""What policies may speak of: for each resource type its actions and the attributes of its rows.

Each model declares its own type beside itself, with `register`; whatever is not declared can't be named in a policy.
This module imports no model, so that all of them may import it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db.models import Model, Q


class Kind(StrEnum):
    """What an attribute's values are, and with that which lookups it has (see `conditions.LOOKUPS`)."""

    ID = "id"
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    FLAG = "flag"
    ID_SET = "id_set"
    TEXT_SET = "text_set"
    # Of the context alone: the time of day in a zone, and the address that a request came from.
    CLOCK = "clock"
    ADDRESS = "address"


@dataclass(frozen=True)
class Attribute:
    """One attribute that a policy may name.

    `path` leads to it in the ORM (`environment__name`); it is the name where left out. What is no column says with
    `matches` how the rows are found that have a value (or whose set has it), and with `read` what one row has. Of one
    that is kept in lower case the values in policies are taken in lower case, too. `reason` says in words what a row
    has there about the user of an id, empty for nothing: a deny that asked for it says so in front of its own words.
    """

    name: str
    kind: Kind
    path: str = ""
    choices: tuple[str, ...] = ()
    is_nullable: bool = False
    is_lower_case: bool = False
    matches: Callable[[Any], Q] | None = None
    read: Callable[[Any], Any] | None = None
    reason: Callable[[Any, Any], str] | None = None

    @property
    def orm_path(self) -> str:
        return self.path or self.name


@dataclass(frozen=True)
class ResourceType:
    """A kind of row that policies protect.

    `actions` maps each action to the token scope that it takes. `organization` and `app` are ORM paths to the row's
    tenant and app, empty where it has none. `grants` maps actions to the permissions which, granted on the row itself
    (`own_grants`) or on its app (`app_grants`), allow them. The first action is to view a row.

    `reference` names a row as people do, and `lookup` gives the filter for such a name, None for none that could be
    one. `creates` maps actions that create to the type of the row they are asked about, and what would be made of it.
    """

    name: str
    model: type[Model]
    actions: Mapping[str, str]
    attributes: tuple[Attribute, ...] = ()
    organization: str = ""
    app: str = ""
    own_grants: Mapping[str, str] = field(default_factory=dict)
    app_grants: Mapping[str, str] = field(default_factory=dict)
    reference: Callable[[Any], str] = lambda row: str(row.pk)
    lookup: Callable[[str], dict[str, Any] | None] = lambda text: by_number(text, "pk")
    creates: Mapping[str, tuple[str, Callable[[Any], Model]]] = field(default_factory=dict)

    @property
    def view_action(self) -> str:
        return next(iter(self.actions))

    def attribute(self, name: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


_LARGEST = 2**63 - 1


def by_number(text: str, name: str, prefix: str = "") -> dict[str, Any] | None:
    """`{name: 12}` for `12` with `prefix` in front; None where it is none."""
    digits = text.removeprefix(prefix)
    is_number = text.startswith(prefix) and digits.isascii() and digits.isdigit() and len(digits) <= 19
    return {name: int(digits)} if is_number and int(digits) <= _LARGEST else None


def by_pair(text: str, first: str, second: str) -> dict[str, Any] | None:
    """`{first: "acme", second: "ada"}` for `acme/ada`."""
    one, slash, other = text.partition("/")
    return {first: one, second: other} if slash else None


RESOURCE_TYPES: dict[str, ResourceType] = {}
# action -> the type of the rows that it is done to.
ACTIONS: dict[str, ResourceType] = {}


def register(resource_type: ResourceType) -> ResourceType:
    """Makes a type and its actions known. Raises `ValueError` for an action that another type has."""
    for action in resource_type.actions:
        if ACTIONS.setdefault(action, resource_type).name != resource_type.name:
            raise ValueError(f"{action} is an action of {ACTIONS[action].name} already")
    RESOURCE_TYPES[resource_type.name] = resource_type
    return resource_type


def scope_of(action: str) -> str:
    """The token scope that `action` takes. Raises `KeyError` for an unknown action."""
    return ACTIONS[action].actions[action]
