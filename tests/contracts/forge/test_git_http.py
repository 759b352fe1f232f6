"""Git over HTTP, with real git."""

from pathlib import Path
from typing import Any

import gitlab
import pytest
import requests

from tests.contracts.forge.conftest import People, Person
from tests.contracts.forge.git import Git, new_repository, with_token
from tests.contracts.forge.server import Forge


def test_what_is_pushed_is_what_is_cloned(work: Git, project: Any, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4000
    sha = work.commit({"data.bin": content, "dir/ü": "text"})
    work.push("main")
    work.run("clone", "--quiet", work.run("remote", "get-url", "origin").stdout.strip(), str(tmp_path / "clone"))
    assert (tmp_path / "clone/data.bin").read_bytes() == content
    assert Git(tmp_path / "clone").head() == sha
    assert project.branches.get("main").commit["id"] == sha


def test_the_first_branch_that_is_pushed_is_the_default_one(work: Git, admin: gitlab.Gitlab, project: Any) -> None:
    work.commit({"f": "1"})
    work.push("main:trunk")
    assert admin.projects.get(project.id).default_branch == "trunk"


def test_the_url_works_without_its_ending(work: Git) -> None:
    work.commit({"f": "1"})
    url = work.run("remote", "get-url", "origin").stdout.strip().removesuffix(".git")
    work.run("push", "--quiet", url, "main")


def test_one_commit_is_fetched_by_its_sha_alone(work: Git, tmp_path: Path) -> None:
    shas = [work.commit({"f": str(number)}) for number in range(4)]
    work.push("main")
    for version in ("0", "2"):
        fresh = new_repository(tmp_path / f"v{version}", work.run("remote", "get-url", "origin").stdout.strip())
        fresh.run("-c", f"protocol.version={version}", "fetch", "--quiet", "--depth=1", "origin", shas[1])
        fresh.run("checkout", "--quiet", "FETCH_HEAD")
        assert (fresh.where / "f").read_text() == "1"
        assert fresh.run("rev-list", "--count", "HEAD").stdout.strip() == "1"


def test_a_commit_that_a_force_push_left_behind_can_still_be_fetched(work: Git, tmp_path: Path) -> None:
    work.commit({"f": "0"})
    old = work.commit({"f": "1"})
    work.push("main")
    work.run("reset", "--quiet", "--hard", "HEAD~1")
    work.commit({"f": "2"})
    work.push("--force", "main")
    fresh = new_repository(tmp_path / "fresh", work.run("remote", "get-url", "origin").stdout.strip())
    fresh.run("fetch", "--quiet", "--depth=1", "origin", old)


@pytest.mark.parametrize("token", ["", "glpat-wrong"])
def test_a_wrong_token_is_asked_for_again_and_says_nothing(project: Any, tmp_path: Path, token: str) -> None:
    git = new_repository(tmp_path / "w", with_token(project.http_url_to_repo, token))
    done = git.run("fetch", "origin", ok=False)
    assert done.returncode != 0
    assert "Authentication failed" in done.stderr or "could not read" in done.stderr


def test_a_stranger_finds_nothing(project: Any, stranger: Person, tmp_path: Path) -> None:
    git = new_repository(tmp_path / "w", with_token(project.http_url_to_repo, stranger.token))
    assert "not found" in git.run("fetch", "origin", ok=False).stderr.lower()


def test_a_token_needs_a_scope_for_repositories(
    project: Any, people: People, developer: Person, tmp_path: Path
) -> None:
    token = people.token(developer.id, ["read_api"])
    git = new_repository(tmp_path / "w", with_token(project.http_url_to_repo, token))
    assert "Authentication failed" in git.run("fetch", "origin", ok=False).stderr


def test_a_token_that_reads_does_not_push(work: Git, project: Any, people: People, developer: Person) -> None:
    work.commit({"f": "1"})
    work.push("main")
    reader = with_token(project.http_url_to_repo, people.token(developer.id, ["read_repository"]))
    work.run("fetch", "--quiet", reader)
    sha = work.commit({"f": "2"})
    done = work.run("push", reader, "main", ok=False)
    assert done.returncode != 0
    assert "403" in done.stderr
    assert project.branches.get("main").commit["id"] != sha


def test_a_reporter_reads_and_does_not_push(work: Git, filled: Any, stranger: Person) -> None:
    filled.members.create({"user_id": stranger.id, "access_level": 20})
    url = with_token(filled.http_url_to_repo, stranger.token)
    work.run("pull", "--quiet", url, "main")
    work.commit({"f": "2"})
    assert "not allowed to push" in work.run("push", url, "main", ok=False).stderr


def test_a_project_token_clones_and_does_not_push(work: Git, filled: Any, next_month: str) -> None:
    made = filled.access_tokens.create(
        {"name": "read", "scopes": ["read_repository"], "access_level": 20, "expires_at": next_month}
    )
    url = with_token(filled.http_url_to_repo, made.token)
    work.run("pull", "--quiet", url, "main")
    work.commit({"f": "2"})
    assert work.run("push", url, "main", ok=False).returncode != 0


def test_a_repository_with_a_hostile_object_is_refused_whole(work: Git, project: Any) -> None:
    url = "--upload-pack=touch /tmp/owned"
    work.commit({".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = "{url}"\n'})
    done = work.push("main", ok=False)
    assert done.returncode != 0
    assert "gitmodules" in done.stderr
    assert project.branches.list(get_all=True) == []


@pytest.mark.parametrize("ref", ["refs/keep-around/x", "refs/merge-requests/1/head"])
def test_only_branches_and_tags_are_pushed(work: Git, ref: str) -> None:
    work.commit({"f": "1"})
    assert work.push(f"HEAD:{ref}", ok=False).returncode != 0


def test_a_branch_is_not_named_like_a_commit(work: Git) -> None:
    work.commit({"f": "1"})
    work.push("main")
    assert "SHA" in work.push(f"HEAD:refs/heads/{'a' * 40}", ok=False).stderr


def test_the_dumb_protocol_is_not_served(forge: Forge, filled: Any, developer: Person) -> None:
    url = f"{filled.http_url_to_repo}/info/refs"
    answer = requests.get(url, auth=("x", developer.token), timeout=30)
    assert answer.status_code in {403, 404}
    for path in ("HEAD", "objects/info/packs", "config"):
        assert (
            requests.get(f"{filled.http_url_to_repo}/{path}", auth=("x", developer.token), timeout=30).status_code
            >= 400
        )


def test_a_path_does_not_climb(forge: Forge, developer: Person) -> None:
    for path in ("../../etc/passwd", "%2e%2e/%2e%2e/x", "a/b.git/../../../x"):
        url = f"{forge.url}/{path}/info/refs?service=git-upload-pack"
        session = requests.Session()
        prepared = session.prepare_request(requests.Request("GET", url, auth=("x", developer.token)))
        prepared.url = url
        assert session.send(prepared, timeout=30).status_code == 404
