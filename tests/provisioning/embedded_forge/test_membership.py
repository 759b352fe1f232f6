"""The forge's group has the members that the organization has, machines too, and loses them when it does."""

from typing import Any
from unittest.mock import Mock

import gitlab
import pytest
import requests
from pytest_django import DjangoCaptureOnCommitCallbacks

from provisioning.exceptions import ServiceUnavailable
from provisioning.forge.client import ForgeClient
from provisioning.models import ForgeAccount
from provisioning.repositories.choices import GitTokens
from provisioning.repositories.services.repositories import git_token_create, group_path
from provisioning.tasks import end_git_tokens, sync_members
from tenants.exceptions import NotPermitted
from tenants.models import AuditEvent, Organization, User
from tenants.people.services.memberships import membership_change, membership_remove
from tenants.people.services.service_accounts import service_account_remove
from tenants.people.services.users import user_change
from tenants.signals import membership_changed
from tests.contracts.forge.server import Forge
from tests.factories import (
    api_client,
    make_app,
    make_invitation,
    make_member,
    make_operator,
    make_service_account,
    owner_of,
)

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


def opens(forge: Forge, token: str) -> bool:
    """Whether the forge takes this token for git."""
    url = f"{forge.url}/api/v4/personal_access_tokens/self"
    answer = requests.get(url, headers={"PRIVATE-TOKEN": token}, timeout=20)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_tokens_for_git_end_with_a_service_account_though_it_is_made_again_at_once(
    forge: Forge,
    organization: Organization,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    owner, machine = owner_of(organization), make_service_account(organization)
    other = git_token_create(user=owner)[1]
    leaked = git_token_create(user=machine)[1]
    assert opens(forge, leaked)
    with django_capture_on_commit_callbacks(execute=True):
        service_account_remove(account=machine, actor=owner)
    make_service_account(organization)
    fresh = git_token_create(user=User.objects.get(pk=machine.pk))[1]
    end_git_tokens()
    assert [opens(forge, token) for token in (leaked, fresh, other)] == [False, True, True]


def test_tokens_for_git_end_with_a_persons_account_and_do_not_come_back_with_it(
    forge: Forge, organization: Organization
) -> None:
    member, operator = make_member(organization), make_operator()
    token = git_token_create(user=member)[1]
    # No signal is heard here: the round finds the account nevertheless.
    user_change(user=member, actor=operator, is_active=False)
    end_git_tokens()
    assert not opens(forge, token)
    user_change(user=member, actor=operator, is_active=True)
    end_git_tokens()
    assert not opens(forge, token)
    assert opens(forge, git_token_create(user=User.objects.get(pk=member.pk))[1])
    told = AuditEvent.objects.filter(object_id=member.username, action__startswith="git_token").order_by("pk")
    assert [event.action for event in told] == [
        *("git_tokens.given", "git_token.created", "git_tokens.ending", "git_tokens.ended"),
        *("git_tokens.given", "git_token.created"),
    ]


def test_a_token_for_git_that_comes_after_the_end_of_its_account_is_revoked_at_once(
    forge: Forge, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, made = make_member(organization), list[str]()
    make = ForgeClient.create_user_token

    def late(client: ForgeClient, **fields: Any) -> str:
        user_change(user=member, actor=make_operator(), is_active=False)
        end_git_tokens()
        made.append(make(client, **fields))
        return made[0]

    monkeypatch.setattr(ForgeClient, "create_user_token", late)
    with pytest.raises(NotPermitted, match="not active any more"):
        git_token_create(user=member)
    assert not opens(forge, made[0])


def test_a_token_for_git_that_was_lost_is_revoked_by_whose_it_is(forge: Forge, organization: Organization) -> None:
    member = make_member(organization)
    lost, others = git_token_create(user=member)[1], git_token_create(user=owner_of(organization))[1]
    assert api_client(member).delete("/api/v1/me/git-token/").status_code == 204
    assert [opens(forge, token) for token in (lost, others)] == [False, True]
    assert opens(forge, git_token_create(user=member)[1])
    # Where the forge is away it waits.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForgeClient, "revoke_user_tokens", Mock(side_effect=ServiceUnavailable("the forge is away")))
        assert api_client(member).delete("/api/v1/me/git-token/").status_code == 503
    assert ForgeAccount.objects.get(user=member).git_tokens == GitTokens.ENDING
