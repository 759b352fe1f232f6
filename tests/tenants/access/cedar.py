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

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from tests.tenants.access.cedar_policies import alternatives, microseconds, policies, text, unmapped
from tests.tenants.access.worlds import WEEKDAYS, World

# Which parts of a release make which attribute.
PARTS = {
    "submitters": ("submitted",),
    "pushers": ("pushed", "may_have_pushed"),
    "variable_editors": ("set_variable",),
}


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
    parts = [part for policy in stored for part in alternatives(policy.context)]
    return {value["zone"] for part in parts for key, value in part.items() if key.startswith("time__")}


def _local(moment: datetime, zone: str) -> dict[str, Any]:
    here = moment.astimezone(ZoneInfo(zone))
    day = int(here.strftime("%w")) - 1
    return {
        "today": WEEKDAYS[day],
        "yesterday": WEEKDAYS[day - 1],
        "second": here.hour * 3600 + here.minute * 60 + here.second,
    }
