"""Values that are no value, in every place of every call: each is refused as the document says, and does nothing."""

import base64
import json
from typing import Any

import pytest
from django.db import transaction
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.models import AccessPolicy
from tenants.policies.conditions import CONTEXT_ATTRIBUTES, LOOKUPS, PLACEHOLDERS, SUBJECT_ATTRIBUTES
from tenants.policies.resources import RESOURCE_TYPES
from tests.attacks.access.world import Operation, World, document, fields_of, make_world, operations, rows, text_of
from tests.factories import api_client

pytestmark = pytest.mark.django_db
# As they stand in a URL.
ODD = [
    "%00", "%ed%a0%80", "%ff%fe", "%", "%F0%9F%98%80", "%D9%A1", "-1", "1e3", "9" * 40, "%27%20OR%201=1--", "..%2f..",
    "a" * 60_000, "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59",
]  # fmt: skip
FOR_OPERATORS = tuple(f"/api/v1/{name}/" for name in ("users", "policies", "freezes", "releases"))
CURSORS = [b"p=", b"p=\x00", b"o=-1", b"o=99999999999999999999", b"r=1&p=abc", b"p=" + b"9" * 30, b"\xff", b"p=1e3"]
VALUES: list[Any] = [
    None, True, -1, 2**64, 1.5, "", "\x00", "\ud800", "\U0001f600", "a" * 60_000, [{}] * 1000, {"": None},
]  # fmt: skip
NO_OBJECTS = [b"\xff", b"[1]", b'"x"', b"1", b"{", b"{}{}", b'{"a":1,}', b"\xef\xbb\xbf{}", b"{}\x00"]


@pytest.fixture
def world() -> World:
    return make_world()


def check(operation: Operation, answer: Any, sent: Any) -> None:
    documented = operation.definition["responses"]
    assert str(answer.status_code) in documented, (operation.name, str(sent)[:80], text_of(answer)[:300])
    assert answer.status_code < 500, (operation.name, str(sent)[:80])
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        # What was sent does not come back at length.
        assert len(text_of(answer)) < 20_000, (operation.name, str(sent)[:80])


def test_f30_an_odd_query_is_refused_or_finds_nothing(world: World) -> None:
    client, tried = api_client(world.operator), 0
    cursors = [base64.b64encode(cursor).decode().replace("+", "%2B") for cursor in CURSORS]
    for operation in operations(world):
        named = [parameter for parameter in operation.definition.get("parameters", []) if parameter["in"] == "query"]
        for parameter in named:
            for odd in [*ODD, *(cursors if parameter["name"] == "cursor" else [])]:
                if parameter["name"] == "follow":
                    continue
                query = f"{parameter['name']}={odd}"
                check(operation, client.get(f"{operation.path}?{query}"), query)
                tried += 1
        if named:
            twice = "&".join(f"{parameter['name']}=a&{parameter['name']}[]=b" for parameter in named)
            check(operation, client.get(f"{operation.path}?{twice}&unknown=%00"), twice)
    assert tried > 500


def test_f30_an_odd_path_is_nothing(world: World) -> None:
    client = api_client(world.operator)
    before = rows()
    for operation in operations(world):
        for part in operation.names:
            for odd in ODD:
                path = operation.filled(**{part: odd})
                answer = client.generic(operation.method.upper(), path, b"{}", content_type="application/json")
                # A path that leads to no call is not there.
                if answer.status_code not in {404, 405}:
                    check(operation, answer, path)
    assert rows() == before


def test_f30_an_odd_value_in_any_field_is_refused_or_taken_as_it_is(world: World) -> None:
    components, tried = document()["components"]["schemas"], 0
    operator, owner = api_client(world.operator), api_client(world.owner)
    for operation in operations(world):
        if not operation.takes_body:
            continue
        client = operator if operation.template.startswith(FOR_OPERATORS) else owner
        known = {name: world.known[name][0] for name in fields_of(operation, components) if name in world.known}
        for field in sorted(fields_of(operation, components)):
            for value in VALUES:
                body = json.dumps(known | {field: value}).encode()
                savepoint = transaction.savepoint()
                answer = client.generic(operation.method.upper(), operation.path, body, content_type="application/json")
                transaction.savepoint_rollback(savepoint)
                check(operation, answer, {field: value})
                tried += 1
    assert tried > 800


def test_f30_a_body_that_is_no_object_is_refused(world: World) -> None:
    client = api_client(world.operator)
    before = rows()
    for operation in operations(world):
        for body in NO_OBJECTS if operation.takes_body else []:
            answer = client.generic(operation.method.upper(), operation.path, body, content_type="application/json")
            check(operation, answer, body)
            assert answer.status_code >= 400, operation.name
    assert rows() == before


@pytest.mark.parametrize("key", ["\x00", "a b", "\u00e9", "x" * 201, " ", "\t", "a,b;c=\x7f"], ids=repr)
def test_f30_a_key_that_is_none_creates_nothing(world: World, key: str) -> None:
    client = api_client(world.owner)
    before = rows()
    body = {"name": "New", "slug": "brand-new"}
    answer = client.post("/api/v1/organizations/", body, format="json", headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert rows() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from([*PLACEHOLDERS, "$subject.role", "$context.freeze", "Europe/Berlin", "10.0.0.0/8", "live"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def nearly_policies(draw: st.DrawFn) -> dict[str, Any]:
    """Policies of attributes and lookups that there are, with any JSON for values."""
    resource_type = draw(st.sampled_from(sorted(RESOURCE_TYPES)))

    def condition(attributes: Any) -> Any:
        names = [
            f"{attribute.name}__{lookup}" for attribute in attributes for lookup in (*LOOKUPS[attribute.kind], "isnull")
        ]
        term = st.dictionaries(st.sampled_from(names), JSON, min_size=1, max_size=2)
        return draw(st.just({"match_all": True}) | term | st.lists(term, min_size=1, max_size=2) | JSON)

    actions = draw(st.lists(st.sampled_from(sorted(RESOURCE_TYPES[resource_type].actions)), min_size=1, unique=True))
    return {
        "name": "nearly",
        "description": "any values",
        "effect": draw(st.sampled_from(["allow", "deny"])),
        "resource_type": resource_type,
        "actions": actions,
        "subject": condition(SUBJECT_ATTRIBUTES),
        "resource": condition(RESOURCE_TYPES[resource_type].attributes),
        "context": condition(CONTEXT_ATTRIBUTES),
    }


def test_f25_any_json_in_a_condition_is_refused_or_decides_without_a_fault(world: World) -> None:
    operator, owner = api_client(world.operator), api_client(world.owner)
    reads = [
        operation for operation in operations(world) if operation.method == "get" and "/diff/" not in operation.path
    ]
    taken = []

    @settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(nearly_policies())
    def send(policy: dict[str, Any]) -> None:
        savepoint = transaction.savepoint()
        answer = operator.generic(
            "POST", "/api/v1/policies/", json.dumps(policy).encode(), content_type="application/json"
        )
        assert answer.status_code in {201, 400, 409}, (policy, answer.content)
        if answer.status_code == 201:
            taken.append(policy)
            kind = policy["resource_type"].split("_")[0]
            for operation in reads:
                if kind in operation.path:
                    for client in (operator, owner):
                        check(operation, operation.send(client), policy)
        transaction.savepoint_rollback(savepoint)

    send()
    assert len(taken) > 2
    assert not AccessPolicy.objects.filter(name="nearly").exists()


def test_f30_texts_as_they_stand_in_a_url_are_what_was_meant() -> None:
    """The control: they arrive as NUL, as a lone surrogate's bytes, as digits of another script."""
    query = QueryDict("a=%00&b=%D9%A1&c=%ed%a0%80")
    assert (query["a"], query["b"]) == ("\x00", "\u0661")
    assert query["c"] == "\ufffd" * 3
