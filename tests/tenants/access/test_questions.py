"""Why, who, and what if: explanations, the people who can, and drafts tried on the past; over the API."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.access import recording
from tenants.exceptions import NotPermitted
from tenants.models import AccessPolicy, AuditEvent, User
from tenants.people.choices import MemberRole
from tenants.people.services.users import user_change
from tenants.policies.resources import Attribute, Kind
from tenants.policies.services.policies import freeze_create
from tenants.releases.choices import ReleaseState
from tenants.reviews.services.reviews import release_approve
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
EXPLAIN, WHO_CAN = "/api/v1/access/explain/", "/api/v1/access/who-can/"


def ask(who: Any, path: str, status: int = 200, **query: str) -> Any:
    response = api_client(who).get(path, query)
    assert response.status_code == status, response.content
    return response.json()


def test_a_refusal_names_the_term_that_failed_and_what_stood_there() -> None:
    app = make_app()
    developer = make_member(app.organization)
    answer = ask(developer, EXPLAIN, action="app.retire", resource=f"app:{app.public_id}")
    assert (answer["allowed"], answer["policy"], answer["matched"]) == (False, "", [])
    assert answer["reason"].endswith(f"ask an owner of {app.organization}")
    assert answer["failed"] == {
        "policy": "app-keepers-manage",
        "condition": "subject",
        "term": "role__in",
        "wanted": ["maintainer", "owner"],
        "found": "developer",
    }


def test_a_deny_is_named_beside_the_allow_that_it_overrides() -> None:
    app = make_app()
    insider = make_member(app.organization, MemberRole.MAINTAINER, make_reviewer())
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    answer = ask(insider, EXPLAIN, action="release.approve", resource=f"release:{release.pk}")
    assert (answer["allowed"], answer["policy"]) == (False, "release-not-own-organization")
    assert [(policy["name"], policy["effect"]) for policy in answer["matched"]] == [
        ("release-not-own-organization", "deny"),
        ("release-reviewers-decide", "allow"),
    ]


def test_an_action_that_creates_is_asked_about_where_it_would() -> None:
    app = make_app()
    owner = owner_of(app.organization)
    answer = ask(owner, EXPLAIN, action="app.create", resource=f"organization:{app.organization.slug}")
    assert (answer["allowed"], answer["policy"]) == (True, "app-keepers-manage")
    submit = {"action": "release.submit", "resource": f"environment:{app.public_id}/test"}
    assert ask(owner, EXPLAIN, **submit)["allowed"]
    assert ask(owner, EXPLAIN, action="organization.create")["allowed"]
    assert not ask(owner, EXPLAIN, action="policy.create")["allowed"]


def test_what_one_may_not_see_can_not_be_explained_either() -> None:
    app = make_app()
    stranger = make_user()
    absent = ask(stranger, EXPLAIN, 404, action="app.view", resource="app:app1999999")
    hidden = ask(stranger, EXPLAIN, 404, action="app.view", resource=f"app:{app.public_id}")
    assert {**absent, "request_id": ""} == {**hidden, "request_id": ""}
    assert ask(stranger, WHO_CAN, 404, action="app.view", resource=f"app:{app.public_id}")["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "field", "remedy"),
    [
        ({}, "action", "use one of"),
        ({"action": "app.explode"}, "action", "use one of"),
        ({"action": "app.view", "resource": "release:1"}, "resource", "app:..."),
        ({"action": "app.view"}, "resource", "app:..."),
        ({"action": "organization.create", "resource": "app:app1000001"}, "resource", "leave it out"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_how_to(query: dict[str, str], field: str, remedy: str) -> None:
    problem = ask(make_user(), EXPLAIN, 400, **query)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert remedy in problem["detail"]


def test_operators_and_auditors_ask_for_anybody_and_others_for_themselves() -> None:
    app = make_app()
    developer = make_member(app.organization)
    query = {"action": "app.change", "resource": f"app:{app.public_id}", "user": developer.username}
    for overseer in (make_operator(), make_user(is_auditor=True)):
        answer = ask(overseer, EXPLAIN, **query)
        assert (answer["allowed"], answer["failed"]["found"]) == (False, "developer")
    ask(owner_of(app.organization), EXPLAIN, 404, **query)
    ask(make_reviewer(), EXPLAIN, 404, **query)
    assert not ask(developer, EXPLAIN, **query)["allowed"]
    ask(make_operator(), EXPLAIN, 404, **query | {"user": "nobody"})
    ask(make_operator(), EXPLAIN, 400, **query, second_factor="perhaps")


def test_who_can_has_everybody_for_operators_and_the_own_people_for_owners() -> None:
    app = make_app(organization=make_organization(slug="acme"))
    owner, maintainer = owner_of(app.organization), make_member(app.organization, MemberRole.MAINTAINER)
    developer, reviewer, insider = make_member(app.organization), make_reviewer(), make_reviewer()
    make_member(app.organization, user=insider)
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    change = {"action": "app.change", "resource": f"app:{app.public_id}"}
    approve = {"action": "release.approve", "resource": f"release:{release.pk}"}

    def names(answer: Any) -> set[str]:
        return {row["username"] for row in answer["results"]}

    assert names(ask(owner, WHO_CAN, **change)) == {owner.username, maintainer.username}
    mine = ask(owner, WHO_CAN, **approve)
    assert (names(mine), mine["platform_staff"]) == (set(), 1)
    operator = make_operator()
    assert names(ask(operator, WHO_CAN, **approve)) == {reviewer.username}
    assert ask(operator, WHO_CAN, **change)["platform_staff"] == 0
    for outside in (developer, reviewer):
        ask(outside, WHO_CAN, 403, **change)


def test_who_can_takes_everybody_to_be_signed_in_to_the_portal_however_one_asks() -> None:
    app, operator = make_app(), make_operator()
    draft(
        name="no-tokens",
        resource_type="app",
        actions=["app.change"],
        context={"authentication_method": "token"},
        is_enabled=True,
    )
    answer = ask(operator, WHO_CAN, action="app.change", resource=f"app:{app.public_id}")
    assert [row["username"] for row in answer["results"]] == [owner_of(app.organization).username]


def test_who_can_takes_the_same_queries_for_many_people(django_assert_max_num_queries: Any) -> None:
    app = make_app()
    operator = make_operator()
    for _ in range(30):
        make_member(app.organization, MemberRole.MAINTAINER)
    client = api_client(operator)
    with django_assert_max_num_queries(16):
        answer = client.get(WHO_CAN, {"action": "app.change", "resource": f"app:{app.public_id}"}).json()
    assert len(answer["results"]) == 31


def simulate(operator: Any, policy: AccessPolicy, status: int = 200, **body: Any) -> Any:
    response = api_client(operator).post(f"/api/v1/policies/{policy.pk}/simulate/", body)
    assert response.status_code == status, response.content
    return response.json()


def draft(**fields: Any) -> AccessPolicy:
    everything = {"match_all": True}
    content: dict[str, Any] = {
        "name": "draft",
        "description": "a draft",
        "effect": "deny",
        "resource_type": "release",
        "actions": ["release.approve"],
        "subject": everything,
        "resource": everything,
        "context": everything,
        "is_enabled": False,
    }
    return AccessPolicy.objects.create(**content | fields)


def test_a_draft_is_tried_on_what_was_decided_as_it_was_then() -> None:
    operator, reviewer = make_operator(), make_reviewer()
    in_test = make_release(environment="test", state=ReleaseState.AWAITING_REVIEW)
    production = make_release(state=ReleaseState.AWAITING_REVIEW)
    for release in (in_test, production):
        release_approve(release=release, digest=release.digest, comment="", actor=reviewer)
    # Who they were then counts, not who they are now.
    type(reviewer).objects.filter(pk=reviewer.pk).update(is_reviewer=False)
    policy = draft(resource={"environment": "production"})
    written = AuditEvent.objects.count()
    answer = simulate(operator, policy)
    assert answer["examined"] == 2
    assert [(row["resource"], row["before"], row["after"], row["policy"]) for row in answer["changed"]] == [
        (f"release:{production.pk}", True, False, "draft")
    ]
    assert answer["changed"][0]["actor"] == reviewer.username
    wider = simulate(operator, policy, draft={"resource": {"match_all": True}})
    assert len(wider["changed"]) == 2
    assert simulate(operator, policy, last=1)["examined"] == 1
    policy.refresh_from_db()
    assert (policy.resource, policy.is_enabled) == ({"environment": "production"}, False)
    # Tokens of this test's clients alone were written.
    assert (
        AuditEvent.objects.count() - written
        == AuditEvent.objects.filter(action="token.created", actor=operator).count()
    )


def test_a_draft_that_allows_is_tried_on_what_was_refused() -> None:
    operator, reviewer = make_operator(), make_reviewer()
    release = make_release(state=ReleaseState.AWAITING_REVIEW)
    freeze_create(reason="moving", ends_at=timezone.now() + timedelta(hours=1), actor=operator)
    refused = api_client(reviewer).post(f"/api/v1/releases/{release.pk}/approve/", {"digest": release.digest})
    assert (refused.status_code, refused.json()["code"]) == (403, "freeze_in_force")
    freeze_policy = AccessPolicy.objects.get(name="release-freeze")
    answer = simulate(operator, freeze_policy, draft={"is_enabled": False})
    assert [(row["before"], row["after"], row["policy"]) for row in answer["changed"]] == [
        (False, True, "release-reviewers-decide")
    ]


def test_a_draft_is_tried_on_decisions_about_who_was_not_active_any_more_and_from_before_an_attribute_was() -> None:
    operator, gone, user = make_operator(), make_operator(), make_user()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(NotPermitted):
        user_change(user=user, actor=gone, email="new@example.test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "SUBJECT_ATTRIBUTES", [Attribute("id", Kind.ID), Attribute("username", Kind.TEXT)])
        user_change(user=user, actor=operator, email="new@example.test")
    about = {"resource_type": "user", "actions": ["user.change"]}
    answer = simulate(operator, draft(**about, effect="allow"))
    # Of who was active then nothing but the name is known.
    assert answer["examined"] == 2
    assert [(row["actor"], row["before"], row["after"]) for row in answer["changed"]] == [
        (operator.username, False, True)
    ]


def test_a_draft_that_can_not_be_is_refused_with_what_is_allowed() -> None:
    problem = simulate(make_operator(), draft(), 400, draft={"resource": {"app__organization__slug": "acme"}})
    assert "app__organization__slug" in problem["detail"]
    assert "organization_slug" in problem["detail"]
    policy = draft(name="other")
    for outsider in (make_user(), make_reviewer()):
        simulate(outsider, policy, 404)


def test_policies_are_read_written_and_kept_by_version_over_the_api() -> None:
    operator = api_client(make_operator())
    everything = {"match_all": True}
    created = operator.post(
        "/api/v1/policies/",
        {
            "name": "no-friday-releases",
            "description": "nothing goes live on a Friday: come back on Monday",
            "effect": "deny",
            "resource_type": "release",
            "actions": ["release.approve"],
            "subject": everything,
            "resource": {"environment": "production"},
            "context": {"time__within": {"zone": "Europe/Berlin", "weekdays": ["fri"]}},
        },
    )
    assert created.status_code == 201, created.content
    path = f"/api/v1/policies/{created.json()['id']}/"
    changed = operator.patch(path, {"version": 1, "is_enabled": False})
    assert (changed.status_code, changed.json()["version"], changed.json()["is_enabled"]) == (200, 2, False)
    assert operator.patch(path, {"version": 1, "is_enabled": True}).json()["code"] == "invalid_transition"
    assert [row["version"] for row in operator.get(f"{path}versions/").json()["results"]] == [2, 1]
    assert any(row["name"] == "no-friday-releases" for row in operator.get("/api/v1/policies/").json()["results"])
    refused = operator.post("/api/v1/policies/", {"name": "x", "context": {"time__within": {"zone": "Mars/Olympus"}}})
    assert refused.status_code == 400


def test_the_documents_have_every_built_in_policy_as_it_is() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "policies.md").read_text()
    shown = {
        match[1]: (match[2], match[3])
        for match in re.finditer(r"^\| `([a-z-]+)` \| (allow|deny) \| ([^|]+) \|", page, re.MULTILINE)
    }
    actual = {
        policy.name: (policy.effect, ", ".join(policy.actions))
        for policy in AccessPolicy.objects.filter(is_built_in=True)
    }
    assert shown == actual
