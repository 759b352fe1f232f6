"""Policies as a weapon: what they must not say, locking everybody out, and questions that tell too much."""

import json
import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from tenants import access
from tenants.exceptions import InvalidTransition, WouldLockOut
from tenants.models import AccessPolicy, AuditEvent, Freeze, User
from tenants.people.choices import MemberRole
from tenants.people.services import memberships
from tenants.people.services import users as people
from tenants.policies.resources import ACTIONS
from tenants.policies.services import policies
from tenants.releases.choices import ReleaseState
from tests.attacks.access.world import World, make_world, rows
from tests.factories import (
    api_client,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_user,
    owner_of,
)
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db
EVERYTHING = {"match_all": True}
POLICY = {
    "name": "draft", "description": "a try", "effect": "deny", "resource_type": "release",
    "actions": ["release.approve"], "subject": EVERYTHING, "resource": EVERYTHING, "context": EVERYTHING,
}  # fmt: skip
LOCK = POLICY | {"resource_type": "policy", "actions": ["policy.change"]}
WINDOW = {"zone": "Europe/Berlin", "from": "09:00", "to": "17:00"}


def refused(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert len(answer.content) < 20_000
    return problem


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


LOCKOUTS: list[dict[str, Any]] = [
    {},
    {"actions": ["policy.view"]},
    {"actions": ["policy.view", "policy.change", "policy.create", "policy.simulate"]},
    {"subject": {"platform_roles__contains": "operator"}},
    {"subject": {"has_second_factor": False}},
    {"subject": {"groups__excludes": "nobody-is-in-here"}},
    {"subject": {"organizations__excludes": 0}},
    {"context": {"address__in_network": "127.0.0.0/8"}},
    {"context": {"address__not_in_network": "192.0.2.0/24"}},
    {"context": {"authentication_method": "session"}},
    {"context": {"freeze": True}},
    {"context": {"freeze": False}},
    # Not now, as a rule, and then at night, or for one minute.
    {"context": {"time__outside": {"zone": "Europe/Berlin", "from": "09:00", "to": "17:00"}}},
    {"context": {"time__within": {"zone": "Asia/Tokyo", "weekdays": ["wed"], "from": "03:00", "to": "03:01"}}},
    {"context": [{"freeze": True, "time__within": {"zone": "UTC", "from": "23:00", "to": "02:00"}}]},
    {"resource": {"name__ne": "draft"}},
    {"resource": {"name": "draft"}},
    {"resource": {"is_built_in": True}},
    {"resource": [{"name": "policy-operators-manage"}]},
]


@pytest.mark.parametrize("lock", LOCKOUTS, ids=str)
def test_f26_no_deny_locks_every_operator_out(lock: dict[str, Any]) -> None:
    client = api_client(make_operator("first"))
    make_operator("second")
    before = rows()
    answer = client.post("/api/v1/policies/", LOCK | lock, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "would_lock_out"), answer.content
    assert "lock every operator out" in answer.json()["detail"]
    assert rows() == before
    # Put in disabled, it can't be enabled either.
    made = client.post("/api/v1/policies/", LOCK | lock | {"is_enabled": False}, format="json").json()
    path = f"/api/v1/policies/{made['id']}/"
    assert client.patch(path, {"version": 1, "is_enabled": True}, format="json").status_code == 409
    assert client.patch(path, {"version": 1, "description": "still off"}, format="json").status_code == 200


@pytest.mark.parametrize("name", ["policy-operators-manage", "policy-overseers-view"])
def test_f26_what_operators_live_by_stays(name: str) -> None:
    client, policy = api_client(make_operator()), AccessPolicy.objects.get(name=name)
    path = f"/api/v1/policies/{policy.pk}/"
    answer = client.patch(path, {"version": 1, "is_enabled": False}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "would_lock_out")
    assert client.get(path).json()["is_enabled"] is True


@pytest.mark.parametrize("change", [{"is_operator": False}, {"is_active": False}], ids=str)
def test_f26_the_last_operator_stays_one(change: dict[str, bool]) -> None:
    last, other = make_operator("last"), make_operator("other")
    client = api_client(last)
    # The control: as long as there is another, it can be done.
    assert client.patch("/api/v1/users/other/", change, format="json").status_code == 200
    answer = client.patch("/api/v1/users/last/", change, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "would_lock_out")
    last.refresh_from_db(), other.refresh_from_db()
    assert (last.is_operator, last.is_active) == (True, True)
    assert (other.is_operator, other.is_active) != (True, True)


def test_f26_a_group_and_an_organization_that_operators_need_keep_one() -> None:
    first, organization = make_operator("first"), make_organization()
    client = api_client(first)
    client.patch("/api/v1/users/first/", {"groups": ["keepers"]}, format="json")
    make_member(organization, MemberRole.MAINTAINER, first)
    needs = {"subject": [{"groups__excludes": "keepers"}, {"organizations__excludes": organization.pk}]}
    assert client.post("/api/v1/policies/", LOCK | needs, format="json").status_code == 201
    assert client.patch("/api/v1/users/first/", {"groups": []}, format="json").json()["code"] == "would_lock_out"
    with pytest.raises(WouldLockOut):
        memberships.membership_remove(organization=organization, username="first", actor=owner_of(organization))
    assert organization.memberships.filter(user=first).exists()
    # Whoever is no operator comes and goes as before.
    member = make_member(organization)
    memberships.membership_remove(organization=organization, username=member.username, actor=owner_of(organization))


def test_f26_operators_may_take_turns_but_leave_no_minute_without_one() -> None:
    first, second = make_operator("first"), make_operator("second")
    client = api_client(first)

    def deny(name: str, user: User, **context: Any) -> Any:
        turn = {"name": name, "subject": {"id": user.pk}, "context": context}
        return client.post("/api/v1/policies/", LOCK | turn, format="json")

    nights = {"zone": "Europe/Berlin", "from": "22:00", "to": "06:00"}
    assert deny("no-nights", first, time__within=nights).status_code == 201
    assert deny("nights-only", second, time__outside=nights).status_code == 201
    refused = deny("no-end", second, time__within=nights | {"from": "05:59"}).json()
    assert (refused["code"], ":59 UTC" in refused["detail"]) == ("would_lock_out", True)
    assert client.patch("/api/v1/users/second/", {"is_operator": False}, format="json").status_code == 409


def test_f26_a_freeze_leaves_operators_their_policies() -> None:
    client = api_client(make_operator())
    body = {"reason": "for a long time", "ends_at": "2999-01-01T00:00:00Z"}
    assert client.post("/api/v1/freezes/", body, format="json").status_code == 201
    assert client.post("/api/v1/policies/", POLICY, format="json").status_code == 201
    freeze = Freeze.objects.get()
    assert client.post(f"/api/v1/freezes/{freeze.pk}/end/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_f26_two_operators_who_each_disable_what_the_other_relies_on() -> None:
    first, second = make_operator("first"), make_operator("second")
    for user in (first, second):
        policies.policy_create(
            actor=first, name=f"for-{user.username}", description="one may", effect="allow", resource_type="policy",
            actions=["policy.view", "policy.change"], subject={"id": user.pk}, resource=EVERYTHING, context=EVERYTHING,
        )  # fmt: skip
    for name in ("policy-operators-manage", "policy-overseers-view"):
        row = AccessPolicy.objects.get(name=name)
        policies.policy_change(policy=row, version=1, actor=first, is_enabled=False)
    others = {user.username: AccessPolicy.objects.get(name=f"for-{user.username}") for user in (first, second)}

    def disable(actor: User, name: str) -> None:
        policies.policy_change(policy=others[name], version=1, actor=actor, is_enabled=False)

    results = at_once(lambda: disable(first, "second"), lambda: disable(second, "first"))
    assert sorted(result is None for result in results) == [False, True]
    able = [user for user in (first, second) if access.may(user, "policy.change", others["first"])]
    assert len(able) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [{"is_operator": False}, {"is_active": False}], ids=str)
def test_f26_two_operators_who_put_each_other_out_leave_one(change: dict[str, bool]) -> None:
    first, second = make_operator("first"), make_operator("second")
    results = at_once(
        lambda: people.user_change(user=second, actor=first, **change),
        lambda: people.user_change(user=first, actor=second, **change),
    )
    assert sum(isinstance(result, User) for result in results) == 1
    assert User.objects.filter(is_operator=True, is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_f26_of_two_changes_to_one_version_one_is_told() -> None:
    actor = make_operator()
    row = policies.policy_create(actor=actor, **POLICY)
    results = at_once(
        *(
            lambda text=text: policies.policy_change(policy=row, version=1, actor=actor, description=text)
            for text in ("one", "two", "three")
        )
    )
    assert sum(isinstance(result, InvalidTransition) for result in results) == 2
    assert AccessPolicy.objects.get(pk=row.pk).version == 2
    assert row.versions.count() == 2


def test_f26_a_version_that_is_old_is_a_conflict() -> None:
    client = api_client(make_operator())
    made = client.post("/api/v1/policies/", POLICY, format="json").json()
    path = f"/api/v1/policies/{made['id']}/"
    for version in (0, 2, -1, 10**30):
        answer = client.patch(path, {"version": version, "description": "other"}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    for version in (None, "1", 1.0, True):
        assert client.patch(path, {"version": version}, format="json").status_code == 400
    assert client.get(path).json()["version"] == 1


@pytest.fixture
def acme() -> World:
    return make_world()


def test_f28_a_simulation_writes_nothing_and_changes_no_decision(acme: World) -> None:
    release = make_release(app=acme.app, environment="test", state=ReleaseState.AWAITING_REVIEW)
    policy = AccessPolicy.objects.get(name="release-members-view")
    client, reviewer = api_client(acme.operator), api_client(make_reviewer())
    client.get("/api/v1/me/")
    before, events, stamps = rows(), AuditEvent.objects.count(), access.stamp_of("policies")
    for draft in (
        {"effect": "deny"},
        {"is_enabled": False},
        {"description": "other"},
        {"actions": ["release.approve"]},
    ):
        body = {"draft": draft, "last": 10_000}
        answer = client.post(f"/api/v1/policies/{policy.pk}/simulate/", body, format="json")
        assert answer.status_code == 200, answer.content
    assert rows() == before
    assert (AuditEvent.objects.count(), access.stamp_of("policies")) == (events, stamps)
    assert api_client(acme.member).get(f"/api/v1/releases/{release.pk}/").status_code == 200
    approve = reviewer.post(f"/api/v1/releases/{release.pk}/approve/", {"digest": release.digest}, format="json")
    assert approve.status_code == 200


@pytest.mark.parametrize("last", [0, -1, 10_001, 10**30, "10", None, True, [1]], ids=str)
def test_f28_a_simulation_looks_at_so_many_decisions_and_no_more(acme: World, last: Any) -> None:
    policy = AccessPolicy.objects.get(name="release-members-view")
    refused(api_client(acme.operator).post(f"/api/v1/policies/{policy.pk}/simulate/", {"last": last}, format="json"))


def test_f28_policies_and_simulations_are_nothing_for_tenants(acme: World) -> None:
    policy = AccessPolicy.objects.first()
    assert policy is not None
    for user in (acme.owner, acme.member, acme.outsider, make_reviewer()):
        client = api_client(user)
        for path in ("", f"{policy.pk}/", f"{policy.pk}/versions/"):
            assert client.get(f"/api/v1/policies/{path}").status_code == 404
        assert client.post(f"/api/v1/policies/{policy.pk}/simulate/", {}, format="json").status_code == 404


def ask(asker: User, question: str, **query: str) -> Any:
    return api_client(asker).get(f"/api/v1/access/{question}/", query)


REFERENCES = [
    ("organization.view", "organization:{slug}"), ("app.create", "organization:{slug}"),
    ("app.view", "app:{app}"), ("app_grant.create", "app:{app}"), ("environment.view", "environment:{app}/test"),
    ("logs.read", "environment:{app}/test"), ("release.submit", "environment:{app}/test"),
    ("release.view", "release:{release}"), ("release_grant.create", "release:{release}"),
    ("membership.view", "membership:{slug}/{member}"), ("invitation.create", "organization:{slug}"),
    ("service_account.create", "organization:{slug}"), ("user.view", "user:{member}"),
    ("token.create", "user:{member}"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "reference"), REFERENCES)
@pytest.mark.parametrize("question", ["explain", "who-can"])
def test_f28_another_tenants_row_is_answered_like_one_that_is_not_there(
    acme: World, question: str, action: str, reference: str
) -> None:
    stranger = owner_of(make_app().organization)
    real = {
        "slug": "acme", "app": acme.app.public_id, "release": acme.releases[0].pk, "member": acme.member.username
    }  # fmt: skip
    absent = {"slug": "nobodys", "app": "app1999999", "release": 999_999, "member": "nobody"}
    answers = [ask(stranger, question, action=action, resource=reference.format(**names)) for names in (real, absent)]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert [answer.status_code for answer in answers] == [404, 404]
    # The control: it is there for who may see it.
    assert ask(acme.operator, question, action=action, resource=reference.format(**real)).status_code == 200


def test_f28_nobody_asks_for_another_person_but_overseers(acme: World) -> None:
    query = {"action": "app.view", "resource": f"app:{acme.app.public_id}"}
    for user in (acme.owner, acme.member, make_reviewer()):
        real, absent = (ask(user, "explain", user=name, **query) for name in (acme.operator.username, "nobody"))
        assert (real.status_code, absent.status_code) == (404, 404)
        assert {**real.json(), "request_id": ""} == {**absent.json(), "request_id": ""}
    assert ask(acme.operator, "explain", user=acme.owner.username, **query).json()["allowed"] is True


def test_f28_who_can_names_to_owners_nobody_of_other_organizations_or_the_platform(acme: World) -> None:
    friend, reviewer = make_user("foreign-friend"), make_reviewer("rita")
    owner = make_member(make_organization(slug="elsewhere"), MemberRole.OWNER, friend)
    for action in ("app.view", "app.change", "app.retire"):
        answer = ask(acme.owner, "who-can", action=action, resource=f"app:{acme.app.public_id}")
        named = {row["username"] for row in answer.json()["results"]}
        assert named <= set(acme.organization.memberships.values_list("user__username", flat=True))
        assert not named & {reviewer.username, owner.username, acme.operator.username}
    for user in (acme.member, make_reviewer(), acme.outsider):
        answer = ask(user, "who-can", action="app.view", resource=f"app:{acme.app.public_id}")
        assert answer.status_code in {403, 404}


@pytest.mark.parametrize(
    "reference",
    ["app:", "app:app1", "app:app1000001'", "app:\x00", "release:-1", "release:1.5", f"release:{2**63}", "release:1e3",
     "release:\u0661", "organization:../acme", "organization:" + "x" * 5000, "user:\U0001f600", ":", "app", "::::",
     "user:", "environment:app1000001/", "environment:app1000001/test/x", "membership:acme", str(uuid.UUID(int=0))],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("question", ["explain", "who-can"])
def test_f28_a_reference_that_is_none_is_refused_or_not_there(question: str, reference: str) -> None:
    client = api_client(make_operator())
    # One for each kind of row that a question can be about.
    for action in {resource_type.name: action for action, resource_type in ACTIONS.items()}.values():
        answer = client.get(f"/api/v1/access/{question}/", {"action": action, "resource": reference})
        assert answer.status_code in {400, 404}, (action, answer.content)
        assert answer.headers["Content-Type"] == "application/problem+json"
