"""The forge's group has the members that the organization has, machines too, and loses them when it does."""

from typing import Any

import gitlab
import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from provisioning.models import ForgeAccount
from provisioning.services.repositories import group_path
from provisioning.tasks import sync_members
from tenants.models import Organization, User
from tenants.services.memberships import membership_change, membership_remove
from tenants.services.people import user_change
from tenants.services.service_accounts import service_account_remove
from tenants.signals import membership_changed
from tests.contracts.forge.server import Forge
from tests.factories import make_app, make_invitation, make_member, make_operator, make_service_account, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(forge: Forge, settings: Any) -> Organization:
    settings.FORGE_URL, settings.FORGE_TOKEN = forge.url, forge.admin_token
    return make_app().organization


def at_the_forge(admin: gitlab.Gitlab, organization: Organization) -> set[int]:
    """The users of ours who are in the organization's group."""
    sync_members(organization.pk)
    group = admin.groups.get(group_path(organization))
    ids = [member.id for member in group.members.list(get_all=True)]
    return set(ForgeAccount.objects.filter(forge_user_id__in=ids).values_list("user", flat=True))


def test_who_is_invited_is_no_member_and_who_is_removed_is_none_any_more(
    admin: gitlab.Gitlab, organization: Organization
) -> None:
    owner, member = owner_of(organization), make_member(organization)
    make_invitation(organization)
    assert at_the_forge(admin, organization) == {owner.pk, member.pk}
    membership_change(organization=organization, username=member.username, role="maintainer", actor=owner)
    assert at_the_forge(admin, organization) == {owner.pk, member.pk}
    membership_remove(organization=organization, username=member.username, actor=owner)
    assert at_the_forge(admin, organization) == {owner.pk}


def test_a_service_account_that_is_removed_and_a_person_who_is_deactivated_are_out(
    admin: gitlab.Gitlab,
    organization: Organization,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    owner, member = owner_of(organization), make_member(organization)
    # A name that ends as a reserved file extension.
    machine = make_service_account(organization, "git")
    assert at_the_forge(admin, organization) == {owner.pk, member.pk, machine.pk}
    heard: list[int] = []

    def hear(**sent: Any) -> None:
        heard.append(sent["organization_id"])

    membership_changed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            service_account_remove(account=machine, actor=owner)
        assert heard == [organization.pk]
        assert at_the_forge(admin, organization) == {owner.pk, member.pk}
        with django_capture_on_commit_callbacks(execute=True):
            user_change(user=User.objects.get(pk=member.pk), actor=make_operator(), is_active=False)
        assert heard == [organization.pk] * 2
    finally:
        membership_changed.disconnect(hear)
    assert at_the_forge(admin, organization) == {owner.pk}
