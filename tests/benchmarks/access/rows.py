"""A page and a count of 100,000 apps through `restrict`, beside django-guardian's `get_objects_for_user`.

Guardian has no roles: its user is another one, who was granted, on each app, what the first may see by membership and
grant. It keeps that with direct foreign keys (`PluginAppUserObjectPermission`), the faster of its two ways.
"""

import copy
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import override_settings
from guardian.shortcuts import get_objects_for_user

from tenants import access
from tenants.choices import MemberRole
from tenants.models import Membership, PluginApp, User
from tests.benchmarks.access.policies import CONTRACTORS
from tests.benchmarks.access.world import GRANTED_EACH, World, create, grant, new_app, new_user, spread
from tests.benchmarks.figures import Figure, Target

APPS = 100_000
ROUNDS = 101
PAGE = 50
PAGE_MS, COUNT_MS = 3, 10
PAGE_RATIO, COUNT_RATIO = 1 / 3, 1 / 10
# As guardian's documentation has them: Berth's own would let policies answer what guardian asks.
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]


def measure(world: World, say: Callable[[str], None]) -> list[Figure]:
    """For who belongs to 100 organizations with 100 apps each, and was granted 100 apps elsewhere; and in passing for
    a contractor with the same, to whom some are denied; for a member of five; and for somebody with thousands of grants
    and nothing else.

    Policies, memberships and grants are read anew each time, and so are Django's permissions for guardian.
    """
    apps = create(new_app(place, world.organizations, world.staff) for place in range(len(world.apps), APPS))
    agency, contractor = (_agency(name, world, apps) for name in ("agency", "contractor"))
    contractor.groups.add(Group.objects.create(name=CONTRACTORS))
    figures: list[Figure] = []
    for user in (agency, contractor, world.member, world.heavy):
        twin = _twin(user)
        with override_settings(AUTHENTICATION_BACKENDS=BACKENDS):
            figures += _compare(user, twin, say, is_target=user is agency)
    return figures


def _agency(name: str, world: World, apps: list[PluginApp]) -> User:
    agency = create([new_user(name)])[0]
    create(
        Membership(organization=organization, user=agency, role=MemberRole.DEVELOPER)
        for organization in world.organizations[::10]
    )
    grant(agency, spread(apps, GRANTED_EACH, first=3))
    return agency


def _twin(user: User) -> User:
    twin = create([new_user(f"{user.username}-twin")])[0]
    grant(twin, list(_restricted(user)))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return twin


def _restricted(user: User) -> QuerySet[PluginApp]:
    with access.evaluation():
        return access.restrict(PluginApp.objects.all(), user, "app.view")


def _guardian(user: User) -> QuerySet[PluginApp]:
    # What Django asks about a user it keeps on the instance.
    found: QuerySet[PluginApp] = get_objects_for_user(copy.copy(user), "tenants.view_pluginapp", PluginApp)
    return found


def _page(rows: QuerySet[PluginApp]) -> list[PluginApp]:
    return list(rows.order_by("-pk")[:PAGE])


def _compare(user: User, twin: User, say: Callable[[str], None], *, is_target: bool) -> list[Figure]:
    figures = []
    for name, ask, most_ms, most_ratio in (
        ("page", _page, PAGE_MS, PAGE_RATIO),
        ("count", QuerySet.count, COUNT_MS, COUNT_RATIO),
    ):
        mine, theirs = _alternate(ask, user, twin)
        value, reference_value = median(mine), median(theirs)
        shown = _restricted(user).count()
        say(
            f"  {name} of {shown:,} of {APPS:,} apps for {user.username}: {value:.2f} ms, "
            f"guardian {reference_value:.2f} ms, {reference_value / value:.1f} times faster"
        )
        reference = f"guardian's get_objects_for_user for who sees the same {shown:,} of {APPS:,} apps, in turn"
        for what, target in (
            ("", Target("value", "<=", most_ms)),
            ("_by_guardian", Target("ratio", "<=", most_ratio)),
        ):
            if is_target:
                name_ = f"access_{name}{what}"
                figures.append(Figure(name_, value, "ms", reference, reference_value, target, samples=mine))
    return figures


def _alternate(ask: Callable[[QuerySet[PluginApp]], Any], user: User, twin: User) -> tuple[list[float], list[float]]:
    """Milliseconds of both, who take turns in going first. Raises `RuntimeError` where they find different things."""
    mine: Callable[[], Any] = lambda: ask(_restricted(user))  # noqa: E731
    theirs: Callable[[], Any] = lambda: ask(_guardian(twin))  # noqa: E731
    if mine() != theirs():
        raise RuntimeError(f"guardian finds other apps for {user.username}")
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for place in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            (mine, theirs)[place]()
            taken[place].append((time.perf_counter() - started) * 1000)
    return taken
