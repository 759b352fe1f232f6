"""Our policies as policies of Cedar."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tenants.models import (
    AccessPolicy,
)
from tenants.people.choices import MemberRole
from tests.tenants.access.worlds import WEEKDAYS, World

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RELATIONS = {"exact": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
SETS = {"contains": "contains", "overlaps": "containsAny"}
NEGATIONS = {"not_in": "in", "excludes": "contains", "disjoint": "overlaps", "outside": "within"}
NEGATIONS["not_in_network"] = "in_network"


def policies(world: World) -> str:
    """The whole policy set: what limits tokens, what is granted explicitly, and the world's own policies."""
    scope = world.resource_type.actions[world.action]
    lacks = "principal.scopes.isEmpty()" if scope == "read" else f"!principal.scopes.contains({text(scope)})"
    lines = [
        "forbid (principal, action, resource) when { !principal.is_active };",
        f"forbid (principal, action, resource) when {{ principal has scopes && {lacks} }};",
        *(
            f"forbid (principal, action, resource) when {{ principal has only_{owner} && "
            f"!(resource has of_{owner} && resource.of_{owner} == principal.only_{owner}) }};"
            for owner in ("organization", "app")
        ),
        *(
            f"permit (principal, action, resource) when {{ resource has of_{owner} && "
            f"principal.granted_{owner}s.contains(resource.of_{owner}) }};"
            for owner in ("app", "release")
        ),
        *(policy(stored) for stored in world.policies),
    ]
    return "\n".join(lines)


def policy(stored: AccessPolicy) -> str:
    is_deny = stored.effect == "deny"
    actions = ", ".join(f"Action::{text(action)}" for action in stored.actions)
    conditions = " && ".join(
        condition(stored_condition, of, is_deny)
        for of, stored_condition in (
            ("principal", stored.subject),
            ("resource", stored.resource),
            ("context", stored.context),
        )
    )
    effect = "forbid" if is_deny else "permit"
    return f"{effect} (principal, action in [{actions}], resource) when {{ {conditions} }};"


def alternatives(stored: Any) -> list[dict[str, Any]]:
    if stored == {"match_all": True}:
        return [{}]
    return stored if isinstance(stored, list) else [stored]


def condition(stored: Any, of: str, is_deny: bool) -> str:
    parts = (
        " && ".join(f"({term(of, key, value, is_deny)})" for key, value in part.items()) or "true"
        for part in alternatives(stored)
    )
    return "(" + " || ".join(f"({part})" for part in parts) + ")"


def term(of: str, key: str, value: Any, is_deny: bool) -> str:
    name, _, lookup = key.partition("__")
    lookup = lookup or "exact"
    if of == "principal" and name == "role":
        return _role(lookup, value)
    if name == "time":
        return _window(lookup, value)
    place = f"{of}.{name}"
    if lookup == "isnull":
        return f"!({of} has {name})" if value else f"{of} has {name}"
    said = _comparison(place, lookup, value)
    if of == "principal":
        return said
    return f"!({of} has {name}) || {said}" if is_deny else f"{of} has {name} && {said}"


def _comparison(place: str, lookup: str, value: Any) -> str:
    if lookup in NEGATIONS:
        return f"!({_comparison(place, NEGATIONS[lookup], value)})"
    if lookup in RELATIONS:
        return f"{place} {RELATIONS[lookup]} {literal(value)}"
    if lookup == "in":
        return f"{literal(value)}.contains({place})"
    if lookup == "startswith":
        return f'{place} like {text(value)[:-1]}*"'
    if lookup == "in_network":
        networks = [unmapped(network) for network in (value if isinstance(value, list) else [value])]
        return "(" + " || ".join(f"{place}.isInRange(ip({text(network)}))" for network in networks) + ")"
    return f"{place}.{SETS[lookup]}({literal(value)})"


def _role(lookup: str, value: Any) -> str:
    if lookup in ("ne", "not_in"):
        return f"!({_role('in', [value] if lookup == 'ne' else value)})"
    wanted = value if lookup == "in" else [value]
    has = {
        role: f"(resource has of_organization && principal.{role}_of.contains(resource.of_organization))"
        for role in MemberRole.values
    }
    has["none"] = "!(" + " || ".join(has.values()) + ")"
    return " || ".join(has[role] for role in wanted)


def _window(lookup: str, value: dict[str, Any]) -> str:
    if lookup == "outside":
        return f"!({_window('within', value)})"
    here = f"context.local[{text(value['zone'])}]"
    days = literal(value.get("weekdays", list(WEEKDAYS)))
    today, yesterday = (f"{days}.contains({here}.{day})" for day in ("today", "yesterday"))
    starts = _seconds(value.get("from", "00:00"))
    # Until midnight is until the day's end.
    ends = _seconds(value.get("to", "00:00")) or 24 * 3600
    second = f"{here}.second"
    if starts < ends:
        return f"{today} && {second} >= {starts} && {second} < {ends}"
    return f"({today} && {second} >= {starts}) || ({yesterday} && {second} < {ends})"


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def literal(value: Any) -> str:
    """A value as Cedar writes it; a placeholder is what it stands for."""
    if value == "$context.time":
        return "context.now"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if value.startswith("$subject."):
        return f"principal.{value.removeprefix('$subject.')}"
    moment = _moment(value)
    return text(value) if moment is None else str(moment)


@cache
def _moment(value: str) -> int | None:
    """No other text looks like one."""
    try:
        return microseconds(datetime.fromisoformat(value)) if len(value) > 20 else None
    except ValueError:
        return None


def text(value: str) -> str:
    """With `*` escaped it means itself in patterns, too."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def unmapped(written: str) -> str:
    """An address or network; empty for what is none."""
    prefix = "::ffff:"
    if written.startswith(prefix):
        address, _, length = written.removeprefix(prefix).partition("/")
        return f"{address}/{int(length) - 96}" if length else address
    try:
        ipaddress.ip_network(written)
    except ValueError:
        return ""
    return written
