"""The pipeline's script with real git, rsync, compose and engine: exactly the approved commit, or a clear refusal."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.git_server import GitServer, git_server
from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.containers.stage import Stage, docker, git

__all__ = ["make_stage", "slot", "stage"]
pytestmark = pytest.mark.docker
TOKEN = "glpat-the-token-of-the-pipeline"


@pytest.fixture
def server(stage: Stage) -> Iterator[GitServer]:
    with git_server(stage.root, TOKEN) as found:
        yield found


def over_http(server: GitServer, **changes: str) -> dict[str, str]:
    return {
        "BERTH_CODE_URL": f"{server.url}/code/.git", "BERTH_CODE_TOKEN": TOKEN, "BERTH_ALLOW_FILE_URL": "",
    } | changes  # fmt: skip


def nothing_runs(stage: Stage) -> bool:
    return set(stage.engine.states([stage.web, stage.app]).values()) == {"missing"}


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


def test_a_wrong_token_fails_and_says_nothing_of_it(stage: Stage, server: GitServer) -> None:
    result = stage.deploy(**over_http(server, BERTH_CODE_TOKEN="wrong-token-here"))
    assert result.returncode == 1
    assert "berth: failed: the approved commit can't be fetched" in result.stderr
    assert "wrong-token-here" not in result.stdout + result.stderr


def test_a_redirect_to_another_server_is_not_followed(stage: Stage, server: GitServer) -> None:
    with git_server(stage.root, TOKEN) as elsewhere:
        server.redirect_to = elsewhere.url
        result = stage.deploy(**over_http(server))
    assert result.returncode == 1
    assert nothing_runs(stage)


@pytest.mark.parametrize(
    "url",
    ["file:///etc", "ssh://git@127.0.0.1/x", "ext::sh -c 'touch /tmp/owned'", "--upload-pack=touch /tmp/owned", "/etc",
     "git://127.0.0.1/x",
     "http://user:secret@127.0.0.1/x", "-oProxyCommand=id", "http://127.0.0.1/x\nhttp://127.0.0.1/y"],
)  # fmt: skip
def test_only_http_urls_without_credentials_are_fetched_from(stage: Stage, url: str) -> None:
    result = stage.deploy(BERTH_CODE_URL=url, BERTH_ALLOW_FILE_URL="")
    assert result.returncode == 1
    assert "berth: failed: BERTH_CODE_URL" in result.stderr
    assert not Path("/tmp/owned").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("BERTH_COMMIT", "main"), ("BERTH_COMMIT", "--output=/x" + "a" * 30), ("BERTH_PROJECT", "../x"),
     ("BERTH_PROJECT", "-f"),
     ("BERTH_NETWORK", "a b"), ("BERTH_INSTALLATION", "A b"),
     ("BERTH_SUBNET", "x"), ("BERTH_BRIDGE", "eth0"), ("BERTH_START", "live-web; id"),
     ("BERTH_START", "--force-recreate"), ("BERTH_MAX_FILES", "x"), ("BERTH_MAX_BYTES", "$(id)"), ("BERTH_RELEASE", ""),
     ("BERTH_ENVIRONMENT", "PATH"), ("BERTH_TARGETS", ""), ("BERTH_TARGETS", "local /a b;id"),
     ("BERTH_TARGETS", "ftp /a/b"),
     ("BERTH_TARGETS", "local /srv/../etc"), ("BERTH_TARGETS", "ssh -oProxyCommand=id /srv/a"),
     ("BERTH_DOCKER_HOST", "x y")],
)  # fmt: skip
def test_a_variable_that_is_not_what_the_platform_sets_fails_by_name(stage: Stage, name: str, value: str) -> None:
    result = stage.deploy(**{name: value})
    assert result.returncode == 1
    assert f"berth: failed: {name}" in result.stderr or "berth: failed: BERTH_TARGETS" in result.stderr
    assert nothing_runs(stage)


def test_a_value_of_the_deploying_machine_does_not_reach_a_container(stage: Stage) -> None:
    stage.variables = {"GREETING": "${PLATFORM_SECRET} $PLATFORM_SECRET"}
    stage.started(PLATFORM_SECRET="the-platforms-secret", COMPOSE_FILE="/nonexistent", COMPOSE_PROJECT_NAME="other")
    assert stage.text() == "hello from ${PLATFORM_SECRET} $PLATFORM_SECRET"


def test_the_control_compose_would_have_put_it_there(stage: Stage) -> None:
    """In a compose file, and with the machine's environment, the secret does arrive: the test above can fail."""
    environment = stage.prepare(stage.commit())
    file = stage.management / "conf/compose.json"
    document = json.loads(file.read_text())
    document["services"]["live-app"]["environment"] = {"GREETING": "${PLATFORM_SECRET}"}
    file.write_text(json.dumps(document))
    script = stage.management / "deploy.sh"
    # As an older Berth brought it here, without the arguments of `docker run`.
    shutil.rmtree(stage.management / "conf/containers")
    script.write_text(script.read_text().replace("docker=(env -i", 'docker=(env "PLATFORM_SECRET=leaked"'))
    result = stage.run(environment)
    assert result.returncode == 0, result.stderr
    stage.wait()
    assert stage.inside(stage.app, "printenv", "GREETING").stdout == "leaked\n"
    # Not even then would a worker have it.
    assert stage.text() == "hello from nobody"


@pytest.mark.parametrize("value", ["", "no base64", base64.b64encode(b"not compressed").decode()])
def test_variables_that_do_not_come_whole_start_nothing(stage: Stage, value: str) -> None:
    result = stage.deploy(BERTH_VARIABLES_PRODUCTION=value)
    assert result.returncode == 1
    assert "berth: failed: " in result.stderr
    assert nothing_runs(stage)


def test_the_older_form_of_variables_goes_with_the_next_release(stage: Stage) -> None:
    stage.home.mkdir(parents=True)
    (stage.home / "variables.json").write_text('{"services": {"live-app": {"environment": {"GREETING": "old"}}}}')
    stage.variables = {"GREETING": "new"}
    assert stage.started().text() == "hello from new"
    assert not (stage.home / "variables.json").exists()
    assert stage.inside(stage.app, "printenv", "GREETING").stdout == ""


def test_an_engine_that_is_down_fails_and_says_that_it_may_pass(stage: Stage) -> None:
    result = stage.deploy(BERTH_DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert result.returncode == 1
    assert "berth: retry: " in result.stderr
    assert "berth: failed: the containers can't be started" in result.stderr


def test_a_port_that_a_stranger_has_is_told_as_such(stage: Stage) -> None:
    import socket

    with socket.create_server(("127.0.0.1", stage.port)):
        result = stage.deploy()
    assert result.returncode == 1
    assert "address already in use" in result.stderr or "port is already allocated" in result.stderr


def test_a_network_of_another_subnet_is_told_to_the_operator(stage: Stage) -> None:
    assert docker("network", "create", "--subnet", "10.214.240.8/29", stage.spec.environment_name).returncode == 0
    result = stage.deploy()
    assert result.returncode == 1
    assert "has the subnet 10.214.240.8/29 and not" in result.stderr


@pytest.mark.parametrize("full", ["target", "runner"])
def test_a_full_disk_is_named(stage: Stage, full: str) -> None:
    stage.write("big.bin", os.urandom(2_000_000))
    environment = stage.prepare(stage.commit())
    place = stage.home if full == "target" else stage.management
    place.mkdir(parents=True, exist_ok=True)
    if full == "runner":
        moved = stage.root / "moved"
        subprocess.run(["cp", "-a", f"{stage.management}/.", moved], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", place], check=True)
    try:
        if full == "runner":
            subprocess.run(["cp", "-a", f"{moved}/.", place], check=True)
        result = stage.run(environment)
    finally:
        subprocess.run(["umount", "-l", place], check=True)
    assert result.returncode == 1, result.stderr
    assert "berth: failed: " in result.stderr
    assert "the disk is full on " in result.stderr
    assert nothing_runs(stage)


def test_a_cancelled_job_leaves_no_scratch_files(stage: Stage, server: GitServer) -> None:
    environment = stage.prepare(stage.commit()) | over_http(server)
    job = subprocess.Popen(["bash", "deploy.sh"], cwd=stage.management, env=environment, start_new_session=True)
    until = time.monotonic() + 10
    while not list(stage.management.glob(".berth.*")) and time.monotonic() < until:
        time.sleep(0.001)
    os.killpg(job.pid, signal.SIGTERM)
    job.wait(20)
    assert job.returncode != 0
    assert list(stage.management.glob(".berth.*")) == []
    assert stage.run(environment).returncode == 0
