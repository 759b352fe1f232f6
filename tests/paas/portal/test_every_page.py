"""Every page of the URL table, whoever adds it: nobody is asked to sign in, and another tenant's rows are not there."""

import re
from collections.abc import Collection
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from paas.portal.urls import urlpatterns
from tests.paas.portal.conftest import Visit
from tests.tenants.rest.endpoints.calls import Call
from tests.tenants.rest.endpoints.things import MINE
from tests.tenants.rest.endpoints.watching import Unchanged, leaks_in
from tests.tenants.rest.endpoints.world import ABSENT, World

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = {"home", "sign-in", "sign-in-code", "sign-out"}
PAGES = [pattern for pattern in urlpatterns if pattern.name not in OPEN_TO_ALL]
# What stands for a page's parameter. A new parameter needs a line here.
THINGS = {
    **{name: name for name in ("app", "release", "deployment", "domain", "invitation", "token")},
    "slug": "organization",
    "username": "member",
    "name": "account",
    "env": "environment",
}
# All that any form asks for, so that none is refused for what is missing before its row is looked for.
FORM = {
    "name": "x",
    "role": "developer",
    "username": "somebody",
    "account": "ci",
    "scopes": "read",
    "slug": "x",
    "environment": "test",
    "ref": "main",
    "decision": "approve",
    "digest": "0" * 64,
    "comment": "x",
    "release": "1",
    "expires_in_days": "30",
    "hostname": "plugin.customer.test",
    "confirmed": "yes",
    "phrase": "x",
}


def shown(pattern: Any) -> str:
    return str(pattern.name)


def path_of(pattern: URLPattern, world: World, *, absent: Collection[str] = (), **things: str) -> str:
    route = Call("GET", str(pattern.pattern), (), things={**THINGS, **things})
    path = route.path(lambda thing: ABSENT.get(thing, "999999") if thing in absent else world.text(thing))
    return path.removeprefix("/api/v1")


def named_by(pattern: URLPattern) -> list[str]:
    return [THINGS[name] for name in pattern.pattern.converters]


def answers(client: Client, path: str) -> list[tuple[int, str]]:
    """To reading the page, and to sending each of its forms; without what is new in every answer."""
    found = []
    for answer in (client.get(path), client.post(path, FORM)):
        assert not leaks_in(answer)
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
        found.append((answer.status_code, text))
    return found


@pytest.mark.parametrize("pattern", PAGES, ids=shown)
def test_nobody_is_asked_to_sign_in(visit: Visit, pattern: URLPattern) -> None:
    world = World()
    path = path_of(pattern, world, absent=named_by(pattern))
    with Unchanged():
        for answer in (visit().get(path), visit().post(path, FORM)):
            assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")


@pytest.mark.parametrize("pattern", [page for page in PAGES if named_by(page)], ids=shown)
def test_what_is_another_tenants_is_not_there(visit: Visit, pattern: URLPattern) -> None:
    world = World()
    things = named_by(pattern)
    for thing in things:
        world.row(thing)
    stranger = visit(world.user("stranger"))
    with Unchanged():
        found = answers(stranger, path_of(pattern, world))
        # Who may not read a page may not send its form either; some pages are only read, some only sent.
        assert {status for status, _ in found} <= {404, 405}
        assert 404 in {status for status, _ in found}
        for thing in things:
            if thing != "environment":
                assert answers(stranger, path_of(pattern, world, absent=[thing])) == found


@pytest.mark.parametrize("pattern", [page for page in PAGES if len(named_by(page)) > 1], ids=shown)
def test_what_is_another_tenants_is_not_in_what_is_mine(visit: Visit, pattern: URLPattern) -> None:
    world = World()
    outer, *inner = pattern.pattern.converters
    for name in inner:
        world.row(THINGS[name])
    stranger = visit(world.user("stranger"))
    mine = {outer: MINE[THINGS[outer]]}
    world.row(mine[outer])
    for name in inner:
        if THINGS[name] != "environment":
            with Unchanged():
                found = answers(stranger, path_of(pattern, world, **mine))
                assert found == answers(stranger, path_of(pattern, world, absent=[THINGS[name]], **mine))


@pytest.mark.parametrize("pattern", [page for page in PAGES if not named_by(page)], ids=shown)
def test_what_everybody_has_shows_nothing_of_others(visit: Visit, pattern: URLPattern) -> None:
    world = World()
    for thing in ("release", "deployment", "invitation", "token", "account_token", "app_grant"):
        world.row(thing)
    answer = visit(world.user("stranger")).get(path_of(pattern, world))
    assert answer.status_code in (200, 404, 405)
    assert not leaks_in(answer)
