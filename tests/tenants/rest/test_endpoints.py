"""Every call of the API: by nobody, by another tenant, by who may but for a policy, by who may, and by everybody else.

The calls are read off the URL table; one that `endpoints` does not say how to make fails the build.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.models import User
from tenants.people.choices import TokenScope
from tenants.policies.resources import ACTIONS, scope_of
from tenants.policies.services.policies import policy_create
from tenants.rest.permissions import OwnAffair
from tests.tenants.rest.endpoints import table_people, table_platform, table_tenants
from tests.tenants.rest.endpoints.calls import PEOPLE, Call
from tests.tenants.rest.endpoints.routes import Endpoint, endpoints
from tests.tenants.rest.endpoints.things import undone
from tests.tenants.rest.endpoints.watching import Unchanged, everything, leaks_in, newest, rows_in, written_since
from tests.tenants.rest.endpoints.world import World

pytestmark = pytest.mark.django_db

ENDPOINTS = {(endpoint.method, endpoint.route): endpoint for endpoint in endpoints()}
CALLS = [*table_tenants.CALLS, *table_people.CALLS, *table_platform.CALLS, *table_platform.FORGE_CALLS]
# The OpenAPI document does not speak of itself.
UNDOCUMENTED = {"schema/", "docs/"}
PUBLIC = [call for call in CALLS if call.answer_for("nobody") == 200]


def endpoint_of(call: Call) -> Endpoint:
    return ENDPOINTS[call.method, call.route]


def action_of(call: Call) -> str:
    """The action that policies decide on; empty where none does."""
    declared = endpoint_of(call).declared
    return declared if isinstance(declared, str) else ""


def calls(chosen: Callable[[Call], object] = lambda call: True) -> Any:
    return pytest.mark.parametrize("call", [call for call in CALLS if chosen(call)], ids=str)


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    """The OpenAPI document's paths."""
    return dict(SchemaGenerator().get_schema(request=None, public=True)["paths"])


def test_every_call_of_the_url_table_has_its_tests() -> None:
    assert missing(ENDPOINTS.values()) == []
    gone = {(call.method, call.route) for call in CALLS} - set(ENDPOINTS)
    assert not gone, "the URL table has these no more: take them out of the table of calls"


def missing(found: Iterable[Endpoint]) -> list[str]:
    registered = {(call.method, call.route) for call in CALLS}
    return [str(endpoint) for endpoint in found if (endpoint.method, endpoint.route) not in registered]


def test_a_new_call_without_an_entry_is_found() -> None:
    class Toy(APIView):
        access_actions = {"GET": "app.view"}

        def get(self, request: Request) -> Response:
            raise NotImplementedError

        def post(self, request: Request) -> Response:
            raise NotImplementedError

    found = list(endpoints([path("toys/<int:toy>/", Toy.as_view())]))
    assert missing(found) == ["GET toys/<int:toy>/", "POST toys/<int:toy>/"]
    assert undeclared(found) == ["POST toys/<int:toy>/"]


def test_every_call_declares_what_it_does() -> None:
    assert undeclared(ENDPOINTS.values()) == []


def undeclared(found: Iterable[Endpoint]) -> list[str]:
    return [
        str(endpoint)
        for endpoint in found
        if not (isinstance(endpoint.declared, OwnAffair) and len(endpoint.declared.reason) > 20)
        and endpoint.declared not in ACTIONS
    ]


def test_only_what_tells_of_no_row_is_public() -> None:
    assert {call.route for call in PUBLIC} == {"health/", "schema/", "docs/"}
    for call in PUBLIC:
        declared = endpoint_of(call).declared
        assert isinstance(declared, OwnAffair)
        assert declared.scope is None


@calls(lambda call: call not in PUBLIC)
def test_nobody_is_asked_to_sign_in(world: World, call: Call) -> None:
    """Before anything is looked up: the rows that are named here are not even there."""
    with Unchanged():
        response = world.send("nobody", call, absent=call.named)
    assert response.status_code == call.answer_for("nobody")
    assert response.headers["Content-Type"] == "application/problem+json"
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@calls()
def test_another_tenant_finds_nothing(world: World, call: Call) -> None:
    world.prepare(call)
    world.client("stranger")
    before, last = everything(), newest()
    response = world.send("stranger", call)
    assert response.status_code == call.answer_for("stranger"), response.content
    if response.status_code >= 400:
        assert everything() == before
        assert {event.action for event in written_since(last)} <= {"access.denied"}
    assert call in PUBLIC or not leaks_in(response)


@calls(action_of)
def test_who_may_is_refused_once_a_policy_denies(world: World, call: Call) -> None:
    world.prepare(call)
    deny(world, call)
    with Unchanged():
        response = world.send(call.who, call)
    assert response.status_code == outside(call), response.content
    if response.status_code == 200:
        assert rows_in(response) == []
    else:
        assert response.json()["code"] in ("permission_denied", "not_found")


def outside(call: Call) -> int:
    """403 to act, 404 for a row that is not to be seen any more, and of a list nothing."""
    if call.outside:
        return call.outside
    if call.is_write or call.method != "GET":
        return 403
    return 200 if endpoint_of(call).is_list else 404


def deny(world: World, call: Call) -> None:
    action = action_of(call)
    policy_create(
        name="not-this-one",
        description="Not this one.",
        effect="deny",
        actions=[action],
        resource_type=ACTIONS[action].name,
        subject={"id": world.user(call.who).pk},
        resource={"match_all": True},
        context={"match_all": True},
        actor=world.user("keeper"),
    )


@calls(lambda call: call not in PUBLIC and not action_of(call))
def test_who_is_no_longer_active_gets_nothing(world: World, call: Call) -> None:
    """What keeps them from the calls that no policy decides about."""
    world.prepare(call)
    User.objects.filter(pk=world.user(call.who).pk).update(is_active=False)
    with Unchanged():
        assert world.send(call.who, call).status_code == 401


@calls()
def test_who_may_gets_what_is_documented(world: World, call: Call, documented: dict[str, Any]) -> None:
    world.prepare(call)
    last, before = newest(), everything()
    response = world.send(call.who, call)
    assert response.status_code == call.expected, response.content
    if call.route not in UNDOCUMENTED:
        assert str(call.expected) in documented[openapi_path(call.route)][call.method.lower()]["responses"]
    events = written_since(last)
    if call.event:
        (told,) = (event for event in events if event.action == call.event)
        assert told.actor == world.user(call.who)
        # One of several tokens at the forge ends there alone; no row of Berth's knows of it.
        assert (everything() != before) is (call.event != "git_token.revoked")
        # What follows from it, the platform does.
        assert {event.actor for event in events} <= {told.actor, None}
        assert bool(told.policy) == bool(action_of(call)), "the trail does not say what allowed it"
    else:
        assert not events
        assert everything() == before
    if endpoint_of(call).is_list:
        assert rows_in(response), "a list in which nobody finds anything shows nothing of who may see it"
    response.close()


@calls()
def test_everybody_gets_the_answer_that_is_theirs(world: World, call: Call) -> None:
    world.prepare(call)
    clients = {person: world.client(person) for person in PEOPLE}
    answers = []
    for person in clients:
        with undone():
            answers.append(world.send(person, call).status_code)
    assert tuple(answers) == call.answers


def scope_taken(call: Call) -> str | None:
    declared = endpoint_of(call).declared
    return declared.scope if isinstance(declared, OwnAffair) else scope_of(str(declared))


# Each other scope includes the one to read.
@calls(lambda call: scope_taken(call) not in (None, TokenScope.READ))
def test_a_token_beyond_its_scope_learns_which_one_it_lacks(world: World, call: Call) -> None:
    """Whatever it names: nothing is looked up before."""
    scope = scope_taken(call)
    client = world.client_with(call.who, scopes=[other for other in TokenScope.values if other != scope])
    with Unchanged():
        response = world.send(call.who, call, absent=call.named, client=client)
    assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")
    assert f"lacks the scope {scope}" in response.json()["detail"]


def openapi_path(route: str) -> str:
    return "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
