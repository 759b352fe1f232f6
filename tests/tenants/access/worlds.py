"""Random worlds: who asks, from where and when, and the policies that are in force. All policies are valid ones, made
from what the resource types declare; values are mostly such as rows have, so that much matches and much just fails to.
"""

import copy
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tenants.access import Context, Subject
from tenants.access.evaluation import PolicySet, compiled, readers_of_rows
from tenants.audit.choices import AuthenticationMethod
from tenants.audit.request_context import Authentication, authentication
from tenants.models import AccessPolicy, User
from tenants.people.choices import TokenScope
from tenants.policies.conditions import CONTEXT_ATTRIBUTES, LOOKUPS, PLACEHOLDERS, SUBJECT_ATTRIBUTES
from tenants.policies.resources import RESOURCE_TYPES, Attribute, Kind, ResourceType
from tests.tenants.access.rows import EMAILS, FROZEN, GROUPS, Rows

# More of them where somebody has the time: BERTH_TEST_WORLDS=10000.
WORLDS = int(os.environ.get("BERTH_TEST_WORLDS", "250"))
SETTINGS = settings(
    max_examples=WORLDS,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
ADDRESSES = (None, "10.1.2.3", "::ffff:10.1.2.3", "192.168.0.1", "2001:db8::1", "127.0.0.1", "no address", "")
NETWORKS = ("10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0", "::/0")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TAKE_A_LIST = ("in", "not_in", "overlaps", "disjoint")
CLOCK_TIMES = ("00:00", "00:30", "02:30", "09:00", "17:00", "22:00", "23:59")
# Around the changes to and from summer time, at the edges of the freeze, and anywhere.
MOMENTS = st.one_of(
    st.sampled_from(
        [
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            datetime(2026, 3, 2, 17, 0, tzinfo=UTC),
            *FROZEN,
        ]
    ),
    # Hypothesis wants bounds without a zone, and adds it.
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)


@dataclass(frozen=True)
class World:
    """`policies` as they are stored; `user` with rights of this world's own, `came_in` how."""

    resource_type: ResourceType
    action: str
    policies: list[AccessPolicy]
    user: User
    came_in: Authentication
    time: datetime

    @property
    def policy_set(self) -> PolicySet:
        found = [compiled(policy) for policy in self.policies]
        assert all(policy is not None and policy.conditions is not None for policy in found), "a policy was refused"
        return PolicySet.of(policy for policy in found if policy is not None)

    @property
    def subject(self) -> Subject:
        return Subject(self.user, self.came_in)

    @property
    def context(self) -> Context:
        token = authentication.set(self.came_in)
        try:
            return Context(time=self.time)
        finally:
            authentication.reset(token)

    def __repr__(self) -> str:
        user = self.user
        rights = {name: getattr(user, name) for name in ("is_active", "is_superuser", "is_service_account", "roles")}
        policies = "".join(
            f"\n  {policy.effect} {policy.actions} subject={policy.subject} resource={policy.resource} "
            f"context={policy.context}"
            for policy in self.policies
        )
        return f"{self.action} by {user.username} {rights} {self.came_in} at {self.time}{policies}"


class Values:
    """The values that the rows have, for each attribute of each type: read once."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._found: dict[tuple[str, str], list[Any]] = {}

    def of(self, resource_type: ResourceType, attribute: Attribute) -> list[Any]:
        key = (resource_type.name, attribute.name)
        if key not in self._found:
            read = readers_of_rows(resource_type).attribute(attribute)
            values = [read(row) for row in self.rows.by_type[resource_type.name]]
            flat = {item for value in values for item in (value if isinstance(value, frozenset) else (value,))}
            self._found[key] = sorted(item for item in flat if item is not None) or [0]
        return self._found[key]

    def literals(self, resource_type: ResourceType, attribute: Attribute, lookup: str) -> list[Any]:
        """Single values that may stand beside `attribute`; the first ones are such as rows have."""
        if attribute.kind is Kind.FLAG:
            return [True, False]
        found = self.of(resource_type, attribute)
        middle = found[len(found) // 2 :] + found[: len(found) // 2]
        if attribute.kind in (Kind.ID, Kind.NUMBER, Kind.ID_SET):
            return [*middle, max(found) + 1, 0, 2**40, 2**63 - 1]
        if attribute.kind is Kind.TIME:
            return [(moment + timedelta(microseconds=step)).isoformat() for moment in middle for step in (0, 1, -1)]
        if attribute.choices:
            return [*(value for value in middle if value in attribute.choices), *attribute.choices]
        if lookup == "startswith":
            return [*(text[:length] for text in middle for length in (3, 1, 11, 0)), "%", "_"]
        return [*middle, *EMAILS, "%", "_", "", *(text.upper() for text in found)]


_SUBJECT_LITERALS: dict[str, tuple[Any, ...]] = {
    "username": ("ada", "Ada", "Bob", "b_b", "user9", "é"),
    "email": ("ada@x.test", "bob@x.test", "ü@x.test", ""),
    "groups": GROUPS,
}


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    window: dict[str, Any] = {"zone": draw(st.sampled_from(ZONES))}
    starts, ends = draw(st.lists(st.sampled_from(CLOCK_TIMES), min_size=2, max_size=2, unique=True))
    shape = draw(st.sampled_from(("both", "from", "to", "days")))
    if shape in ("both", "from"):
        window["from"] = starts
    if shape in ("both", "to"):
        window["to"] = ends
    if shape == "days" or draw(st.booleans()):
        window["weekdays"] = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=5, unique=True))
    return window


class Conditions:
    """Strategies for the three conditions of policies about rows of one type."""

    def __init__(self, values: Values, resource_type: ResourceType) -> None:
        def of_subject(attribute: Attribute, _lookup: str) -> st.SearchStrategy[Any]:
            return st.sampled_from(subject_literals(values.rows, attribute))

        def of_context(attribute: Attribute, _lookup: str) -> st.SearchStrategy[Any]:
            if attribute.kind is Kind.CLOCK:
                return windows()
            if attribute.kind is Kind.ADDRESS:
                network = st.sampled_from(NETWORKS)
                return network | st.lists(network, min_size=1, max_size=2)
            return st.sampled_from(attribute.choices or (True, False))

        def of_resource(attribute: Attribute, lookup: str) -> st.SearchStrategy[Any]:
            return st.sampled_from(values.literals(resource_type, attribute, lookup))

        self.subject = _condition([_term(attribute, of_subject) for attribute in SUBJECT_ATTRIBUTES])
        self.context = _condition([_term(attribute, of_context) for attribute in CONTEXT_ATTRIBUTES])
        self.resource = _condition(
            [_term(attribute, of_resource, with_placeholders=True) for attribute in resource_type.attributes]
        )


def subject_literals(rows: Rows, attribute: Attribute) -> tuple[Any, ...]:
    if attribute.kind is Kind.FLAG:
        return (True, False)
    if attribute.name == "id":
        return (*(user.pk for user in rows.users[:6]), 0)
    if attribute.name == "organizations":
        return (*(organization.pk for organization in rows.organizations), 0)
    return attribute.choices or _SUBJECT_LITERALS[attribute.name]


def lookups_of(attribute: Attribute) -> list[tuple[str, str]]:
    """Each lookup and the key that asks for it."""
    lookups = [*LOOKUPS[attribute.kind], *(["isnull"] if attribute.is_nullable else [])]
    return [(name, attribute.name if name == "exact" else f"{attribute.name}__{name}") for name in lookups]


def placeholders_of(attribute: Attribute, lookup: str) -> list[str]:
    """The placeholders that fit beside the lookup."""
    element = {Kind.ID_SET: Kind.ID, Kind.TEXT_SET: Kind.TEXT}.get(attribute.kind, attribute.kind)
    wanted = {Kind.ID: Kind.ID_SET, Kind.TEXT: Kind.TEXT_SET}.get(element) if lookup in TAKE_A_LIST else element
    if lookup in ("startswith", "isnull"):
        return []
    return [name for name, kind in PLACEHOLDERS.items() if kind == wanted]


def _term(attribute: Attribute, literals: Any, *, with_placeholders: bool = False) -> st.SearchStrategy[Any]:
    return st.one_of(
        [
            st.tuples(st.just(key), _value(attribute, lookup, literals, with_placeholders))
            for lookup, key in lookups_of(attribute)
        ]
    )


def _value(attribute: Attribute, lookup: str, literals: Any, with_placeholders: bool) -> st.SearchStrategy[Any]:
    if lookup == "isnull":
        return st.booleans()
    value = literals(attribute, lookup)
    if lookup in TAKE_A_LIST:
        value = st.lists(value, min_size=1, max_size=3)
    names = placeholders_of(attribute, lookup) if with_placeholders else []
    return value | st.sampled_from(names) if names else value


def _condition(terms: list[st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    everything = st.just({"match_all": True})
    if not terms:
        return everything
    part = st.lists(st.one_of(terms), min_size=1, max_size=2).map(dict)
    return st.one_of(everything, everything, part, st.lists(part, min_size=1, max_size=3))


@st.composite
def arrivals(draw: st.DrawFn, rows: Rows) -> Authentication:
    limit = draw(st.sampled_from(("none", "none", "none", "organization", "app")))
    scopes = draw(st.none() | st.none() | st.frozensets(st.sampled_from(TokenScope.values)))
    return Authentication(
        method=draw(st.sampled_from(AuthenticationMethod.values)),
        address=draw(st.sampled_from(ADDRESSES)),
        has_second_factor=draw(st.booleans()),
        scopes=scopes,
        organization_id=draw(st.sampled_from(rows.organizations)).pk if limit == "organization" else None,
        app_id=draw(st.sampled_from(rows.apps)).pk if limit == "app" else None,
    )


@st.composite
def people(draw: st.DrawFn, rows: Rows) -> User:
    """One of the users, with other rights than the row's."""
    user = copy.copy(draw(st.sampled_from(rows.users)))
    user.is_active = draw(st.integers(0, 19)) < 19
    for name in ("is_reviewer", "is_operator", "is_auditor"):
        setattr(user, name, draw(st.booleans()))
    user.is_superuser = draw(st.integers(0, 4)) == 4
    user.service_organization_id = draw(st.none() | st.sampled_from([row.pk for row in rows.organizations]))
    return user


def worlds(rows: Rows) -> st.SearchStrategy[World]:
    values = Values(rows)
    return st.sampled_from(sorted(RESOURCE_TYPES)).flatmap(lambda name: _worlds_about(name, rows, values))


def _worlds_about(name: str, rows: Rows, values: Values, known: dict[str, Any] = {}) -> st.SearchStrategy[World]:  # noqa: B006
    key = f"{name} {id(values)}"
    if key not in known:
        resource_type = RESOURCE_TYPES[name]
        conditions = Conditions(values, resource_type)
        actions = list(resource_type.actions)
        policy = st.builds(
            AccessPolicy,
            name=st.just("a policy"),
            effect=st.sampled_from(("allow", "allow", "deny")),
            actions=st.lists(st.sampled_from(actions), min_size=1, max_size=len(actions), unique=True),
            resource_type=st.just(name),
            subject=conditions.subject,
            resource=conditions.resource,
            context=conditions.context,
        )
        known[key] = st.builds(
            World,
            resource_type=st.just(resource_type),
            action=st.sampled_from(actions),
            policies=st.lists(policy, min_size=1, max_size=5) | st.just([]),
            user=people(rows),
            came_in=arrivals(rows),
            time=MOMENTS,
        )
    return known[key]
