"""Nobody decides on a release that they had a part in: real pushes to a real forge, decisions over the API."""

import secrets
from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from provisioning.models import ForgeAccount
from provisioning.releases.services.readings import scope_ensure
from provisioning.tasks import read_pushes
from tenants.models import Organization, User
from tenants.people.services.memberships import membership_change
from tenants.releases.services import releases
from tests.attacks.authors.conftest import API, House, approve, queue_of
from tests.attacks.authors.reviewers import leave
from tests.factories import (
    api_client,
    make_member,
    make_reviewer,
    make_service_account,
    make_token,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_b9_an_empty_commit_or_a_merge_by_somebody_else_hides_no_ones_own_code(house: House, rita: User) -> None:
    house.push(house.owner)
    house.live(house.release(house.owner))
    for _ in range(3):
        house.push(rita)
    leave(house, rita)
    work = house.work_of(house.owner)
    work.run("pull", "--quiet", "origin", "main")
    work.run("commit", "--quiet", "--allow-empty", "-m", "nothing")
    work.push("HEAD:main")
    release = house.release(house.owner)
    status, reason = approve(rita, release)
    assert status == 403
    assert "you pushed 3 of its commits" in reason
    assert f"you were a member of {house.app.organization} until" in reason
    assert queue_of(rita) == []
    assert approve(make_reviewer(), release)[0] == 200


def test_b9_a_branch_pushed_long_before_still_counts(house: House, rita: User) -> None:
    """It is merged by somebody else when another release was approved since, and the membership counts no more."""
    house.push(house.owner)
    own = house.push(rita, to="feature")
    leave(house, rita)
    house.live(house.release(house.owner))
    work = house.work_of(house.owner)
    work.run("fetch", "--quiet", "origin", "feature")
    work.run("merge", "--quiet", "--no-ff", "-m", "merge", "FETCH_HEAD")
    work.push("HEAD:main")
    release = house.release(house.owner)
    assert own in work.run("log", "--format=%H").stdout
    assert approve(rita, release) == (
        403,
        "you pushed one of its commits: somebody who pushed none of its commits must decide on it",
    )
    shown = api_client(house.owner).get(f"{API}/releases/{release.pk}/").json()["authors"]
    assert (shown["state"], shown["note"]) == ("known", "")
    pushed = {row["username"]: row["commits"] for row in shown["contributors"] if row["part"] == "pushed"}
    told = "an account that pushes them again is counted beside the first"
    assert pushed == {rita.username: 1, house.owner.username: 2}, told


def test_b9_a_commit_that_was_forced_away_and_put_back_still_counts(house: House, rita: User) -> None:
    """A push of two commits, then a push that forces the branch back to the first: `before..after` shows nothing."""
    house.push(house.owner)
    house.live(house.release(house.owner))
    first = house.push(rita, to="feature")
    work = house.work_of(rita)
    work.commit({"second.php": "<?php"}, "second")
    work.push("HEAD:refs/heads/once")
    work.push("--delete", "once")
    work.run("push", "--quiet", "--force", "origin", f"{first}:refs/heads/feature")
    leave(house, rita)
    account = ForgeAccount.objects.get(user=rita)
    house.forge.gitlab.users.update(account.forge_user_id, {"username": f"{account.forge_username}-renamed"})
    mine = house.work_of(house.owner)
    mine.run("fetch", "--quiet", "origin", "feature")
    mine.run("push", "--quiet", "origin", f"{first}:refs/tags/v1")
    release = house.release(house.owner, ref="v1")
    assert "you pushed one of its commits" in approve(rita, release)[1]
    parts = {(row.user, row.part) for row in release.contributors.all()}
    assert (house.owner, "pushed") in parts, "the tag is a push, too"


def test_b9_an_older_commit_put_on_is_read_with_its_whole_history(house: House, rita: User) -> None:
    """The live commit is no ancestor of it: `live..head` would be empty."""
    house.push(house.owner)
    evil = house.push(rita)
    leave(house, rita)
    house.push(house.owner)
    house.live(house.release(house.owner))
    release = house.release(house.owner, ref=evil)
    assert "you pushed one of its commits" in approve(rita, release)[1]


def test_b9_what_is_live_changes_while_a_release_waits(house: House, rita: User) -> None:
    house.push(house.owner)
    first = house.release(house.owner)
    house.live(first)
    house.push(rita)
    leave(house, rita)
    second = house.release(house.owner)
    house.live(second)
    house.push(house.owner)
    third = house.release(house.owner)
    assert not third.contributors.filter(user=rita).exists(), "what she pushed has been approved and is live"
    first.refresh_from_db()
    releases.release_deploying(release=first)
    releases.release_went_live(release=first, is_rollback=True)
    assert "looking up who pushed" in approve(rita, third)[1]
    read_pushes()
    assert "you pushed one of its commits" in approve(rita, third)[1]
    scope_ensure(third)  # as a reviewer's look at the new difference does
    assert approve(make_reviewer(), third)[0] == 200


def test_b10_one_person_does_not_do_it_all(new_house: Callable[..., House]) -> None:
    """Founds, pushes with a made-up address, submits by a service account, hands over to a second account, leaves."""
    rita, second = make_reviewer(), make_user()
    client, slug = api_client(rita), f"front-{rita.pk}-{secrets.token_hex(3)}"
    assert client.post(f"{API}/organizations/", {"name": "Front", "slug": slug}, format="json").status_code == 201
    organization = Organization.objects.get(slug=slug)
    house = new_house(organization=organization)
    house.push(rita, email="nobody@made-up.test")
    machine = make_service_account(organization)
    token = make_token(machine, actor=rita)
    robot = APIClient(raise_request_exception=False)
    robot.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    release = house.release(robot)
    make_member(organization, user=second)
    membership_change(organization=organization, username=second.username, role="owner", actor=rita)
    leave(house, rita)
    status, reason = approve(rita, release)
    assert status == 403
    for part in (
        "you pushed one of its commits",
        f"you made the service account {machine.username} or a token of it, and it submitted this release",
        f"you were a member of {slug} until",
    ):
        assert part in reason
    assert queue_of(rita) == []
    assert robot.get(f"{API}/me/").status_code == 401, "the token of who left"
    shown = api_client(second).get(f"{API}/organizations/{slug}/service-accounts/").json()["results"][0]["keepers"]
    assert [(row["username"], row["until"] is not None) for row in shown] == [(rita.username, True)]
    page = Client()
    page.force_login(second, backend="django.contrib.auth.backends.ModelBackend")
    told = page.get(f"/organizations/{slug}/").content.decode()
    assert f"The API tokens that {rita.username} made for ci, and its tokens for git, ended" in told


def test_b11_a_developer_does_not_choose_the_reviewer(house: House) -> None:
    strict = make_reviewer("strict", email="strict@berth.test")
    house.push(house.owner, "change\n\nCo-authored-by: Strict <strict@berth.test>", email="Strict@Berth.test")
    release = house.release(house.owner)
    shown = api_client(strict).get(f"{API}/releases/{release.pk}/").json()["authors"]
    assert "strict@berth.test" in shown["claimed_emails"]
    assert queue_of(strict) == [release.pk]
    assert approve(strict, release)[0] == 200


def test_b9_a_reviewer_who_submits_by_a_grant_is_counted(house: House) -> None:
    rita = make_reviewer()
    body = {"username": rita.username, "permission": "submit_release"}
    answer = api_client(house.owner).post(f"{API}/apps/{house.app.public_id}/grants/", body, format="json")
    assert answer.status_code == 201, answer.json()
    house.push(house.owner)
    release = house.release(rita)
    assert "you submitted this release" in approve(rita, release)[1]


def test_the_pages_show_pushers_apart_from_the_claimed_author(house: House) -> None:
    house.push(house.owner, email="claimed@elsewhere.test")
    release = house.release(house.owner)
    client = Client()
    client.force_login(make_reviewer(), backend="django.contrib.auth.backends.ModelBackend")
    for path in (f"/releases/{release.pk}/", f"/releases/{release.pk}/review/"):
        text = client.get(path).content.decode()
        assert "claimed" in text
        assert f'<dt>pushed by</dt><dd><span class="name">{house.owner.username}</span>' in text
