"""What goes or changes while it is worked on: nobody is answered with a 500, and nothing comes back or is lost."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gitlab
import pytest

from tests.contracts.forge.server import Forge

JOBS = "".join(f"j{number}: {{script: ['true']}}\n" for number in range(8))
ROUNDS = 6


@pytest.fixture
def client(forge: Forge) -> Callable[[], gitlab.Gitlab]:
    """A connection of one's own: python-gitlab's is not made for several threads."""
    return lambda: gitlab.Gitlab(forge.url, private_token=forge.admin_token, timeout=30)


@pytest.fixture
def busy_project(admin: gitlab.Gitlab) -> Callable[..., Any]:
    """Makes a project whose pipeline is being run, with a hook that hears of each of its steps."""

    def make(**values: Any) -> Any:
        project = admin.projects.create({"name": f"p{secrets.token_hex(4)}", **values})
        project.hooks.create({"url": "http://127.0.0.1:9/", "push_events": True, "pipeline_events": True})
        action = {"action": "create", "file_path": ".gitlab-ci.yml", "content": JOBS}
        project.commits.create({"branch": "main", "commit_message": "x", "actions": [action]})
        project.pipelines.create({"ref": "main"})
        return project

    return make


def _all_at_once(*calls: Callable[[], Any]) -> list[int]:
    """Each call in a thread of its own, all begun together. The status of each answer; 0 where it was no error."""
    barrier = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> int:
        barrier.wait()
        try:
            call()
        except gitlab.GitlabError as error:
            return error.response_code or -1
        return 0

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_a_project_is_deleted_while_its_jobs_run(
    forge: Forge, admin: gitlab.Gitlab, busy_project: Callable[..., Any]
) -> None:
    assert forge.home is not None
    gone = []
    for _round in range(ROUNDS):
        project = busy_project()
        admin.projects.delete(project.id)
        with pytest.raises(gitlab.GitlabGetError, match="404"):
            admin.projects.get(project.id)
        gone.append(forge.home / f"repositories/projects/{project.id}.git")
    forge.stop_runner()
    left = [path for path in gone if path.exists()]
    forge.start_runner()
    assert left == []


def test_a_group_is_deleted_while_jobs_in_it_run(admin: gitlab.Gitlab, busy_project: Callable[..., Any]) -> None:
    for _round in range(ROUNDS):
        name = f"g{secrets.token_hex(4)}"
        group = admin.groups.create({"name": name, "path": name})
        below = admin.groups.create({"name": "below", "path": "below", "parent_id": group.id})
        for where in (group, below, group):
            busy_project(namespace_id=where.id)
        admin.groups.delete(group.id)
        assert admin.projects.list(search=name, search_namespaces=True, get_all=True) == []


def test_a_person_is_deleted_while_their_jobs_run(admin: gitlab.Gitlab, busy_project: Callable[..., Any]) -> None:
    for _round in range(ROUNDS):
        name = f"u{secrets.token_hex(4)}"
        values = {"email": f"{name}@example.com", "username": name, "name": name, "force_random_password": True}
        user = admin.users.create(values)
        own, shared = busy_project(namespace_id=user.namespace_id), busy_project()
        shared.members.create({"user_id": user.id, "access_level": 40})
        shared.pipelines.create({"ref": "main"}, sudo=user.id)
        admin.users.delete(user.id, hard_delete=True)
        with pytest.raises(gitlab.GitlabGetError, match="404"):
            admin.projects.get(own.id)
        assert len(admin.projects.get(shared.id).pipelines.list(get_all=True)) == 2
        admin.projects.delete(shared.id)


def test_who_writes_to_a_project_that_is_just_going_is_told_that_it_is_gone(
    client: Callable[[], gitlab.Gitlab], busy_project: Callable[..., Any]
) -> None:
    for _round in range(ROUNDS):
        project_id = busy_project().id
        mine = [client().projects.get(project_id) for _ in range(5)]
        remover = client()
        answers = _all_at_once(
            lambda: remover.projects.delete(project_id),  # noqa: B023 - all of them end within the round
            lambda: mine[0].variables.create({"key": "K", "value": "v"}),  # noqa: B023
            lambda: mine[1].hooks.create({"url": "http://127.0.0.1:9/"}),  # noqa: B023
            lambda: mine[2].pipelines.create({"ref": "main"}),  # noqa: B023
            lambda: mine[3].protectedtags.create({"name": "v*"}),  # noqa: B023
            lambda: setattr(mine[4], "description", "x") or mine[4].save(),  # type: ignore[func-returns-value] # noqa: B023
        )
        assert answers[0] == 0
        assert set(answers[1:]) <= {0, 404}
        with pytest.raises(gitlab.GitlabGetError, match="404"):
            remover.projects.get(project_id)


def test_a_setting_that_is_changed_while_pipelines_are_made_loses_none_of_them(
    client: Callable[[], gitlab.Gitlab], busy_project: Callable[..., Any]
) -> None:
    project_id = busy_project().id
    mine = [client().projects.get(project_id) for _ in range(4)]

    def describe(project: Any) -> None:
        for number in range(10):
            project.description = f"number {number}"
            project.save()

    def run(project: Any) -> None:
        for _number in range(5):
            project.pipelines.create({"ref": "main"})

    answers = _all_at_once(
        lambda: describe(mine[0]), lambda: describe(mine[1]), lambda: run(mine[2]), lambda: run(mine[3])
    )
    assert answers == [0, 0, 0, 0]
    found = mine[0].pipelines.list(get_all=True)
    assert sorted(pipeline.iid for pipeline in found) == list(range(1, 12))
    client().projects.delete(project_id)


@pytest.mark.parametrize("what", ["groups", "projects", "users"])
def test_a_name_that_several_want_at_once_is_given_to_one_and_the_others_are_told(
    client: Callable[[], gitlab.Gitlab], what: str
) -> None:
    for _round in range(ROUNDS):
        name = f"n{secrets.token_hex(4)}"
        person = {"email": f"{name}@example.com", "username": name, "force_random_password": True}
        values = {"name": name, **(person if what == "users" else {"path": name})}
        makers = [getattr(client(), what) for _ in range(4)]
        answers = _all_at_once(*[lambda maker=maker: maker.create(values) for maker in makers])  # type: ignore[misc] # noqa: B023
        assert sorted(answers) == [0, *[409 if what == "users" else 400] * 3]
