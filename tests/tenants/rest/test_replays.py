"""A creation sent again under its key, by every call that takes one: a kept answer is no way past access."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tenants.policies.resources import ACTIONS, RESOURCE_TYPES
from tenants.policies.services.policies import policy_create
from tenants.rest.idempotency import IdempotentCreate
from tests.factories import make_app, make_token
from tests.tenants.rest.endpoints.calls import Call
from tests.tenants.rest.endpoints.watching import Unchanged
from tests.tenants.rest.endpoints.world import World
from tests.tenants.rest.test_endpoints import CALLS, endpoint_of

pytestmark = pytest.mark.django_db
CREATES = [call for call in CALLS if call.method == "POST" and issubclass(endpoint_of(call).view, IdempotentCreate)]
creates = pytest.mark.parametrize("call", CREATES, ids=str)
ALL = {"match_all": True}


def keyed(world: World, call: Call, **token: Any) -> APIClient:
    client = APIClient(raise_request_exception=False)
    text = make_token(world.user(call.who), **token)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}", HTTP_IDEMPOTENCY_KEY="once")
    return client


def created_by(call: Call) -> Any:
    """The resource type of what the call creates."""
    view = endpoint_of(call).view
    return RESOURCE_TYPES[view.creates] if view.creates else ACTIONS[view.access_actions["POST"]]


@creates
def test_who_may_see_what_was_created_gets_the_answer_again(world: World, call: Call) -> None:
    world.prepare(call)
    client = keyed(world, call)
    first = world.send(call.who, call, client=client)
    with Unchanged():
        second = world.send(call.who, call, client=client)
    assert (first.status_code, second.status_code) == (call.expected, call.expected), second.content
    assert (second.json(), second.headers["Idempotency-Replayed"]) == (first.json(), "true")


@creates
def test_who_may_not_see_it_any_more_gets_no_answer_about_it(world: World, call: Call) -> None:
    world.prepare(call)
    client = keyed(world, call)
    assert world.send(call.who, call, client=client).status_code == call.expected
    policy_create(
        name="not-any-more",
        description="Not any more.",
        effect="deny",
        actions=[created_by(call).view_action],
        resource_type=created_by(call).name,
        subject={"id": world.user(call.who).pk},
        resource=ALL,
        context=ALL,
        actor=world.user("keeper"),
    )
    with Unchanged():
        again = world.send(call.who, call, client=client)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


@creates
def test_a_token_for_another_place_gets_no_answer_about_it(world: World, call: Call) -> None:
    world.prepare(call)
    assert world.send(call.who, call, client=keyed(world, call)).status_code == call.expected
    other = make_app(organization=world.row("organization"))
    narrow = keyed(world, call, app=other)
    with Unchanged():
        again = world.send(call.who, call, client=narrow)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
