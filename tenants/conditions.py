"""The language of policies: what a condition is, and why one is refused.

A condition is `{"match_all": true}`, an object of `attribute__lookup: value` of which all must hold, or a list of such
objects of which one must. `attribute` alone means `attribute__exact`. In resource conditions a value may be a
placeholder, `"$subject.id"`. A missing value (SQL NULL) satisfies no lookup of an allow and every lookup of a deny, so
that it can't let anything through; only `isnull` asks for it.
"""

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Protocol
from zoneinfo import ZoneInfo, available_timezones

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from tenants.choices import AuthenticationMethod, MemberRole, PlatformRole, PolicyEffect
from tenants.exceptions import InvalidInput
from tenants.resources import ACTIONS, RESOURCE_TYPES, Attribute, Kind, ResourceType

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
_TAKE_A_LIST = {"in", "not_in", "overlaps", "disjoint"}
# A condition is SQL in every list: SQLite takes 1,000 levels of it, and people read it when it denies.
MAX_ALTERNATIVES, MAX_TERMS, MAX_VALUES, MAX_TEXT = 20, 20, 200, 300
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SUBJECT_ATTRIBUTES = (
    Attribute("id", Kind.ID),
    Attribute("username", Kind.TEXT),
    Attribute("email", Kind.TEXT),
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
_ELEMENTS = {Kind.ID_SET: Kind.ID, Kind.TEXT_SET: Kind.TEXT}
_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


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
class Window:
    """A time of day on some weekdays in a zone. One that ends before it starts goes on past midnight."""

    zone: str
    weekdays: frozenset[int]
    starts: time
    ends: time | None

    def holds(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self.zone))
        now, today, yesterday = local.time(), local.weekday(), (local.weekday() - 1) % 7
        if self.ends is None:
            return today in self.weekdays and now >= self.starts
        if self.starts < self.ends:
            return today in self.weekdays and self.starts <= now < self.ends
        return (today in self.weekdays and now >= self.starts) or (yesterday in self.weekdays and now < self.ends)


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
    return Term(attribute, lookup, _value(value, where, attribute, lookup))


def _placeholder(value: str, where: str, attribute: Attribute, lookup: str, is_allowed_here: bool) -> Placeholder:
    if not is_allowed_here:
        raise InvalidInput.field(where, f"{value}: placeholders stand in resource conditions only: write a value")
    kind = attribute.kind if lookup in ("exact", "ne", "lt", "lte", "gt", "gte") else None
    if lookup in ("contains", "excludes"):
        kind = _ELEMENTS[attribute.kind]
    elif lookup in _TAKE_A_LIST:
        kind = {Kind.ID: Kind.ID_SET, Kind.TEXT: Kind.TEXT_SET}.get(attribute.kind, attribute.kind)
    fitting = sorted(name for name, own in PLACEHOLDERS.items() if own == kind)
    if value not in fitting:
        raise InvalidInput.field(
            where, f"{value} is no placeholder that fits here: allowed are {', '.join(fitting) or 'none'}"
        )
    return Placeholder(value)


def _value(value: Any, where: str, attribute: Attribute, lookup: str) -> Any:
    if lookup == "isnull":
        return _flag(value, where)
    if attribute.kind is Kind.CLOCK:
        return _window(value, where)
    if attribute.kind is Kind.ADDRESS:
        return _networks(value, where)
    kind = _ELEMENTS.get(attribute.kind, attribute.kind)
    if lookup in _TAKE_A_LIST:
        if not isinstance(value, list) or not value:
            raise InvalidInput.field(where, "must be a list of at least one value")
        if len(value) > MAX_VALUES:
            raise InvalidInput.field(where, f"has {len(value)} values: use at most {MAX_VALUES}")
        return frozenset(_scalar(item, where, kind, attribute.choices) for item in value)
    return _scalar(value, where, kind, attribute.choices)


def _scalar(value: Any, where: str, kind: Kind, choices: tuple[str, ...]) -> Any:
    if kind is Kind.FLAG:
        return _flag(value, where)
    if kind in (Kind.ID, Kind.NUMBER):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise InvalidInput.field(where, f"{value!r} must be a whole number from 0")
        return value
    if not isinstance(value, str) or not _can_be_stored(value):
        raise InvalidInput.field(where, f"{value!r} must be a text")
    if len(value) > MAX_TEXT:
        raise InvalidInput.field(where, f"has {len(value)} characters: use at most {MAX_TEXT}")
    if value.startswith("$"):
        raise InvalidInput.field(where, f"{value!r} stands in a list: a placeholder is the whole value")
    if kind is Kind.TIME:
        return _moment(value, where)
    if choices and value not in choices:
        raise InvalidInput.field(where, f"{value!r} is not one of {', '.join(choices)}")
    return value


def _can_be_stored(text: str) -> bool:
    """PostgreSQL takes no NUL, and no database a lone surrogate, which JSON may spell."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput.field(where, f"{value!r} must be true or false")
    return value


def _moment(value: str, where: str) -> datetime:
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    if moment is not None and is_aware(moment):
        # In UTC, as databases keep it: there the first and the last hours of a calendar may be none any more.
        with suppress(OverflowError):
            return moment.astimezone(UTC)
    raise InvalidInput.field(where, f"{value!r} must be a time with its zone, such as 2026-01-31T12:00:00Z")


def _networks(value: Any, where: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_VALUES:
        raise InvalidInput.field(where, f"has {len(items)} networks: use at most {MAX_VALUES}")
    try:
        networks = tuple(_network(item) for item in items if isinstance(item, str))
    except ValueError as error:
        raise InvalidInput.field(where, f"{error}: write networks such as 10.0.0.0/8") from None
    if not networks or len(networks) < len(items):
        raise InvalidInput.field(where, "must be a network, or a list of at least one, such as 10.0.0.0/8")
    return networks


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """One of IPv4 in IPv6 (::ffff:0:0/96) is the IPv4 network, as with the addresses that are looked for in it."""
    network = ipaddress.ip_network(text)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96))


def _window(value: Any, where: str) -> Window:
    if not isinstance(value, Mapping) or "zone" not in value or set(value) - {"zone", "weekdays", "from", "to"}:
        raise InvalidInput.field(where, "must be an object with zone, and of weekdays, from and to at least one")
    zone = value["zone"]
    if not isinstance(zone, str) or zone not in available_timezones():
        raise InvalidInput.field(
            where, f"{zone!r} is no time zone: name one of the IANA database, such as Europe/Berlin"
        )
    weekdays = value.get("weekdays", list(WEEKDAYS))
    if not isinstance(weekdays, list) or not weekdays or not all(day in WEEKDAYS for day in weekdays):
        raise InvalidInput.field(where, f"weekdays must be a list of at least one of {', '.join(WEEKDAYS)}")
    starts, ends = (_clock_time(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    if starts is None and ends is None and "weekdays" not in value:
        raise InvalidInput.field(where, "names the zone alone: name weekdays, or from and to, as well")
    if starts == ends and starts is not None:
        raise InvalidInput.field(where, "from and to are the same: leave both out for whole days")
    return Window(zone, frozenset(WEEKDAYS.index(day) for day in weekdays), starts or time(), ends or None)


def _clock_time(value: Any, where: str) -> time | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _CLOCK_TIME.fullmatch(value):
        raise InvalidInput.field(where, f"{value!r} must be a time of day, 00:00 to 23:59")
    return time.fromisoformat(value)
