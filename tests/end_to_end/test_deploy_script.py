"""The pipeline's script with real git, rsync, compose and engine: exactly the approved commit, or a clear refusal."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.deploy_script import TOKEN, nothing_runs, over_http
from tests.end_to_end.git_server import GitServer
from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.containers.stage import Stage, docker, git

pytestmark = pytest.mark.docker


__all__ = ["make_stage", "slot", "stage"]


def test_a_commit_is_fetched_over_http_and_goes_live(stage: Stage, server: GitServer) -> None:
    stage.variables = {"GREETING": "over http"}
    stage.started(**over_http(server))
    assert stage.text() == "hello from over http"


def test_the_approved_commit_is_deployed_and_not_what_came_later(stage: Stage, server: GitServer) -> None:
    approved = stage.commit()
    stage.write("index.php", "<?php echo 'pushed after the review';")
    stage.commit()
    result = stage.run(stage.prepare(approved) | over_http(server))
    assert result.returncode == 0, result.stderr
    stage.wait()
    assert stage.text() == "hello from nobody"


def test_a_pointer_that_is_not_the_approved_commit_is_refused(stage: Stage) -> None:
    approved = stage.commit()
    stage.write("other", "x")
    result = stage.run(stage.prepare(approved, pointer=stage.commit()))
    # Not the developer's move: only the platform writes to that repository.
    assert result.returncode == 1
    assert f"berth: failed: codes points to {git('rev-parse', 'HEAD', cwd=stage.code)}" in result.stderr
    assert nothing_runs(stage)


def test_a_commit_that_is_gone_is_refused_with_what_to_do(stage: Stage, server: GitServer) -> None:
    gone = "1" * 40
    result = stage.run(stage.prepare(gone) | over_http(server))
    assert result.returncode == 3
    assert f"berth: refused: commit {gone} is gone from the code repository" in result.stderr


def test_a_tree_or_a_file_in_the_place_of_a_commit_is_refused(stage: Stage) -> None:
    stage.commit()
    for name in ("HEAD^{tree}", "HEAD:index.php"):
        result = stage.run(stage.prepare(git("rev-parse", name, cwd=stage.code)))
        assert result.returncode != 0
        assert "berth: refused: " in result.stderr or "berth: failed: " in result.stderr
    assert nothing_runs(stage)


def test_a_second_run_changes_nothing_that_runs(stage: Stage) -> None:
    environment = stage.prepare(stage.commit())
    assert stage.run(environment).returncode == 0
    stage.wait()
    before = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", stage.web, stage.app).stdout
    assert stage.run(environment).returncode == 0
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", stage.web, stage.app).stdout == before


def test_what_was_changed_on_the_host_is_put_right(stage: Stage) -> None:
    environment = stage.prepare(stage.commit())
    assert stage.run(environment).returncode == 0
    page = stage.home / "code" / "index.php"
    times = page.stat().st_atime_ns, page.stat().st_mtime_ns
    page.write_text("<?php echo 'hello from nobodY';".ljust(page.stat().st_size))
    os.utime(page, ns=times)
    (stage.home / "code" / "planted.php").write_text("<?php")
    assert stage.run(environment).returncode == 0
    assert page.read_text() == (stage.code / "index.php").read_text()
    assert not (stage.home / "code" / "planted.php").exists()


def test_standby_services_start_beside_the_live_ones(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(roles=("live", "standby"))
    stage.started()
    live = docker("inspect", "--format", "{{.Id}}", stage.web, stage.app).stdout
    assert stage.deploy(BERTH_START="standby-web standby-app").returncode == 0
    names = [stage.spec.container("standby", "web"), stage.spec.container("standby", "app")]
    assert set(stage.engine.states(names).values()) == {"running"}
    assert docker("inspect", "--format", "{{.Id}}", stage.web, stage.app).stdout == live


def test_one_target_may_start_other_services_than_the_rest(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(roles=("live", "standby"))
    result = stage.deploy(BERTH_TARGETS=f"local {stage.home} standby-web standby-app\n")
    assert result.returncode == 0, result.stderr
    assert nothing_runs(stage)
    assert stage.engine.states([stage.spec.container("standby", "web")]) == {
        f"{stage.spec.project}-standby-web": "running"
    }


def test_files_on_the_host_are_readable_to_the_plugin_and_writable_to_nobody_else(stage: Stage) -> None:
    (stage.code / "tool.sh").write_text("#!/bin/sh\n")
    (stage.code / "tool.sh").chmod(0o777)
    stage.started()
    for path in [*stage.home.rglob("*")]:
        mode = path.stat().st_mode
        assert path.stat().st_uid == os.geteuid()
        assert not mode & 0o7022, path
    assert stage.home.stat().st_mode & 0o777 == 0o700
    # The plugin's user reads it in its container; on the host nobody enters the directory.
    assert (stage.home / "variables.php").stat().st_mode & 0o777 == 0o444
    assert stage.inside(stage.app, "cat", "/app/tool.sh").stdout == "#!/bin/sh\n"


def test_the_tree_is_byte_for_byte_the_reviewed_one_whatever_its_attributes_say(stage: Stage) -> None:
    stage.write(".gitattributes", "*.txt text eol=crlf ident\nhidden.php export-ignore\n*.sub export-subst\n"
                                  "*.lfs filter=lfs\n*.u16 working-tree-encoding=UTF-16\n")  # fmt: skip
    contents = {
        "a.txt": "$Id$\nline\n",
        "hidden.php": "<?php",
        "x.sub": "$Format:%H$\n",
        "y.lfs": "pointer\n",
        "z.u16": "text\n",
    }
    stage.commit()
    for path, content in contents.items():
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"],
            cwd=stage.code,
            input=content,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", cwd=stage.code)
    git("commit", "-q", "-m", "attributes", cwd=stage.code)
    result = stage.run(stage.prepare(git("rev-parse", "HEAD", cwd=stage.code)))
    assert result.returncode == 0, result.stderr
    assert {path: (stage.home / "code" / path).read_text() for path in contents} == contents


def test_links_that_stay_in_the_tree_are_deployed(stage: Stage) -> None:
    stage.write("assets/style.css", "body {}")
    (stage.code / "current").symlink_to("assets")
    (stage.code / "assets" / "up").symlink_to("../index.php")
    stage.started()
    assert stage.text("/current/style.css") == "body {}"


def test_the_token_and_the_variables_are_in_no_output_argument_or_readable_file(
    stage: Stage, server: GitServer
) -> None:
    stage.variables = {"SECRET": "the-plugins-secret"}
    environment = stage.prepare(stage.commit()) | over_http(server)
    seen: set[str] = set()
    job = subprocess.Popen(
        ["bash", "deploy.sh"],
        cwd=stage.management,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while job.poll() is None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(process.read_text(errors="replace"))
            except OSError:
                continue
    output = job.communicate()[0]
    assert job.returncode == 0, output
    secrets = (TOKEN, "the-plugins-secret", environment["BERTH_VARIABLES_PRODUCTION"])
    assert any("git" in line for line in seen)
    assert any("docker\0run" in line for line in seen)
    for secret in secrets:
        assert not any(secret in line for line in seen)
        assert secret not in output
    # The variables' own file is for the plugin's user in its container: on the host nobody else passes the directory.
    assert stage.home.stat().st_mode & 0o777 == 0o700
    for path in stage.home.rglob("*"):
        if path.is_file() and path.name != "variables.php" and path.stat().st_mode & 0o077:
            assert "the-plugins-secret" not in path.read_text()
    assert list(stage.management.glob(".berth.*")) == []
