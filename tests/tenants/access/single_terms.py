"""Worlds that are no accident: one policy of one term each, for everything that a term can be; tokens for one place;
and the built-in policies, asked about everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tenants.audit.request_context import Authentication
from tenants.models import AccessPolicy, User
from tenants.people.choices import TokenScope
from tenants.policies.choices import PolicyEffect
from tenants.policies.conditions import CONTEXT_ATTRIBUTES, SUBJECT_ATTRIBUTES
from tenants.policies.resources import RESOURCE_TYPES, ResourceType
from tests.tenants.access.rows import FROZEN, START, Rows
from tests.tenants.access.worlds import (
    ADDRESSES,
    NETWORKS,
    TAKE_A_LIST,
    Values,
    World,
    lookups_of,
    placeholders_of,
    subject_literals,
)

ALL = {"match_all": True}
# Monday, and an hour as one of the rows has it.
MOMENT = START + timedelta(days=1, hours=3)
NIGHT = {"zone": "Europe/Berlin", "weekdays": ["mon"], "from": "22:00", "to": "06:00"}
DAY = {"zone": "Europe/Berlin", "from": "09:00", "to": "17:00"}


@dataclass(frozen=True)
class Question:
    """A condition's field, and the one term that stands in it."""

    field: str
    key: str
    value: Any


def single_term_worlds(rows: Rows) -> Iterator[World]:
    """Each term as the only allow, and as the only deny beside an allow of everything."""
    values = Values(rows)
    nobody = User.objects.get(memberships=None, groups=None)
    nobody.is_active = True
    for resource_type in RESOURCE_TYPES.values():
        asked = _asked_by(rows, resource_type, 1)
        for question in _of_resource(resource_type, values):
            yield from _both_effects(question, asked)
            if question.value in ("$subject.organizations", "$subject.groups"):
                yield from _both_effects(question, replace(asked, user=nobody))
    for name in ("audit_event", "host"):
        for question in _of_subject(rows):
            for place in range(3):
                yield from _both_effects(question, _asked_by(rows, RESOURCE_TYPES[name], place))
    for question in _of_context():
        world = _asked_by(rows, RESOURCE_TYPES["app"], 1)
        for circumstances in _circumstances(question.key):
            yield from _both_effects(question, replace(world, **circumstances))


def limited_worlds(rows: Rows) -> Iterator[World]:
    """Everything is allowed, to tokens for one organization or one app."""
    places = [{"organization_id": row.pk} for row in rows.organizations] + [{"app_id": row.pk} for row in rows.apps]
    for resource_type in RESOURCE_TYPES.values():
        asked = _asked_by(rows, resource_type, 1)
        everything = AccessPolicy(
            name="one",
            effect=PolicyEffect.ALLOW,
            resource_type=resource_type.name,
            actions=list(resource_type.actions),
            subject=ALL,
            resource=ALL,
            context=ALL,
        )
        for place in places:
            came_in = Authentication(method="token", scopes=frozenset(TokenScope.values), **place)
            yield replace(asked, policies=[everything], came_in=came_in)


def built_in_worlds(rows: Rows) -> Iterator[World]:
    """Every action under the policies that Berth comes with, by people of all kinds, in a freeze and without one."""
    stored = list(AccessPolicy.objects.filter(is_built_in=True))
    for resource_type in RESOURCE_TYPES.values():
        policies = [policy for policy in stored if policy.resource_type == resource_type.name]
        for place in range(12):
            asked = replace(_asked_by(rows, resource_type, place), policies=policies)
            for action in resource_type.actions:
                yield replace(asked, action=action, time=FROZEN[0] if place % 2 else MOMENT)


def _asked_by(rows: Rows, resource_type: ResourceType, place: int) -> World:
    return World(
        resource_type=resource_type,
        action=next(iter(resource_type.actions)),
        policies=[],
        user=[user for user in rows.users if user.is_active][place],
        came_in=Authentication(method="session", address="10.1.2.3", has_second_factor=place % 2 == 0),
        time=MOMENT,
    )


def _both_effects(question: Question, world: World) -> Iterator[World]:
    conditions = {"subject": ALL, "resource": ALL, "context": ALL}
    about = {"name": "one", "resource_type": world.resource_type.name, "actions": [world.action]}
    everything = AccessPolicy(effect=PolicyEffect.ALLOW, **about, **conditions)
    asked = conditions | {question.field: {question.key: question.value}}
    yield replace(world, policies=[AccessPolicy(effect=PolicyEffect.ALLOW, **about, **asked)])
    yield replace(world, policies=[everything, AccessPolicy(effect=PolicyEffect.DENY, **about, **asked)])


def _of_resource(resource_type: ResourceType, values: Values) -> Iterator[Question]:
    for attribute in resource_type.attributes:
        for lookup, key in lookups_of(attribute):
            if lookup == "isnull":
                yield from (Question("resource", key, value) for value in (True, False))
                continue
            first, second, *_ = values.literals(resource_type, attribute, lookup)
            yield Question("resource", key, [first, second] if lookup in TAKE_A_LIST else first)
            if lookup == "startswith" and not attribute.choices:
                yield Question("resource", key, "")
            yield from (Question("resource", key, value) for value in placeholders_of(attribute, lookup))


def _of_subject(rows: Rows) -> Iterator[Question]:
    for attribute in SUBJECT_ATTRIBUTES:
        for lookup, key in lookups_of(attribute):
            if lookup == "startswith" and not attribute.choices:
                yield from (Question("subject", key, value) for value in subject_literals(rows, attribute)[:1])
                continue
            first, second, *_ = subject_literals(rows, attribute)
            literals = [[first], [first, second]] if lookup in TAKE_A_LIST else [first]
            yield from (Question("subject", key, value) for value in literals)
            if attribute.name == "role":
                yield Question("subject", key, ["none", first] if lookup in TAKE_A_LIST else "none")


def _of_context() -> Iterator[Question]:
    clock, address, method, freeze = CONTEXT_ATTRIBUTES
    yield from (Question("context", key, value) for _, key in lookups_of(clock) for value in (NIGHT, DAY))
    for lookup, key in lookups_of(address):
        found = (True, False) if lookup == "isnull" else (*NETWORKS, list(NETWORKS[1:3]))
        yield from (Question("context", key, value) for value in found)
    for lookup, key in lookups_of(method):
        yield Question("context", key, ["session"] if lookup in TAKE_A_LIST else "session")
    yield from (Question("context", key, value) for _, key in lookups_of(freeze) for value in (True, False))


def _circumstances(key: str) -> Iterator[dict[str, Any]]:
    """What differs for the attribute that `key` names."""
    if key.startswith("address"):
        yield from ({"came_in": Authentication(method="session", address=address)} for address in ADDRESSES)
    elif key.startswith("authentication"):
        yield from ({"came_in": Authentication(method=method)} for method in ("session", "token", "platform"))
    elif key == "freeze":
        yield from ({"time": moment} for moment in (*FROZEN, FROZEN[0] - timedelta(microseconds=1), MOMENT))
    else:
        monday = datetime(2026, 3, 2, tzinfo=UTC)
        for minutes in (0, 5 * 60, 8 * 60, 8 * 60 - 1, 16 * 60, 21 * 60, 21 * 60 - 1, 28 * 60, 29 * 60, 45 * 60):
            yield {"time": monday + timedelta(minutes=minutes)}
