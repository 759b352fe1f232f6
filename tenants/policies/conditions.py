"""The language of policies: what a condition is, and why one is refused.

A condition is `{"match_all": true}`, an object of `attribute__lookup: value` of which all must hold, or a list of such
objects of which one must. `attribute` alone means `attribute__exact`. In resource conditions a value may be a
placeholder, `"$subject.id"`. A missing value (SQL NULL) satisfies no lookup of an allow and every lookup of a deny, so
that it can't let anything through; only `isnull` asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tenants.audit.choices import AuthenticationMethod
from tenants.exceptions import InvalidInput
from tenants.people.choices import MemberRole, PlatformRole
from tenants.policies.choices import PolicyEffect
from tenants.policies.condition_values import ELEMENTS, TAKE_A_LIST, parse_value
from tenants.policies.resources import ACTIONS, RESOURCE_TYPES, Attribute, Kind, ResourceType

NO_ROLE = "none"
_ONE = ("exact", "ne", "in", "not_in")
_ORDERED = ("exact", "ne", "lt", "lte", "gt", "gte")
_SET = ("contains", "excludes", "overlaps", "disjoint")
LOOKUPS: dict[Kind, tuple[str, ...]] = {
    Kind.ID: _ONE,
    Kind.TEXT: (*_ONE, "startswith"),
    Kind.NUMBER: _ORDERED,
    Kind.TIME: _ORDERED,
    Kind.FLAG: ("exact",),
    Kind.ID_SET: _SET,
    Kind.TEXT_SET: _SET,
    Kind.CLOCK: ("within", "outside"),
    Kind.ADDRESS: ("in_network", "not_in_network"),
}
# A condition is SQL in every list: SQLite takes 1,000 levels of it, and people read it when it denies.
MAX_ALTERNATIVES, MAX_TERMS = 20, 20

SUBJECT_ATTRIBUTES = (
    Attribute("id", Kind.ID),
    Attribute("username", Kind.TEXT),
    Attribute("email", Kind.TEXT, is_lower_case=True),
    Attribute("platform_roles", Kind.TEXT_SET, choices=tuple(PlatformRole.values)),
    Attribute("organizations", Kind.ID_SET),
    Attribute("role", Kind.TEXT, choices=(*MemberRole.values, NO_ROLE)),
    Attribute("groups", Kind.TEXT_SET),
    Attribute("has_second_factor", Kind.FLAG),
    Attribute("is_service_account", Kind.FLAG),
)
CONTEXT_ATTRIBUTES = (
    Attribute("time", Kind.CLOCK),
    Attribute("address", Kind.ADDRESS, is_nullable=True),
    Attribute("authentication_method", Kind.TEXT, choices=tuple(AuthenticationMethod.values)),
    Attribute("freeze", Kind.FLAG),
)
# What may stand for a value in a resource condition. `$context.time` is the moment of the decision.
PLACEHOLDERS: dict[str, Kind] = {
    f"$subject.{attribute.name}": attribute.kind for attribute in SUBJECT_ATTRIBUTES if attribute.name != "role"
} | {"$context.time": Kind.TIME}


@dataclass(frozen=True)
class Placeholder:
    name: str

    @property
    def source(self) -> str:
        return self.name[1:].split(".", 1)[0]

    @property
    def attribute(self) -> str:
        return self.name.split(".", 1)[1]


@dataclass(frozen=True)
class Term:
    """One comparison: an attribute, a lookup, and a value that is ready to compare with, or a `Placeholder`."""

    attribute: Attribute
    lookup: str
    value: Any

    def __str__(self) -> str:
        return f"{self.attribute.name}__{self.lookup}"


# One of these must hold; of one all terms must. `((),)` always holds.
Alternatives = tuple[tuple[Term, ...], ...]
ALWAYS: Alternatives = ((),)


class PolicyFields(Protocol):
    """What of a policy is checked: the model's rows have it, and so do drafts."""

    effect: Any
    actions: Any
    resource_type: Any
    subject: Any
    resource: Any
    context: Any


@dataclass(frozen=True)
class Conditions:
    subject: Alternatives
    resource: Alternatives
    context: Alternatives


def check_policy(policy: PolicyFields) -> Conditions:
    """The policy's conditions. Raises `InvalidInput` naming the field, the path and what is allowed."""
    if policy.effect not in PolicyEffect.values:
        raise InvalidInput.field("effect", f"{policy.effect!r} is no effect: use allow or deny")
    resource_type = RESOURCE_TYPES.get(policy.resource_type) if isinstance(policy.resource_type, str) else None
    if resource_type is None:
        raise InvalidInput.field(
            "resource_type", f"{policy.resource_type!r} is no resource type: use one of {', '.join(RESOURCE_TYPES)}"
        )
    _check_actions(policy.actions, resource_type)
    return Conditions(
        subject=parse(policy.subject, "subject", SUBJECT_ATTRIBUTES),
        resource=parse(policy.resource, "resource", resource_type.attributes, with_placeholders=True),
        context=parse(policy.context, "context", CONTEXT_ATTRIBUTES),
    )


def _check_actions(actions: Any, resource_type: ResourceType) -> None:
    allowed = ", ".join(resource_type.actions)
    if not isinstance(actions, list) or not actions:
        raise InvalidInput.field("actions", f"must be a list of at least one of {allowed}")
    for action in actions:
        if not isinstance(action, str) or ACTIONS.get(action) is not resource_type:
            raise InvalidInput.field(
                "actions", f"{action!r} is no action of {resource_type.name}: its actions are {allowed}"
            )
    if len(set(actions)) < len(actions):
        raise InvalidInput.field("actions", "names an action twice: name each once")


def parse(
    condition: Any, field: str, attributes: tuple[Attribute, ...], *, with_placeholders: bool = False
) -> Alternatives:
    """The terms of one condition. Raises `InvalidInput`."""
    if condition == {"match_all": True} and condition["match_all"] is True:
        return ALWAYS
    alternatives = condition if isinstance(condition, list) else [condition]
    if not alternatives or not all(isinstance(part, Mapping) and part for part in alternatives):
        raise InvalidInput.field(
            field, 'an empty condition never means everything: name attributes, or write {"match_all": true}'
        )
    if len(alternatives) > MAX_ALTERNATIVES or any(len(part) > MAX_TERMS for part in alternatives):
        raise InvalidInput.field(
            field, f"is too large: use at most {MAX_ALTERNATIVES} alternatives of {MAX_TERMS} attributes each"
        )
    by_name = {attribute.name: attribute for attribute in attributes}
    return tuple(
        tuple(_term(key, value, field, by_name, with_placeholders) for key, value in part.items())
        for part in alternatives
    )


def _term(key: str, value: Any, field: str, by_name: dict[str, Attribute], with_placeholders: bool) -> Term:
    if key == "match_all":
        raise InvalidInput.field(field, 'match_all stands alone and is true: write {"match_all": true}')
    name, _, lookup = str(key).rpartition("__")
    if key in by_name:
        name, lookup = key, "exact"
    attribute = by_name.get(name)
    if attribute is None:
        raise InvalidInput.field(
            field, f"{key}: no such attribute here; allowed are {', '.join(sorted(by_name)) or 'none'}"
        )
    allowed = LOOKUPS[attribute.kind] + (("isnull",) if attribute.is_nullable else ())
    if lookup not in allowed:
        raise InvalidInput.field(
            field, f"{key}: {attribute.name} has no lookup {lookup}; allowed are {', '.join(allowed)}"
        )
    where = f"{field}.{key}"
    if isinstance(value, str) and value.startswith("$"):
        return Term(attribute, lookup, _placeholder(value, where, attribute, lookup, with_placeholders))
    return Term(attribute, lookup, parse_value(value, where, attribute, lookup))


def _placeholder(value: str, where: str, attribute: Attribute, lookup: str, is_allowed_here: bool) -> Placeholder:
    if not is_allowed_here:
        raise InvalidInput.field(where, f"{value}: placeholders stand in resource conditions only: write a value")
    kind = attribute.kind if lookup in ("exact", "ne", "lt", "lte", "gt", "gte") else None
    if lookup in ("contains", "excludes"):
        kind = ELEMENTS[attribute.kind]
    elif lookup in TAKE_A_LIST:
        kind = {Kind.ID: Kind.ID_SET, Kind.TEXT: Kind.TEXT_SET}.get(attribute.kind, attribute.kind)
    fitting = sorted(name for name, own in PLACEHOLDERS.items() if own == kind)
    if value not in fitting:
        raise InvalidInput.field(
            where, f"{value} is no placeholder that fits here: allowed are {', '.join(fitting) or 'none'}"
        )
    return Placeholder(value)
