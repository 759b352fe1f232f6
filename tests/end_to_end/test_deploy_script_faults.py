"""Faults that the deploy script tells: variables, engines, ports, networks, full disks, cancelled jobs."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.deploy_script import TOKEN, nothing_runs, over_http
from tests.end_to_end.git_server import GitServer, git_server
from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.containers.stage import Stage, docker

__all__ = ["make_stage", "slot", "stage"]
pytestmark = pytest.mark.docker


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
