"""Operators keep policies: what they may change, that it counts at once, and that nobody locks everybody out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from tenants import access
from tenants.access.subjects import Context, Subject
from tenants.apps.services.environments import environment_update
from tenants.audit.request_context import Authentication, authentication
from tenants.exceptions import AlreadyExists, InvalidInput, InvalidTransition, NotPermitted, WouldLockOut
from tenants.models import AccessPolicy, AuditEvent, Freeze, Organization, PluginApp, Release, User
from tenants.policies.services.policies import freeze_create, freeze_end, policy_change, policy_create
from tenants.releases.choices import ReleaseState
from tenants.reviews.services.reviews import release_approve
from tests.factories import environment_of, make_app, make_operator, make_release, make_reviewer, make_user, owner_of

pytestmark = pytest.mark.django_db
ALL = {"match_all": True}


def deny(actor: User, **fields: Any) -> AccessPolicy:
    content: dict[str, Any] = {
        "name": "no-approval",
        "description": "nobody approves today: wait until tomorrow",
        "effect": "deny",
        "resource_type": "release",
        "actions": ["release.approve"],
        "subject": ALL,
        "resource": ALL,
        "context": ALL,
        "code": "",
        "is_enabled": True,
    }
    return policy_create(actor=actor, **content | fields)


def waiting(environment: str = "production") -> Release:
    return make_release(app=make_app(), environment=environment, state=ReleaseState.AWAITING_REVIEW)


def test_a_policy_counts_at_once_and_tells_its_reason() -> None:
    operator, reviewer, release = make_operator(), make_reviewer(), waiting()
    policy = deny(operator, code="closed_today")
    with pytest.raises(NotPermitted, match="nobody approves today") as refused:
        release_approve(release=release, digest=release.digest, comment="", actor=reviewer)
    assert refused.value.code == "closed_today"
    assert access.may(reviewer, "release.reject", release)
    policy_change(policy=policy, version=1, is_enabled=False, actor=operator)
    release_approve(release=release, digest=release.digest, comment="", actor=reviewer)


def test_every_change_is_a_version_and_an_event() -> None:
    operator = make_operator()
    policy = deny(operator)
    policy_change(policy=policy, version=1, resource={"environment": "production"}, actor=operator)
    same = policy_change(policy=policy, version=2, resource={"environment": "production"}, actor=operator)
    assert same.version == 2
    assert [(row.version, row.content["resource"], row.changed_by) for row in policy.versions.all()] == [
        (2, {"environment": "production"}, operator),
        (1, ALL, operator),
    ]
    created, changed = AuditEvent.objects.filter(object_type="policy", object_id="no-approval").order_by("pk")
    assert (created.action, created.actor, created.after["effect"]) == ("policy.created", operator, "deny")
    assert created.policy == "policy-operators-manage"
    assert (changed.before, changed.after) == ({"resource": ALL}, {"resource": {"environment": "production"}})


def test_of_two_operators_who_change_one_version_the_second_is_told() -> None:
    operator = make_operator()
    policy = deny(operator)
    policy_change(policy=policy, version=1, description="closed: come back tomorrow", actor=operator)
    with pytest.raises(InvalidTransition, match="version 2, not 1"):
        policy_change(policy=policy, version=1, is_enabled=False, actor=make_operator())


def test_only_operators_write_policies_and_names_are_taken_once() -> None:
    deny(make_operator())
    with pytest.raises(AlreadyExists, match="no-approval"):
        deny(make_operator())
    for somebody in (make_user(), make_reviewer(), make_user(is_auditor=True)):
        with pytest.raises(NotPermitted):
            deny(somebody, name="mine")
    assert AuditEvent.objects.filter(action="access.denied").count() == 3


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "No Approval"}, "name"),
        ({"description": " "}, "description"),
        ({"code": "Not a code"}, "code"),
        ({"effect": "maybe"}, "effect"),
        ({"resource": {"state__regex": "x"}}, "resource"),
    ],
)
def test_what_is_refused_names_the_field_and_leaves_nothing(fields: dict[str, Any], field: str) -> None:
    before = AccessPolicy.objects.count()
    with pytest.raises(InvalidInput) as refused:
        deny(make_operator(), **fields)
    assert list(refused.value.errors) == [field]
    assert AccessPolicy.objects.count() == before


def test_a_built_in_policy_can_be_disabled_and_not_rewritten() -> None:
    operator = make_operator()
    policy = AccessPolicy.objects.get(name="release-not-own-organization")
    with pytest.raises(InvalidInput, match="disable it, and add one of your own"):
        policy_change(policy=policy, version=1, subject={"role": "owner"}, actor=operator)
    release = waiting()
    insider = owner_of(release.app.organization)
    User.objects.filter(pk=insider.pk).update(is_reviewer=True)
    insider.refresh_from_db()
    other = make_release(app=release.app, state=ReleaseState.AWAITING_REVIEW, submitted_by=insider)
    assert not access.may(insider, "release.approve", other)
    policy_change(policy=policy, version=1, is_enabled=False, actor=operator)
    decision = access.decide(insider, "release.approve", other)
    assert (decision.allowed, decision.policy) == (False, "release-not-own-commit")


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": ALL},
        {"subject": {"platform_roles__contains": "operator"}},
        {"context": {"address__not_in_network": "192.0.2.0/24"}},
        {"context": {"authentication_method": "session"}},
        {"context": {"freeze": True}},
        {"subject": {"has_second_factor": False}},
    ],
)
def test_no_policy_locks_every_operator_out(fields: dict[str, Any]) -> None:
    """Whatever the condition: if from here nobody could take it back, it is refused and nothing changes."""
    operator, before = make_operator(), AccessPolicy.objects.count()
    token = authentication.set(Authentication(method="session", address="198.51.100.7"))
    try:
        with pytest.raises((WouldLockOut, NotPermitted), match="lock every operator out"):
            deny(operator, resource_type="policy", actions=["policy.change"], **fields)
    finally:
        authentication.reset(token)
    assert AccessPolicy.objects.count() == before
    assert access.may(operator, "policy.change", AccessPolicy())


def test_a_policy_that_leaves_an_operator_a_way_back_is_taken() -> None:
    operator = make_operator()
    token = authentication.set(Authentication(method="session", address="192.0.2.1", has_second_factor=True))
    try:
        deny(
            operator,
            resource_type="policy",
            actions=["policy.change", "policy.create"],
            subject=[{"has_second_factor": False}],
            description="policies are changed with a second factor: sign in again with yours",
        )
        assert access.may(operator, "policy.change", AccessPolicy())
    finally:
        authentication.reset(token)
    assert not access.may(operator, "policy.change", AccessPolicy())


def test_disabling_what_operators_live_by_is_refused() -> None:
    policy = AccessPolicy.objects.get(name="policy-operators-manage")
    with pytest.raises(WouldLockOut):
        policy_change(policy=policy, version=1, is_enabled=False, actor=make_operator())
    assert AccessPolicy.objects.get(pk=policy.pk).is_enabled


def test_a_freeze_lets_nobody_approve_for_production_but_who_is_on_call() -> None:
    operator, reviewer, on_call = make_operator(), make_reviewer(), make_reviewer()
    on_call.groups.add(Group.objects.create(name="on-call"))
    production, in_test = waiting(), waiting("test")
    freeze = freeze_create(reason="the data centre moves", ends_at=timezone.now() + timedelta(hours=1), actor=operator)
    decision = access.decide(reviewer, "release.approve", production)
    assert (decision.allowed, decision.code) == (False, "freeze_in_force")
    assert access.may(reviewer, "release.reject", production)
    assert access.may(reviewer, "release.approve", in_test)
    assert access.may(on_call, "release.approve", production)
    listed = access.restrict(Release.objects.all(), reviewer, "release.approve")
    assert list(listed) == [in_test]
    freeze_end(freeze=freeze, actor=operator)
    assert access.may(reviewer, "release.approve", production)
    with pytest.raises(InvalidTransition, match="over already"):
        freeze_end(freeze=freeze, actor=operator)


def test_a_freeze_has_a_reason_and_an_end_that_is_still_to_come() -> None:
    operator, now = make_operator(), timezone.now()
    with pytest.raises(InvalidInput, match="reason"):
        freeze_create(reason=" ", ends_at=now + timedelta(hours=1), actor=operator)
    with pytest.raises(InvalidInput, match="ends_at"):
        freeze_create(reason="x", ends_at=now - timedelta(seconds=1), actor=operator)
    with pytest.raises(NotPermitted):
        freeze_create(reason="x", ends_at=now + timedelta(hours=1), actor=make_reviewer())
    planned = freeze_create(
        reason="x", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2), actor=operator
    )
    freeze_end(freeze=planned, actor=operator)
    assert not Context(time=now + timedelta(minutes=90)).freeze
    assert Freeze.objects.get().pk == planned.pk


def test_the_example_of_the_readme_office_hours_and_a_second_factor() -> None:
    """A reviewer approves for production only in office hours in Berlin, with a second factor."""
    operator, reviewer = make_operator(), make_reviewer()
    production, in_test = waiting(), waiting("test")
    hours = {"zone": "Europe/Berlin", "weekdays": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
    for name, subject, context in (
        ("production-in-office-hours", ALL, {"time__outside": hours}),
        ("production-with-second-factor", {"has_second_factor": False}, ALL),
    ):
        deny(operator, name=name, subject=subject, resource={"environment": "production"}, context=context)
    with_factor = Subject(reviewer, Authentication(method="session", has_second_factor=True))
    without = Subject(reviewer, Authentication(method="session"))
    monday = Context(time=datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    at_seven, sunday = (
        Context(time=datetime(2026, 11, 23, 7, 59, tzinfo=UTC)),
        Context(time=datetime(2026, 11, 22, 12, 0, tzinfo=UTC)),
    )
    assert access.decide(with_factor, "release.approve", production, monday)
    assert access.decide(with_factor, "release.approve", production, at_seven).policy == "production-in-office-hours"
    assert access.decide(with_factor, "release.approve", production, sunday).policy == "production-in-office-hours"
    assert access.decide(without, "release.approve", production, monday).policy == "production-with-second-factor"
    assert access.decide(without, "release.approve", in_test, sunday)
    for subject, context in ((with_factor, monday), (with_factor, sunday), (without, monday)):
        listed = set(access.restrict(Release.objects.all(), subject, "release.approve", context))
        assert listed == ({production, in_test} if (subject, context) == (with_factor, monday) else {in_test})


def test_creation_is_judged_by_what_would_be_created() -> None:
    deny(
        make_operator(),
        name="no-static-apps",
        resource_type="app",
        actions=["app.create"],
        resource={"stack": "static"},
        description="static apps are no longer made: choose php",
    )
    app = make_app(stack="php")
    with pytest.raises(NotPermitted, match="choose php"):
        make_app(stack="static", organization=app.organization)
    assert PluginApp.objects.count() == 1


def test_a_change_must_be_allowed_before_it_and_after_it() -> None:
    """An operator who may touch all but one kind of policy can't turn another one into that kind."""
    operator = make_operator()
    policy = deny(operator)
    deny(
        operator,
        name="leave-hosts-alone",
        resource_type="policy",
        actions=["policy.change"],
        resource={"resource_type": "host"},
        description="policies on hosts are not yours",
    )
    with pytest.raises(NotPermitted, match="hosts are not yours"):
        policy_change(policy=policy, version=1, resource_type="host", actions=["host.view"], actor=operator)
    policy.refresh_from_db()
    assert (policy.resource_type, policy.version) == ("release", 1)


def test_an_address_is_meant_however_a_policy_writes_it() -> None:
    ada = make_user("ada", email="Ada@Example.test")
    deny(
        make_operator(),
        name="not-ada",
        resource_type="organization",
        actions=["organization.create"],
        subject={"email__in": ["ADA@example.TEST"]},
        description="not ada: ask somebody else",
    )
    assert access.decide(ada, "organization.create", Organization()).policy == "not-ada"
    assert access.may(make_user(), "organization.create", Organization())


def test_limits_may_be_raised_as_far_as_a_policy_lets_and_no_further() -> None:
    """The environment is judged as it is, and as it would be: nobody gets past a ceiling, or touches what is above."""
    environment = environment_of(make_app())
    owner = owner_of(environment.app.organization)
    deny(
        make_operator(),
        name="memory-ceiling",
        resource_type="environment",
        actions=["environment.change"],
        subject={"platform_roles__excludes": "operator"},
        resource={"memory_mib__gt": 512},
        description="more than 512 MiB is an operator's to give: ask one",
    )
    environment_update(environment=environment, memory_mib=512, actor=owner)
    with pytest.raises(NotPermitted, match="ask one"):
        environment_update(environment=environment, memory_mib=513, actor=owner)
    environment.refresh_from_db()
    assert environment.memory_mib == 512
    assert AuditEvent.objects.filter(action="environment.changed").count() == 1
