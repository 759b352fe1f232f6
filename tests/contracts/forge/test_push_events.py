"""Pushes and their users, as `/projects/:id/events` and push hooks tell it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.forge.conftest import People, Person
from tests.contracts.forge.git import Git, new_repository, with_token
from tests.contracts.forge.receiver import Receiver


@pytest.fixture
def pushes(filled: Any) -> Callable[..., list[Any]]:
    return lambda **options: filled.events.list(action="pushed", sort="asc", get_all=True, **options)


def test_each_ref_that_moved_has_an_event_that_names_the_user(
    work: Git, filled: Any, developer: Person, pushes: Callable[..., list[Any]]
) -> None:
    before = len(pushes())
    work.run("pull", "--quiet", "origin", "main")
    old = work.head()
    new = work.commit({"f": "1"}, "first\n\nbody")
    work.push("HEAD:refs/heads/feature")
    work.push("HEAD:main")
    newer = work.commit({"f": "2"}, "second")
    work.push("HEAD:refs/heads/feature")
    work.run("tag", "v1")
    work.push("v1")
    work.push("--delete", "feature")
    told = [
        (event.author_id, event.author_username, event.action_name, *(event.push_data[name] for name in (
            "action", "ref_type", "ref", "commit_from", "commit_to", "commit_title")))
        for event in pushes()[before:]
    ]  # fmt: skip
    who = (developer.id, developer.username)
    assert told == [
        (*who, "pushed new", "created", "branch", "feature", None, new, "first"),
        (*who, "pushed to", "pushed", "branch", "main", old, new, "first"),
        (*who, "pushed to", "pushed", "branch", "feature", new, newer, "second"),
        (*who, "pushed new", "created", "tag", "v1", None, newer, "second"),
        (*who, "deleted", "removed", "branch", "feature", newer, None, None),
    ]
    event = pushes()[-1]
    assert (event.project_id, event.author["username"]) == (filled.id, developer.username)


def test_an_event_is_there_as_soon_as_git_says_so(work: Git, pushes: Callable[..., list[Any]]) -> None:
    work.run("pull", "--quiet", "origin", "main")
    for number in range(3):
        sha = work.commit({"f": str(number)})
        work.push("HEAD:main")
        assert pushes()[-1].push_data["commit_to"] == sha


def test_a_forced_push_and_a_refused_one(work: Git, pushes: Callable[..., list[Any]], filled: Any) -> None:
    work.run("pull", "--quiet", "origin", "main")
    base = work.head()
    work.commit({"f": "1"})
    work.push("HEAD:refs/heads/feature")
    work.run("push", "--quiet", "--force", "origin", f"{base}:refs/heads/feature")
    assert pushes()[-1].push_data["commit_to"] == base
    count = len(pushes())
    assert work.push("HEAD:refs/secret/x", ok=False).returncode
    assert len(pushes()) == count


def test_days_and_other_actions(pushes: Callable[..., list[Any]], filled: Any, work: Git) -> None:
    work.run("pull", "--quiet", "origin", "main")
    work.commit({"f": "1"})
    work.push("HEAD:main")
    assert pushes()
    assert pushes(after="2001-01-01")
    assert not pushes(before="2001-01-01")
    assert not pushes(after="2999-01-01")
    assert not filled.events.list(action="pushed", target_type="issue", get_all=True)


def test_the_hook_names_the_user_by_id_and_name(work: Git, filled: Any, developer: Person, receiver: Receiver) -> None:
    filled.hooks.create({"url": receiver.url, "push_events": True, "tag_push_events": True})
    work.run("pull", "--quiet", "origin", "main")
    old = work.head()
    sha = work.commit({"f": "1"})
    work.push("HEAD:main")
    _headers, body = receiver.wait_for(lambda _headers, body: body["after"] == sha)
    assert (body["user_id"], body["user_username"], body["before"]) == (developer.id, developer.username, old)


def test_an_address_in_the_commit_names_nobody(
    filled: Any, group: Any, people: People, tmp_path: Any, pushes: Callable[..., list[Any]]
) -> None:
    other = people.make()
    group.members.create({"user_id": other.id, "access_level": 30})
    git = new_repository(tmp_path / "other", with_token(filled.http_url_to_repo, other.token, other.username))
    git.run("pull", "--quiet", "origin", "main")
    git.run("commit", "--quiet", "--allow-empty", "-m", "x", GIT_AUTHOR_EMAIL="somebody@else.test")
    git.push("HEAD:main")
    assert pushes()[-1].author_id == other.id
