"""No change of a policy leaves the platform without an operator (F26)."""

from typing import Any

import pytest

from tenants import access
from tenants.exceptions import InvalidTransition, WouldLockOut
from tenants.models import AccessPolicy, Freeze, User
from tenants.people.choices import MemberRole
from tenants.people.services import memberships
from tenants.people.services import users as people
from tenants.policies.services import policies
from tests.attacks.access.policy_calls import EVERYTHING, POLICY
from tests.attacks.access.world import rows
from tests.factories import (
    api_client,
    make_member,
    make_operator,
    make_organization,
    owner_of,
)
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db


LOCK = POLICY | {"resource_type": "policy", "actions": ["policy.change"]}


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
