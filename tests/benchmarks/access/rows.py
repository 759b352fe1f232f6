"""A page and a count of 100,000 apps through `restrict`, beside django-guardian's `get_objects_for_user`.

Guardian has no roles: its user is another one, who was granted, on each app, what the first may see by membership and
grant. It keeps that in one table for rows of all kinds (`UserObjectPermission`), unless a model has a table of its own
with direct foreign keys, which is faster (`PluginAppUserObjectPermission`). It is asked both ways, and both tables hold
what all members of all organizations may see.
"""

import copy
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import override_settings
from guardian import shortcuts
from guardian.models import UserObjectPermission
from guardian.shortcuts import get_objects_for_user

from tenants import access
from tenants.models import Membership, PluginApp, User
from tenants.people.choices import MemberRole
from tests.benchmarks.access.policies import CONTRACTORS
from tests.benchmarks.access.world import GRANTED_EACH, World, create, grant, new_app, new_user, spread
from tests.benchmarks.figures import Figure, Target, paired

APPS = 100_000
ROUNDS = 31
# The processor's caches are one's own by then, and not whose turn it was before.
IN_A_ROW = 5
PAGE = 50
PAGE_RATIO, COUNT_RATIO = 1 / 3, 1 / 10
# As guardian's documentation has them: Berth's own would let policies answer what guardian asks.
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]

_MEMBERS = """
    FROM tenants_membership AS member JOIN tenants_pluginapp AS app USING (organization_id)
    JOIN auth_permission AS permission ON permission.codename = 'view_pluginapp'
    WHERE member.user_id <> ALL(%s)
    ON CONFLICT DO NOTHING
"""
_DIRECT = f"""
    INSERT INTO tenants_pluginappuserobjectpermission (user_id, permission_id, content_object_id, created_at)
    SELECT member.user_id, permission.id, app.id, now() {_MEMBERS}
"""
_GENERIC = f"""
    INSERT INTO guardian_userobjectpermission (user_id, permission_id, content_type_id, object_pk)
    SELECT member.user_id, permission.id, permission.content_type_id, app.id::text {_MEMBERS}
"""


def measure(world: World, say: Callable[[str], None]) -> list[Figure]:
    """For who belongs to 100 organizations of 100 apps, and was granted 100 apps elsewhere; for a member of five,
    with as many grants; and in passing for a contractor, to whom some are denied, and for somebody with thousands of
    grants and nothing else.

    Policies, memberships and grants are read anew each time, and so are Django's permissions for guardian.
    """
    apps = create(new_app(place, world.organizations, world.staff) for place in range(len(world.apps), APPS))
    agency, contractor = (_agency(name, world, apps) for name in ("agency", "contractor"))
    contractor.groups.add(Group.objects.create(name=CONTRACTORS))
    measured = (agency, contractor, world.member, world.heavy)
    _grant_by_membership(measured)
    figures: list[Figure] = []
    for user in measured:
        twin = _twin(user)
        with override_settings(AUTHENTICATION_BACKENDS=BACKENDS):
            figures += _compare(user, twin, say, is_target=user in (agency, world.member))
    return figures


def _agency(name: str, world: World, apps: list[PluginApp]) -> User:
    agency = create([new_user(name)])[0]
    create(
        Membership(organization=organization, user=agency, role=MemberRole.DEVELOPER)
        for organization in world.organizations[::10]
    )
    grant(agency, spread(apps, GRANTED_EACH, first=3))
    return agency


def _grant_by_membership(but: tuple[User, ...]) -> None:
    """To all members but those, one grant for each app of their organizations, in both of guardian's tables."""
    with connection.cursor() as cursor:
        cursor.execute(_DIRECT, [[user.pk for user in but]])
        cursor.execute(_GENERIC, [[user.pk for user in but]])


def _twin(user: User) -> User:
    twin = create([new_user(f"{user.username}-twin")])[0]
    apps = list(_restricted(user))
    grant(twin, apps)
    permission = Permission.objects.get(codename="view_pluginapp")
    kind = ContentType.objects.get_for_model(PluginApp)
    create(
        UserObjectPermission(user=twin, permission=permission, content_type=kind, object_pk=str(app.pk)) for app in apps
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return twin


def _restricted(user: User) -> QuerySet[PluginApp]:
    with access.evaluation():
        return access.restrict(PluginApp.objects.all(), user, "app.view")


def _direct(user: User) -> QuerySet[PluginApp]:
    # What Django asks about a user it keeps on the instance.
    found: QuerySet[PluginApp] = get_objects_for_user(copy.copy(user), "tenants.view_pluginapp", PluginApp)
    return found


def _generic(user: User) -> QuerySet[PluginApp]:
    """As if the apps had no table of their own."""
    with patch.object(shortcuts, "get_user_obj_perms_model", lambda _model: UserObjectPermission):
        return _direct(user)


def _page(rows: QuerySet[PluginApp]) -> list[PluginApp]:
    return list(rows.order_by("-pk")[:PAGE])


def _compare(user: User, twin: User, say: Callable[[str], None], *, is_target: bool) -> list[Figure]:
    figures = []
    for name, ask, most_ratio in (("page", _page, PAGE_RATIO), ("count", QuerySet.count, COUNT_RATIO)):
        samples = _alternate(ask, user, twin)
        mine, direct, generic = (median(taken) for taken in samples)
        shown = _restricted(user).count()
        say(
            f"  {name} of {shown:,} of {APPS:,} apps for {user.username}: {mine:.2f} ms; guardian {generic:.2f} ms, "
            f"{generic / mine:.1f} times as long, with direct foreign keys {direct:.2f} ms, {direct / mine:.1f} times"
        )
        if is_target:
            figures.append(
                paired(
                    f"{'page of 50' if name == 'page' else 'count'} of {shown:,} visible of {APPS:,} apps",
                    list(zip(samples[0], samples[2], strict=True)),
                    "ms",
                    "guardian's get_objects_for_user, generic keys, for who sees the same, in turn",
                    Target("ratio", "<=", most_ratio),
                )
            )
    return figures


def _alternate(ask: Callable[[QuerySet[PluginApp]], Any], user: User, twin: User) -> list[list[float]]:
    """Milliseconds of `restrict`, and of guardian with direct and with generic keys, who take turns in going first.

    Raises `RuntimeError` where they find different things.
    """
    asked: list[Callable[[], Any]] = [
        lambda: ask(_restricted(user)),
        lambda: ask(_direct(twin)),
        lambda: ask(_generic(twin)),
    ]
    found = [one() for one in asked]
    if not found[0] == found[1] == found[2]:
        raise RuntimeError(f"guardian finds other apps for {user.username}")
    taken: list[list[float]] = [[], [], []]
    for number in range(ROUNDS):
        for place in (number % 3, (number + 1) % 3, (number + 2) % 3):
            block = []
            for _ in range(IN_A_ROW):
                started = time.perf_counter()
                asked[place]()
                block.append((time.perf_counter() - started) * 1000)
            taken[place].append(median(block))
    return taken
