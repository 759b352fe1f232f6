"""What the forge does when its processes die, its clients leave, and its limits are reached."""

import base64
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gitlab
import pytest

from tests.contracts.forge.git import new_repository, with_token
from tests.contracts.forge.server import Forge


def _commit(project: Any, path: str, content: str) -> Any:
    action = {"action": "create", "file_path": path, "content": content}
    return project.commits.create({"branch": "main", "commit_message": path, "actions": [action]})


def _until(what: Any, timeout_s: float = 120) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (result := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_jobs_of_a_runner_that_died_fail_and_their_processes_end(
    forge: Forge, project: Any, tmp_path: Path, number: signal.Signals
) -> None:
    mark = tmp_path / "pids"
    script = f"setsid sh -c 'echo $$ >> {mark}; exec sleep 300' & echo $$ >> {mark}; sleep 300"
    _commit(project, ".gitlab-ci.yml", f"job:\n  script:\n    - {script!r}\n")
    pipeline = project.pipelines.create({"ref": "main"})
    pids = _until(lambda: mark.exists() and len(found := mark.read_text().split()) == 2 and [int(pid) for pid in found])
    forge.stop_runner(number)
    try:
        assert number == signal.SIGTERM or any(map(_lives, pids))
    finally:
        forge.start_runner()
    _until(lambda: project.pipelines.get(pipeline.id).status == "failed")
    (job,) = pipeline.jobs.list(get_all=True)
    assert job.failure_reason == "runner_system_failure"
    assert not any(map(_lives, pids))
    assert forge.home is not None
    _until(lambda: not list((forge.home / "repositories/jobs").glob("*")))


def test_a_pipeline_made_while_no_runner_works_is_run_later(forge: Forge, project: Any) -> None:
    _commit(project, ".gitlab-ci.yml", "job: {script: [echo x]}")
    forge.stop_runner()
    try:
        pipeline = project.pipelines.create({"ref": "main"})
        assert pipeline.status == "pending"
    finally:
        forge.start_runner()
    _until(lambda: project.pipelines.get(pipeline.id).status == "success")


def test_one_runner_works_in_a_home(forge: Forge) -> None:
    _until(lambda: (forge.home or Path()).joinpath("repositories/runner.sock").exists())
    with pytest.raises(Exception, match="returned non-zero") as caught:
        forge.manage("forge_runner")
    assert "another runner" in str(getattr(caught.value, "stderr", ""))


def test_a_push_beyond_the_limit_is_refused_and_says_so(forge: Forge, project: Any, tmp_path: Path) -> None:
    work = new_repository(tmp_path / "w", with_token(project.http_url_to_repo, forge.admin_token))
    work.commit({"big": os.urandom(300_000)})
    done = work.push("main", ok=False)
    assert done.returncode != 0
    assert "exceeds maximum allowed size" in done.stderr
    assert project.branches.list(get_all=True) == []
    work.run("commit", "--quiet", "--amend", "-m", "small", "--allow-empty")
    work.run("rm", "--quiet", "big")
    work.run("commit", "--quiet", "--amend", "--allow-empty", "-m", "small")
    work.push("main")


def _git_processes(project: Any) -> list[str]:
    """Running git processes that serve this project's repository."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"/{project.id}.git\0".encode() in (entry / "environ").read_bytes() + b"\0":
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_a_client_that_goes_away_leaves_no_git_behind(forge: Forge, project: Any, tmp_path: Path) -> None:
    for number in range(12):
        work = new_repository(tmp_path / f"w{number}", with_token(project.http_url_to_repo, forge.admin_token))
        work.commit({f"f{number}": os.urandom(150_000)})
        work.push(f"main:b{number}")
    wants = [f"0032want {branch.commit['id']}\n" for branch in project.branches.list(get_all=True)]
    body = "".join(wants) + "00000009done\n"
    target = urlsplit(project.http_url_to_repo)
    connection = socket.create_connection((target.hostname, target.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    token = "Basic " + base64.b64encode(f"x:{forge.admin_token}".encode()).decode()
    head = (
        f"POST {target.path}/git-upload-pack HTTP/1.1\r\nHost: {target.netloc}\r\nAuthorization: {token}\r\n"
        f"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body.encode())
    assert connection.recv(200).startswith(b"HTTP/1.1 200")
    assert _until(lambda: _git_processes(project))
    connection.close()
    _until(lambda: not _git_processes(project))


def test_a_changed_root_token_takes_the_old_ones_place(forge: Forge, admin: gitlab.Gitlab) -> None:
    forge.manage("forge_bootstrap", FORGE_TOKEN="glpat-another-token-of-root")
    try:
        with pytest.raises(gitlab.GitlabAuthenticationError):
            admin.auth()
        gitlab.Gitlab(forge.url, private_token="glpat-another-token-of-root").auth()
    finally:
        forge.manage("forge_bootstrap")
    admin.auth()


def test_no_secret_is_stored_in_clear(forge: Forge, project: Any) -> None:
    project.variables.create({"key": "K", "value": "clear-text-variable"})
    project.hooks.create({"url": "http://127.0.0.1:9/", "token": "clear-text-hook-token", "push_events": False})
    _commit(project, ".gitlab-ci.yml", "job: {script: ['true']}")
    project.pipelines.create({"ref": "main", "variables": [{"key": "V", "value": "clear-text-pipeline"}]})
    stored = forge.stored()
    assert str(project.name).encode() in stored
    assert forge.admin_token.encode() not in stored
    for secret in (b"clear-text-variable", b"clear-text-hook-token", b"clear-text-pipeline"):
        assert secret not in stored


def test_a_repository_that_was_never_made_is_made_on_first_need(forge: Forge, project: Any) -> None:
    assert forge.home is not None
    path = forge.home / f"repositories/projects/{project.id}.git"
    path.rename(path.with_name("lost"))
    _commit(project, "f", "x")
    assert [item["path"] for item in project.repository_tree(get_all=True)] == ["f"]


def test_what_a_killed_server_left_on_disk_is_cleared_up(forge: Forge, project: Any) -> None:
    assert forge.home is not None
    root = forge.home / "repositories/projects"
    for name in ("999999.git", ".new-x", ".gone-x"):
        (root / name).mkdir()
    forge.stop_runner()
    forge.start_runner()
    _until(lambda: not any((root / name).exists() for name in ("999999.git", ".new-x", ".gone-x")))
    assert (root / f"{project.id}.git").exists()


def test_a_job_that_wants_submodules_is_told_that_there_are_none(project: Any) -> None:
    _commit(project, ".gitlab-ci.yml", "job: {variables: {GIT_SUBMODULE_STRATEGY: normal}, script: ['true']}")
    pipeline = project.pipelines.create({"ref": "main"})
    _until(lambda: project.pipelines.get(pipeline.id).status == "failed")
    (job,) = pipeline.jobs.list(get_all=True)
    assert "GIT_SUBMODULE_STRATEGY" in project.jobs.get(job.id).trace().decode()
