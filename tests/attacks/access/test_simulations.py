"""Simulations and explanations tell nobody more than they may know (F28)."""

import uuid
from typing import Any

import pytest

from tenants import access
from tenants.models import AccessPolicy, AuditEvent, User
from tenants.people.choices import MemberRole
from tenants.policies.resources import ACTIONS
from tenants.releases.choices import ReleaseState
from tests.attacks.access.policy_calls import refused
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

pytestmark = pytest.mark.django_db


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
