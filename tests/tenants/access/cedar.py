"""Our policies, people and rows as Cedar's (https://www.cedarpolicy.com), which then decides by itself.

Everything is translated from what is stored, by nothing of `tenants.access` and `tenants.policies.conditions`: the
policies' JSON, the columns of rows, and memberships, groups and grants as the database has them. Cedar skips a
policy that asks for what is not there; so a missing value is said outright (`has`): it satisfies no
lookup of an allow, and each of a deny. What Cedar has no word for is computed here, and only that:

- times are Longs, microseconds since 1970;
- the weekday and time of day in each zone that a window names (the windows themselves are Cedar);
- IPv4 addresses and networks that are written as IPv6 are IPv4's;
- whether a freeze is in force.
"""

import ipaddress
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import cedarpy
from django.db.models import Model

from tenants.models import (
    AccessPolicy,
    Environment,
    Freeze,
    Membership,
    MembershipPeriod,
    PluginAppUserObjectPermission,
    Release,
    ReleaseContributor,
    ReleaseUserObjectPermission,
    User,
)
from tenants.people.choices import MemberRole, PlatformRole
from tenants.policies.resources import ResourceType
from tests.tenants.access.worlds import WEEKDAYS, World

# Which parts of a release make which attribute.
PARTS = {
    "submitters": ("submitted",),
    "pushers": ("pushed", "may_have_pushed"),
    "variable_editors": ("set_variable",),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RELATIONS = {"exact": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_SETS = {"contains": "contains", "overlaps": "containsAny"}
_NEGATIONS = {"not_in": "in", "excludes": "contains", "disjoint": "overlaps", "outside": "within"}
_NEGATIONS["not_in_network"] = "in_network"


@dataclass(frozen=True)
class Facts:
    """What the database says of everybody, read once: whose roles, groups and grants are whose, and when it froze."""

    roles: dict[int, dict[str, list[int]]]
    groups: dict[int, list[str]]
    app_grants: dict[tuple[int, str], list[int]]
    release_grants: dict[tuple[int, str], list[int]]
    freezes: list[tuple[datetime, datetime]]
    rows: dict[tuple[str, int], dict[str, Any]]

    @classmethod
    def read(cls, by_type: dict[str, list[Any]], types: dict[str, ResourceType]) -> "Facts":
        roles: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for membership in Membership.objects.all():
            roles[membership.user_id][membership.role].append(membership.organization_id)
        groups: dict[int, list[str]] = defaultdict(list)
        for user, group in User.groups.through.objects.values_list("user", "group__name"):
            groups[user].append(group)
        return cls(
            roles=roles,
            groups=groups,
            app_grants=_grants(PluginAppUserObjectPermission),
            release_grants=_grants(ReleaseUserObjectPermission),
            freezes=[(freeze.starts_at, freeze.ends_at) for freeze in Freeze.objects.all()],
            rows={(name, row.pk): resource(types[name], row) for name, rows in by_type.items() for row in rows},
        )


def _grants(model: Any) -> dict[tuple[int, str], list[int]]:
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for grant in model.objects.select_related("permission"):
        found[grant.user_id, grant.permission.codename].append(grant.content_object_id)
    return found


def allowed_by_cedar(world: World, rows: list[Any], facts: Facts) -> set[int]:
    """The ids of the rows on which Cedar allows it. An error in evaluation is an error in the translation."""
    name = world.resource_type.name
    entities = [
        {"uid": {"type": "User", "id": "who"}, "attrs": principal(world, facts), "parents": []},
        *(
            {"uid": {"type": "Row", "id": str(row.pk)}, "attrs": facts.rows[name, row.pk], "parents": []}
            for row in rows
        ),
    ]
    requests: list[dict[str, Any]] = [
        {
            "principal": 'User::"who"',
            "action": f"Action::{text(world.action)}",
            "resource": f'Row::"{row.pk}"',
            "context": context(world, facts),
        }
        for row in rows
    ]
    answers = cedarpy.is_authorized_batch(requests, policies(world), json.dumps(entities))
    errors = [error for answer in answers for error in answer.diagnostics.errors]
    assert not errors, f"{errors}\n{policies(world)}"
    return {row.pk for row, answer in zip(rows, answers, strict=True) if answer.allowed}


def principal(world: World, facts: Facts) -> dict[str, Any]:
    """Ids in roles are those of the organizations in which the user has it."""
    user, came_in = world.user, world.came_in
    platform_roles = [name for name in PlatformRole.values if user.is_superuser or getattr(user, f"is_{name}")]
    roles = facts.roles[user.pk]
    optional = {
        "scopes": None if came_in.scopes is None else sorted(came_in.scopes),
        "only_organization": came_in.organization_id,
        "only_app": came_in.app_id,
    }
    return {
        "id": user.pk,
        "is_active": user.is_active,
        "username": user.username,
        "email": user.email.lower(),
        "platform_roles": platform_roles,
        "organizations": [pk for role in MemberRole.values for pk in roles[role]],
        **{f"{role}_of": roles[role] for role in MemberRole.values},
        "groups": facts.groups[user.pk],
        "has_second_factor": came_in.has_second_factor,
        "is_service_account": user.service_organization_id is not None,
        "granted_apps": facts.app_grants[user.pk, world.resource_type.app_grants.get(world.action, "")],
        "granted_releases": facts.release_grants[user.pk, world.resource_type.own_grants.get(world.action, "")],
        **{name: value for name, value in optional.items() if value is not None},
    }


def resource(resource_type: ResourceType, row: Model) -> dict[str, Any]:
    """The row's attributes, read along their columns; a missing one is not there. `of_*`: its tenant, app and id."""
    special = {
        **{name: partial(_contributors, row, parts) for name, parts in PARTS.items()},
        "former_members": lambda: _former_members(row),
        "is_for_service_account": lambda: row.user.service_organization is not None,  # type: ignore[attr-defined]
    }
    found = {
        attribute.name: special[attribute.name]() if attribute.name in special else _walked(row, attribute.orm_path)
        for attribute in resource_type.attributes
    }
    found["of_organization"] = _walked(row, resource_type.organization)
    found["of_app"] = _walked(row, resource_type.app)
    found["of_release"] = row.pk if isinstance(row, Release) else None
    return {name: _plain(value) for name, value in found.items() if value is not None}


def _contributors(row: Any, parts: tuple[str, ...]) -> list[int]:
    return sorted(set(ReleaseContributor.objects.filter(release=row, part__in=parts).values_list("user", flat=True)))


def _former_members(row: Any) -> list[int]:
    """Worked out from the rows here: an end of a membership that is later than what was approved last."""
    periods = MembershipPeriod.objects.filter(organization=row.app.organization).exclude(until=None)
    as_of = Environment.objects.get(pk=row.environment_id).approved_as_of
    return sorted({period.user_id for period in periods if period.is_end and (as_of is None or period.until > as_of)})


def _walked(row: Any, path: str) -> Any:
    if not path:
        return None
    for name in path.split("__"):
        row = getattr(row, name) if row is not None else None
    return row.pk if isinstance(row, Model) else row


def _plain(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def context(world: World, facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "now": microseconds(world.time),
        "authentication_method": str(world.came_in.method),
        "freeze": any(starts <= world.time < ends for starts, ends in facts.freezes),
        "local": {zone: _local(world.time, zone) for zone in sorted(_zones(world.policies))},
    }
    address = unmapped(world.came_in.address or "")
    return found | ({"address": {"__extn": {"fn": "ip", "arg": address}}} if address else {})


def _zones(stored: list[AccessPolicy]) -> set[str]:
    parts = [part for policy in stored for part in _alternatives(policy.context)]
    return {value["zone"] for part in parts for key, value in part.items() if key.startswith("time__")}


def _local(moment: datetime, zone: str) -> dict[str, Any]:
    here = moment.astimezone(ZoneInfo(zone))
    day = int(here.strftime("%w")) - 1
    return {
        "today": WEEKDAYS[day],
        "yesterday": WEEKDAYS[day - 1],
        "second": here.hour * 3600 + here.minute * 60 + here.second,
    }


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


def _alternatives(stored: Any) -> list[dict[str, Any]]:
    if stored == {"match_all": True}:
        return [{}]
    return stored if isinstance(stored, list) else [stored]


def condition(stored: Any, of: str, is_deny: bool) -> str:
    parts = (
        " && ".join(f"({term(of, key, value, is_deny)})" for key, value in part.items()) or "true"
        for part in _alternatives(stored)
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
    if lookup in _NEGATIONS:
        return f"!({_comparison(place, _NEGATIONS[lookup], value)})"
    if lookup in _RELATIONS:
        return f"{place} {_RELATIONS[lookup]} {literal(value)}"
    if lookup == "in":
        return f"{literal(value)}.contains({place})"
    if lookup == "startswith":
        return f'{place} like {text(value)[:-1]}*"'
    if lookup == "in_network":
        networks = [unmapped(network) for network in (value if isinstance(value, list) else [value])]
        return "(" + " || ".join(f"{place}.isInRange(ip({text(network)}))" for network in networks) + ")"
    return f"{place}.{_SETS[lookup]}({literal(value)})"


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
