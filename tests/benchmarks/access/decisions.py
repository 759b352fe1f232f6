"""How many decisions a second one process takes, beside cedarpy with the same policies, people and rows."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cedarpy
from django.db.models import Model
from django.utils import timezone

from tenants import access
from tenants.audit.request_context import Authentication, authentication
from tenants.models import AccessPolicy, Environment, PluginApp, Release, ReleaseContributor, User
from tenants.policies.resources import ACTIONS
from tenants.releases.choices import Part
from tests.benchmarks.access.world import World
from tests.benchmarks.figures import Figure, Target, paired
from tests.tenants.access import cedar, cedar_policies
from tests.tenants.access.cedar_policies import text
from tests.tenants.access.worlds import World as Asked

ROUNDS = 21
# Of all cases, in each round.
TIMES, TIMES_CEDAR = 500, 10
AT_LEAST_TIMES_CEDAR = 10
CAME_IN = Authentication(method="session", address="127.0.0.1", has_second_factor=True)


@dataclass(frozen=True)
class Case:
    user: User
    action: str
    row: Model
    is_allowed: bool


def measure(world: World, say: Callable[[str], None]) -> list[Figure]:
    """Rows, memberships and grants are loaded. Cedar has its policies and each case's entities parsed already."""
    cases = _cases(world)
    stored = list(AccessPolicy.objects.filter(is_enabled=True))
    by_cedar = _cedar(cases, stored)
    _check(cases, by_cedar)
    mine: list[float] = []
    theirs: list[float] = []
    token = authentication.set(CAME_IN)
    try:
        with access.evaluation():
            for _ in range(ROUNDS):
                mine.append(_rate(lambda: [access.decide(case.user, case.action, case.row) for case in cases], TIMES))
                theirs.append(_rate(lambda: [decide() for decide in by_cedar], TIMES_CEDAR))
    finally:
        authentication.reset(token)
    mine, theirs = ([rate * len(cases) for rate in rates] for rates in (mine, theirs))
    say(f"  {len(stored)} policies in force; {len(cases)} cases, {sum(case.is_allowed for case in cases)} allowed")
    return [
        paired(
            f"decisions in one process, {len(stored)} policies in force",
            list(zip(mine, theirs, strict=True)),
            "a second",
            f"cedarpy with the same {len(stored)} policies, parsed, and the same cases, in turn",
            Target("ratio", ">=", AT_LEAST_TIMES_CEDAR),
        )
    ]


def _cases(world: World) -> list[Case]:
    """Allowed by role, by grant and by platform role; denied by a policy, and since none allows it."""
    apps = PluginApp.objects.select_related("organization")
    releases = Release.objects.select_related("app__organization", "environment").prefetch_related(
        "contributors", "app__organization__membership_periods"
    )
    own = apps.get(pk=world.shown.pk)
    granted = apps.filter(pk__in=world.granted).exclude(organization__in=world.organizations[:5]).earliest("pk")
    elsewhere = apps.exclude(pk__in=world.granted).filter(organization=world.organizations[7]).earliest("pk")
    release = releases.get(pk=world.release.pk)
    other = releases.filter(app=elsewhere).earliest("pk")
    environment = Environment.objects.select_related("app__organization").get(app=own, name="production")
    submitted = releases.filter(app=elsewhere).latest("pk")
    part = {"user": world.reviewer, "through": world.reviewer, "part": Part.SUBMITTED}
    ReleaseContributor.objects.get_or_create(release=submitted, **part)
    submitted = releases.get(pk=submitted.pk)
    return [
        Case(world.member, "app.view", own, True),
        Case(world.member, "app.view", granted, True),
        Case(world.member, "app.view", elsewhere, False),
        Case(world.member, "app.change", own, False),
        Case(world.owner, "app.change", own, True),
        Case(world.member, "release.view", release, True),
        Case(world.member, "release.view", other, False),
        Case(world.member, "release.submit", release, True),
        Case(world.reviewer, "release.approve", other, True),
        Case(world.reviewer, "release.approve", submitted, False),
        Case(world.member, "release.approve", release, False),
        Case(world.owner, "environment.change", environment, True),
        Case(world.operator, "environment.view", environment, True),
        Case(world.member, "environment.change", environment, False),
    ]


def _cedar(cases: list[Case], stored: list[AccessPolicy]) -> list[Callable[[], bool]]:
    by_type: dict[str, list[Any]] = {}
    for case in cases:
        by_type.setdefault(ACTIONS[case.action].name, []).append(case.row)
    facts = cedar.Facts.read(by_type, {kind.name: kind for kind in ACTIONS.values()})
    asked = [Asked(ACTIONS[case.action], case.action, stored, case.user, CAME_IN, timezone.now()) for case in cases]
    policies = cedarpy.PolicySet.from_str(cedar_policies.policies(asked[0]))
    return [_question(case, one, facts, policies) for case, one in zip(cases, asked, strict=True)]


def _question(case: Case, asked: Asked, facts: cedar.Facts, policies: cedarpy.PolicySet) -> Callable[[], bool]:
    entities = [
        {"uid": {"type": "User", "id": "who"}, "attrs": cedar.principal(asked, facts), "parents": []},
        {"uid": {"type": "Row", "id": "1"}, "attrs": cedar.resource(asked.resource_type, case.row), "parents": []},
    ]
    parsed = cedarpy.Entities.from_json_str(json.dumps(entities))
    request = {
        "principal": 'User::"who"',
        "action": f"Action::{text(case.action)}",
        "resource": 'Row::"1"',
        "context": cedar.context(asked, facts),
    }
    return lambda: bool(cedarpy.is_authorized(request, policies, parsed).allowed)


def _check(cases: list[Case], by_cedar: list[Callable[[], bool]]) -> None:
    """Raises `RuntimeError` where somebody decides otherwise than expected."""
    token = authentication.set(CAME_IN)
    try:
        for case, asked in zip(cases, by_cedar, strict=True):
            decision = access.decide(case.user, case.action, case.row)
            if not decision.allowed == asked() == case.is_allowed:
                raise RuntimeError(f"{case}: we say {decision}, and Cedar says {asked()}")
    finally:
        authentication.reset(token)


def _rate(run: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        run()
    return times / (time.perf_counter() - started)
