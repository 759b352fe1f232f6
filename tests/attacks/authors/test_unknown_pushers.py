"""Pushes of unknown accounts, of unknown times, and of service accounts (B12, B13)."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from provisioning.models import ForgeAccount, Push, Repository
from provisioning.repositories.services.repositories import git_tokens_end
from provisioning.tasks import read_pushes
from tenants.models import ApiToken, Release, User
from tenants.people.services.memberships import membership_change, membership_remove
from tests.attacks.authors.conftest import API, House, approve
from tests.attacks.authors.reviewers import leave
from tests.contracts.forge.conftest import People
from tests.contracts.forge.git import with_token
from tests.factories import (
    api_client,
    make_member,
    make_reviewer,
    make_service_account,
    make_token,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("way", ["leaves", "is removed", "is demoted", "is deactivated"])
def test_b12_a_service_accounts_tokens_end_with_the_person_who_made_them(house: House, way: str) -> None:
    organization, keeper = house.app.organization, make_member(house.app.organization, "owner")
    machine = make_service_account(organization)
    robot = APIClient(raise_request_exception=False)
    robot.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(machine, actor=keeper)}")
    body = {"name": "another", "scopes": ["read", "deploy", "operate"]}
    another = APIClient(raise_request_exception=False)
    made = robot.post(f"{API}/tokens/", body, format="json")
    assert made.status_code == 201, made.json()
    another.credentials(HTTP_AUTHORIZATION=f"Bearer {made.json()['token']}")
    others = make_token(machine, actor=house.owner)
    work = house.work_of(machine, another)
    house.push(machine)
    match way:
        case "leaves":
            leave(house, keeper)
        case "is removed":
            membership_remove(organization=organization, username=keeper.username, actor=house.owner)
        case "is demoted":
            membership_change(organization=organization, username=keeper.username, role="developer", actor=house.owner)
        case _:
            operator = make_user(is_operator=True)
            answer = api_client(operator).patch(f"{API}/users/{keeper.username}/", {"is_active": False}, format="json")
            assert answer.status_code == 200
    assert [client.get(f"{API}/me/").status_code for client in (robot, another)] == [401, 401]
    assert ApiToken.objects.get(user=machine, revoked_at=None).created_by == house.owner
    remaining = APIClient(HTTP_AUTHORIZATION=f"Bearer {others}")
    assert remaining.get(f"{API}/me/").status_code == 200
    # No signal was needed: the rows say it.
    git_tokens_end(forge=house.forge)
    work.commit({"late.php": "<?php"}, "late")
    refused = work.push("HEAD:main", ok=False)
    assert refused.returncode != 0
    assert "denied" in refused.stderr.lower() or "authentication" in refused.stderr.lower()


def test_b13_an_account_that_berth_does_not_know_clears_nobody(house: House, forge: Any) -> None:
    stranger = People(forge, house.forge.gitlab).make()
    house.push(house.owner)
    group = house.forge.gitlab.groups.get(f"org-{house.app.organization.slug}")
    group.members.create({"user_id": stranger.id, "access_level": 30})
    work = house.work_of(house.owner)
    work.commit({"strange.php": "<?php"}, "strange")
    work.run("push", "--quiet", with_token(house.url, stranger.token, stranger.username), "HEAD:main")
    house.push(house.owner)
    release = house.release(house.owner)
    status, reason = approve(make_reviewer(), release)
    assert (status, release.authors_state) == (403, "unknown")
    assert stranger.username in reason
    assert "make them anew" in reason


def test_b13_a_push_that_was_cut_off_before_it_was_told_is_recorded(house: House, forge: Any) -> None:
    """git's hook is killed after the ref has moved: the note of before it moved is what the record comes from."""
    house.push(house.owner)
    spool = forge.home / "var" / "forge" / "spool"
    if not spool.is_dir():
        (spool,) = list(forge.home.rglob("spool"))
    forge.stop_runner()
    try:
        sha = house.push(house.owner)
        told = [path for path in spool.iterdir() if not path.name.startswith(".") and sha in path.read_text()]
        told[0].rename(spool / f".prepared-{told[0].name}")
        release = house.release(house.owner)
        assert release.authors_state == "known"
        assert Push.objects.filter(after=sha, user=house.owner).exists()
    finally:
        forge.start_runner()


def test_b13_commits_older_than_the_record_are_any_members_of_then(house: House, rita: User, forge: Any) -> None:
    house.push(rita)
    leave(house, rita)
    forge.manage("shell", "-c", (
        "from provisioning.embedded_forge.models import PushEvent; PushEvent.objects.all().delete()"
    ))  # fmt: skip
    Repository.objects.filter(app=house.app).update(has_all_pushes=False)
    release = house.release(house.owner)
    assert release.authors_state == "known"
    assert f"you were a member of {house.app.organization} when one of its commits came" in approve(rita, release)[1]
    assert approve(make_reviewer(), release)[0] == 200


def test_b13_commits_without_any_record_are_approved_by_nobody(house: House, forge: Any) -> None:
    house.push(house.owner)
    forge.manage("shell", "-c", (
        "from provisioning.embedded_forge.models import PushEvent; PushEvent.objects.all().delete()"
    ))  # fmt: skip
    release = house.release(house.owner)
    status, reason = approve(make_reviewer(), release)
    assert status == 403
    assert "no record of who pushed 1 of its commits" in reason
    house.work_of(house.owner).push("HEAD:refs/heads/again")
    read_pushes(house.app.pk)
    assert approve(make_reviewer(), Release.objects.get(pk=release.pk))[0] == 200


def test_b13_a_push_of_which_a_gitlab_tells_no_ref_may_be_any_commit(house: House, rita: User) -> None:
    """GitLab sums up a push of more than three refs: the embedded forge does not, so that the row is written here."""
    house.push(house.owner)
    leave(house, rita)
    account = ForgeAccount.objects.get(user=rita)
    repository = Repository.objects.get(app=house.app)
    Push.objects.create(repository=repository, forge_user_id=account.forge_user_id, user=rita, ref_count=5)
    assert "you pushed one of its commits" in approve(rita, house.release(house.owner))[1]
