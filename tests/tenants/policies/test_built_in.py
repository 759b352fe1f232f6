"""Built-in policies are declared in the rooms, and brought into the database after migrations."""

from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from tenants.models import AccessPolicy, AccessPolicyVersion, AuditEvent
from tenants.policies.built_in import BuiltInPolicy, declared
from tenants.policies.resources import RESOURCE_TYPES
from tenants.policies.services.built_in import built_in_policies_load

FIELDS = ("name", "effect", "resource_type", "actions", "subject", "resource", "context", "code", "description")
NAME = "app-members-view"


def rows() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in AccessPolicy.objects.filter(is_built_in=True).values(*FIELDS)}


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__startswith="policy.").order_by("pk"))


def with_other(**changes: Any) -> list[BuiltInPolicy]:
    return [replace(policy, **changes) if policy.name == NAME else policy for policy in declared()]


@pytest.mark.django_db
def test_a_new_installation_has_what_the_rooms_declare_and_a_version_of_each() -> None:
    assert rows() == {policy.name: {"name": policy.name, **policy.content()} for policy in declared()}
    versions = AccessPolicyVersion.objects.filter(policy__is_built_in=True)
    assert set(versions.values_list("policy__name", "version")) == {(name, 1) for name in rows()}


@pytest.mark.django_db
def test_policies_that_did_not_change_write_nothing() -> None:
    versions = AccessPolicyVersion.objects.count()
    assert built_in_policies_load(declared=declared()) == []
    assert (AccessPolicyVersion.objects.count(), events()) == (versions, [])


@pytest.mark.django_db
def test_a_changed_policy_gets_a_version_and_an_event_of_the_platforms() -> None:
    assert built_in_policies_load(declared=with_other(subject={"role": "owner"})) == [NAME]
    row = AccessPolicy.objects.get(name=NAME)
    assert (row.version, row.subject) == (2, {"role": "owner"})
    version = row.versions.get(version=2)
    assert (version.content["subject"], version.changed_by) == ({"role": "owner"}, None)
    [event] = events()
    assert (event.action, event.actor, event.object_id) == ("policy.changed", None, NAME)
    assert event.after == {"subject": {"role": "owner"}}


@pytest.mark.django_db
def test_a_policy_that_an_operator_disabled_stays_disabled() -> None:
    AccessPolicy.objects.filter(name=NAME).update(is_enabled=False)
    built_in_policies_load(declared=with_other(description="Members see apps."))
    row = AccessPolicy.objects.get(name=NAME)
    assert (row.description, row.is_enabled) == ("Members see apps.", False)


@pytest.mark.django_db
def test_a_policy_of_an_operators_own_is_not_touched_even_if_its_name_is_wanted() -> None:
    AccessPolicy.objects.filter(name=NAME).update(is_built_in=False, description="ours")
    assert built_in_policies_load(declared=declared()) == []
    assert AccessPolicy.objects.get(name=NAME).description == "ours"


@pytest.mark.django_db
def test_a_new_policy_comes_with_an_event() -> None:
    AccessPolicyVersion.objects.filter(policy__name=NAME).delete()
    AccessPolicy.objects.filter(name=NAME).delete()
    assert built_in_policies_load(declared=declared()) == [NAME]
    assert [event.action for event in events()] == ["policy.created"]


@pytest.mark.django_db
def test_a_policy_that_no_room_declares_any_more_is_disabled_even_if_it_names_what_is_gone() -> None:
    AccessPolicy.objects.filter(name=NAME).update(resource={"gone": 1})
    assert built_in_policies_load(declared=[one for one in declared() if one.name != NAME]) == [NAME]
    assert not AccessPolicy.objects.get(name=NAME).is_enabled
    assert [event.after for event in events()] == [{"is_enabled": False}]


@pytest.mark.django_db
def test_an_older_installation_ends_with_the_policies_of_a_new_one() -> None:
    new = rows()
    AccessPolicy.objects.filter(name="release-not-own-commit").update(
        resource={"commit_author_emails__contains": "$subject.email"}, description="of before"
    )
    call_command("migrate", verbosity=0)
    assert rows() == new
    assert AccessPolicy.objects.get(name="release-not-own-commit").version == 2


def test_each_room_declares_policies_for_resource_types_of_its_own() -> None:
    for policy in declared():
        kind = RESOURCE_TYPES[policy.resource_type]
        room = kind.model.__module__.split(".")[:2]
        names = {one.name for one in __import__(".".join([*room, "policies"]), fromlist=["POLICIES"]).POLICIES}
        assert policy.name in names, policy.name
        assert room[0] == apps.get_app_config(kind.model._meta.app_label).name
