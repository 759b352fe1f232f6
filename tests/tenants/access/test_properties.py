"""What holds whatever the policies say: a deny wins, and nothing opens by mistake."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings

from tenants.access import (
    Context,
    Subject,
    decide,
    evaluation,
    may,
    may_ever,
    policies_changed,
    require_scope,
    restrict,
)
from tenants.access.evaluation import PolicySet, compiled
from tenants.audit.request_context import Authentication
from tenants.exceptions import InsufficientScope
from tenants.models import AccessPolicy, PluginApp, Release
from tests.factories import make_app, make_operator, make_release, make_user, owner_of
from tests.tenants.access.rows import Rows, make_rows
from tests.tenants.access.test_agreement import allowed_by_decide, found_by_restrict
from tests.tenants.access.worlds import SETTINGS, WORLDS, World, worlds

pytestmark = pytest.mark.django_db
ALL = {"match_all": True}


def policy(**fields: Any) -> AccessPolicy:
    said = {"effect": "allow", "subject": ALL, "resource": ALL, "context": ALL}
    return AccessPolicy(name="another", description="Another.", **said | fields)


def allowed(world: World, rows: Rows, policies: list[AccessPolicy]) -> set[int]:
    """The rows of `world`, were these its policies. Both ways to ask give the same."""
    found = [compiled(one) for one in policies]
    with evaluation(PolicySet.of(one for one in found if one is not None)):
        answer = allowed_by_decide(world, rows)
        assert found_by_restrict(world, rows) == answer
        return answer


def holds_in_every_world(check: Callable[[World, Rows], None]) -> None:
    rows = make_rows()

    @hypothesis_settings(SETTINGS, max_examples=max(WORLDS // 5, 25))
    @given(world=worlds(rows))
    def checked(world: World) -> None:
        check(world, rows)

    checked()


def test_a_deny_wins_over_every_allow_and_grant() -> None:
    def check(world: World, rows: Rows) -> None:
        everything = {"resource_type": world.resource_type.name, "actions": [world.action]}
        opened = [*world.policies, policy(**everything)]
        for policies in (
            [policy(effect="deny", **everything), *opened],
            [*opened, policy(effect="deny", **everything)],
        ):
            assert allowed(world, rows, policies) == set()

    holds_in_every_world(check)


def test_another_deny_never_grants_and_another_allow_never_takes_away() -> None:
    def check(world: World, rows: Rows) -> None:
        assume(world.policies)
        added, *policies = world.policies
        deny, allow = copy.copy(added), copy.copy(added)
        deny.effect, allow.effect = "deny", "allow"
        before = allowed(world, rows, policies)
        assert allowed(world, rows, [*policies, deny]) <= before <= allowed(world, rows, [*policies, allow])

    holds_in_every_world(check)


def test_the_order_of_policies_says_nothing() -> None:
    def check(world: World, rows: Rows) -> None:
        assert allowed(world, rows, world.policies[::-1]) == allowed(world, rows, world.policies)

    holds_in_every_world(check)


def test_nothing_matching_is_deny() -> None:
    app, stranger = make_app(), make_user()
    with evaluation(PolicySet()):
        for user in (stranger, owner_of(app.organization), make_operator(), make_user(is_superuser=True)):
            decision = decide(user, "app.view", app)
            assert (decision.allowed, decision.policy, decision.code) == (False, "", "permission_denied")
            assert not restrict(PluginApp.objects.all(), user, "app.view").exists()
            assert not may_ever(user, "app.view")


def test_nobody_may_anything_where_everything_is_allowed() -> None:
    app, left = make_app(), make_user(is_active=False)
    with evaluation(PolicySet.of([everything_allowed("app", "app.view")])):
        assert may(make_user(), "app.view", app)
        for nobody in (None, AnonymousUser(), left, Subject(left)):
            assert decide(nobody, "app.view", app).code == "not_authenticated"
            assert not restrict(PluginApp.objects.all(), nobody, "app.view").exists()
            assert not may_ever(nobody, "app.view")


SCOPES: list[tuple[set[str], set[str]]] = [
    (set(), set()),
    ({"read"}, {"app.view"}),
    ({"deploy"}, {"app.view", "app.change"}),
    ({"review"}, {"app.view"}),
    ({"operate"}, {"app.view"}),
    ({"read", "review", "deploy"}, {"app.view", "app.change"}),
]


@pytest.mark.parametrize(("scopes", "expected"), SCOPES)
def test_a_token_does_what_its_scopes_say_and_the_refusal_names_the_missing_one(
    scopes: set[str], expected: set[str]
) -> None:
    app = make_app()
    subject = Subject(owner_of(app.organization), Authentication(method="token", scopes=frozenset(scopes)))
    assert {action for action in ("app.view", "app.change") if may(subject, action, app)} == expected
    for action, scope in (("app.view", "read"), ("app.change", "deploy")):
        assert may_ever(subject, action) is (action in expected)
        if action in expected:
            assert list(restrict(PluginApp.objects.all(), subject, action)) == [app]
            continue
        assert decide(subject, action, app).missing_scope == scope
        with pytest.raises(InsufficientScope, match=f"scope {scope}"):
            require_scope(subject, action)
        with pytest.raises(InsufficientScope, match=f"scope {scope}"):
            restrict(PluginApp.objects.all(), subject, action)


def everything_allowed(resource_type: str, *actions: str) -> Any:
    return compiled(policy(resource_type=resource_type, actions=list(actions)))


# Written past the model: what no version of the language can read.
UNREADABLE: list[dict[str, Any]] = [
    {"subject": {}},
    {"subject": []},
    {"subject": {"match_all": False}},
    {"subject": {"shoe_size": 44}},
    {"subject": "ada"},
    {"resource": {"app__organization__name": "x"}},
    {"resource": {"state__regex": "."}},
    {"resource": 7},
    {"context": {"time__within": {"zone": "Mars/Olympus", "from": "09:00"}}},
    {"context": {"address__in_network": "intranet"}},
    {"actions": "release.view"},
    {"actions": {"release.view": True}},
    {"actions": []},
    {"actions": [["release.view"]]},
    {"actions": ["release.view", "release.destroy"]},
    {"actions": ["release.view", "app.view"]},
    {"resource_type": "server"},
    {"resource_type": "app"},
]


def written(effect: str, unreadable: dict[str, Any]) -> None:
    said = {"resource_type": "release", "actions": ["release.view"], "effect": effect, "code": "closed"}
    stored = policy(**said)
    stored.save()
    AccessPolicy.objects.filter(pk=stored.pk).update(**unreadable)
    policies_changed()


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_an_allow_that_can_not_be_read_opens_nothing(unreadable: dict[str, Any]) -> None:
    release, stranger = make_release(), make_user()
    written("allow", unreadable)
    assert not may(stranger, "release.view", release)
    assert not restrict(Release.objects.all(), stranger, "release.view").exists()
    assert may(owner_of(release.app.organization), "release.view", release)


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_a_deny_that_can_not_be_read_denies(unreadable: dict[str, Any]) -> None:
    release, operator = make_release(), make_operator()
    assert may(operator, "release.view", release)
    written("deny", unreadable)
    assert decide(operator, "release.view", release).code == "closed"
    assert not restrict(Release.objects.all(), operator, "release.view").exists()
    assert not may_ever(operator, "release.view")
    assert may_ever(operator, "host.view")


@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_a_policy_about_nothing_that_there_is_keeps_nobody_from_anything(effect: str) -> None:
    release, operator = make_release(), make_operator()
    written(effect, {"resource_type": "server", "actions": ["server.reboot"]})
    assert may(operator, "release.view", release)
    assert not may(make_user(), "release.view", release)


def test_addresses_of_a_commit_match_whole_and_as_they_are_written() -> None:
    release, reviewer = make_release(author_emails=None), make_user(email="ada@x.test")
    denied = compiled(
        policy(
            effect="deny",
            resource_type="release",
            actions=["release.approve"],
            resource={"commit_author_emails__contains": "$subject.email"},
        )
    )
    with evaluation(PolicySet.of([everything_allowed("release", "release.approve"), denied])):  # type: ignore[list-item]
        for emails, is_own in [
            (["bob@x.test", "ada@x.test"], True),
            (["ada@x.test"], True),
            ([], False),
            (["ADA@x.test"], False),
            (["lada@x.test", "ada@x.test.example"], False),
            (['"ada@x.test"', 'x"ada@x.test', 'ada@x.test"', '\\"ada@x.test', '["ada@x.test"]'], False),
        ]:
            Release.objects.filter(pk=release.pk).update(commit_author_emails=emails)
            release.refresh_from_db()
            assert may(reviewer, "release.approve", release) is not is_own, emails
            assert restrict(Release.objects.all(), reviewer, "release.approve").exists() is not is_own, emails


def test_an_ipv4_address_is_the_same_however_it_and_the_network_are_written() -> None:
    app, user = make_app(), make_user()
    for network in ("10.0.0.0/8", "::ffff:10.0.0.0/104"):
        inside = compiled(policy(resource_type="app", actions=["app.view"], context={"address__in_network": network}))
        with evaluation(PolicySet.of([inside])):  # type: ignore[list-item]
            for address, is_inside in [
                ("10.1.2.3", True),
                ("::ffff:10.1.2.3", True),
                ("::ffff:a01:203", True),
                ("11.1.2.3", False),
                ("::ffff:11.1.2.3", False),
                ("::10.1.2.3", False),
                ("2001:db8::1", False),
                (None, False),
                ("unix", False),
            ]:
                decision = decide(user, "app.view", app, Context(address=address))
                assert decision.allowed is is_inside, (network, address)
