"""Policies as a weapon: what they must not say, locking everybody out, and questions that tell too much."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from tenants.models import AccessPolicy
from tests.attacks.access.policy_calls import EVERYTHING, POLICY, refused
from tests.attacks.access.world import rows
from tests.factories import (
    api_client,
    make_operator,
    make_organization,
    make_reviewer,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db


WINDOW = {"zone": "Europe/Berlin", "from": "09:00", "to": "17:00"}


def send(client: APIClient, path: str, body: Any) -> Any:
    """In ASCII, so that a lone surrogate arrives."""
    return client.post(path, json.dumps(body), content_type="application/json")


# What is wrong; the field that is named; what the text says that would be right.
ABUSES: list[tuple[dict[str, Any], str, str]] = [
    ({"resource": {"secret": 1}}, "resource", "allowed are"),
    ({"resource": {"app__organization__memberships__user__password__startswith": "md5"}}, "resource", "allowed are"),
    ({"resource": {"submitted_by__password__startswith": "md5"}}, "resource", "allowed are"),
    ({"resource": {"state__regex": "(a+)+$"}}, "resource", "allowed are exact"),
    ({"resource": {"state__": "live"}}, "resource", "allowed are"),
    ({"resource": {"__": 1}}, "resource", "allowed are"),
    ({"resource": {"": 1}}, "resource", "allowed are"),
    ({"resource": {"pk": 1}}, "resource", "allowed are"),
    ({"resource": {"state__in": "live"}}, "resource.state__in", "list"),
    ({"resource": {"submitted_by": "$subject.password"}}, "resource.submitted_by", "allowed are $subject.id"),
    ({"resource": {"submitted_by": "$user.id"}}, "resource.submitted_by", "allowed are $subject.id"),
    ({"resource": {"submitted_by": "$subject.username"}}, "resource.submitted_by", "allowed are $subject.id"),
    ({"resource": {"submitted_by": "1 OR 1=1"}}, "resource.submitted_by", "whole number"),
    ({"resource": {"submitted_by": 2**63}}, "resource.submitted_by", "whole number"),
    ({"resource": {"submitted_by": -1}}, "resource.submitted_by", "whole number"),
    ({"resource": {"submitted_by": 1e3}}, "resource.submitted_by", "whole number"),
    ({"resource": {"state": "li\x00ve"}}, "resource.state", "text"),
    ({"resource": {"state": "\ud800"}}, "resource.state", "text"),
    ({"resource": {"state": "x" * 100_000}}, "resource.state", "at most"),
    ({"resource": {"submitted_by__in": list(range(100_000))}}, "resource.submitted_by__in", "at most"),
    ({"resource": [{"submitted_by": number} for number in range(5000)]}, "resource", "at most"),
    ({"resource": [[EVERYTHING]]}, "resource", "match_all"),
    ({"resource": {"match_all": 1}}, "resource", "match_all"),
    ({"resource": {"match_all": True, "state": "live"}}, "resource", "match_all"),
    ({"resource": {}}, "resource", "match_all"),
    ({"resource": []}, "resource", "match_all"),
    ({"resource": None}, "resource", "null"),
    ({"resource": "everything"}, "resource", "match_all"),
    ({"subject": {"password": "x"}}, "subject", "allowed are"),
    ({"subject": {"platform_roles__contains": "root"}}, "subject.platform_roles__contains", "operator"),
    ({"subject": {"id": "$subject.id"}}, "subject.id", "resource conditions only"),
    ({"context": {"time__within": WINDOW | {"zone": "Mars/Olympus"}}}, "context.time__within", "IANA"),
    ({"context": {"time__within": WINDOW | {"zone": "../../etc/passwd"}}}, "context.time__within", "IANA"),
    ({"context": {"time__within": WINDOW | {"from": "24:00"}}}, "context.time__within.from", "00:00 to 23:59"),
    ({"context": {"time__within": WINDOW | {"weekdays": [["mon"]]}}}, "context.time__within", "mon"),
    ({"context": {"address__in_network": "10.0.0.0/99"}}, "context.address__in_network", "10.0.0.0/8"),
    ({"context": {"address__in_network": [["10.0.0.0/8"]]}}, "context.address__in_network", "10.0.0.0/8"),
    ({"context": {"freeze": "yes"}}, "context.freeze", "true or false"),
    ({"actions": ["release.approve", "app.view"]}, "actions", "release.view"),
    ({"actions": [{"release": "approve"}]}, "actions", "release.view"),
    ({"actions": "release.approve"}, "actions", "release.view"),
    ({"actions": ["release.approve"] * 1000}, "actions", "once"),
    ({"resource_type": "tenants.User"}, "resource_type", "organization"),
    ({"effect": "permit"}, "effect", "allow or deny"),
    ({"name": "x'; DROP TABLE"}, "name", "a-z"),
    ({"code": "<script>"}, "code", "a-z"),
    ({"description": "a\x00b"}, "description", "Null characters"),
    ({"description": "\udfff"}, "description", "Surrogate characters"),
    ({"is_built_in": True}, "is_built_in", "not a field"),
    ({"version": 9}, "version", "not a field"),
]


@pytest.mark.parametrize(("wrong", "field", "remedy"), ABUSES, ids=lambda value: str(value)[:60])
def test_f25_what_a_policy_must_not_say_is_named_with_what_is_allowed(
    wrong: dict[str, Any], field: str, remedy: str
) -> None:
    client = api_client(make_operator("operator"))
    before = rows()
    problem = refused(send(client, "/api/v1/policies/", POLICY | wrong))
    assert {error["field"] for error in problem["errors"]} == {field}
    assert remedy in problem["detail"]
    assert rows() == before
    if field.partition(".")[0] in {"effect", "resource_type", "actions", "subject", "resource", "context"}:
        # A draft is looked at as closely.
        row = AccessPolicy.objects.get(name="release-not-own-submission")
        refused(send(client, f"/api/v1/policies/{row.pk}/simulate/", {"draft": wrong}))
    # The control: without the abuse it is taken.
    assert client.post("/api/v1/policies/", POLICY, format="json").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "x", "resource": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"name": "x", "resource": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}",
        '{"name": "x", "resource": {"state": "live", "state": "failed"}}',
        '{"name": "x", "resource": {"submitted_by": NaN}}',
        '{"name": "x", "resource": {"submitted_by": 1e999}}',
        '{"name": "x", "resource": {"submitted_by": ' + "9" * 5000 + "}}",
        '{"name": "x", "resource": "' + "\\ud800" * 10 + '"}',
        "[" * 100_000,
        "",
        "null",
    ],
    ids=lambda body: body[:40],
)
def test_f25_json_that_is_a_bomb_or_two_things_at_once_is_refused(body: str) -> None:
    client = api_client(make_operator("operator"))
    before = rows()
    refused(client.post("/api/v1/policies/", body, content_type="application/json"))
    policy = AccessPolicy.objects.first()
    assert policy is not None
    refused(client.patch(f"/api/v1/policies/{policy.pk}/", body, content_type="application/json"))
    assert rows() == before


def test_f25_a_body_beyond_the_limit_is_not_read() -> None:
    client = api_client(make_operator("operator"))
    body = json.dumps(POLICY | {"description": "x" * 1024 * 1024})
    assert client.post("/api/v1/policies/", body, content_type="application/json").status_code == 413


@pytest.mark.parametrize("person", ["owner", "reviewer", "auditor"])
def test_f25_nobody_but_operators_writes_policies_or_freezes(person: str) -> None:
    organization = make_organization()
    user = {
        "owner": owner_of(organization), "reviewer": make_reviewer(), "auditor": make_user(is_auditor=True)
    }[person]  # fmt: skip
    client, policy = api_client(user), AccessPolicy.objects.get(name="release-not-own-submission")
    before = rows()
    path = f"/api/v1/policies/{policy.pk}/"
    statuses = {
        client.post("/api/v1/policies/", POLICY, format="json").status_code,
        client.patch(path, {"version": 1, "is_enabled": False}, format="json").status_code,
        client.post("/api/v1/freezes/", {"reason": "x", "ends_at": "2999-01-01T00:00:00Z"}, format="json").status_code,
    }
    assert statuses <= {403, 404}
    assert rows() == before
