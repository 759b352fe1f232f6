"""The driver says what is there, makes what is missing, and turns the engine's errors into whose move it is."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.containers.docker_engine import Engine, engine_for
from provisioning.containers.start import start_containers
from provisioning.exceptions import OperatorError, RetryableError
from provisioning.inventory.transport import TargetSpec
from provisioning.logs.last_words import last_words
from provisioning.logs.redaction import Redactor
from tests.provisioning.containers.stage import DOCKER_URL, INSTALLATION, Stage, docker

pytestmark = pytest.mark.docker
HERE = TargetSpec(name="here", transport="local")


def _ensure_network(stage: Stage) -> None:
    spec = stage.spec
    stage.engine.ensure_network(spec.environment_name, spec.subnet, spec.bridge, spec.installation)


def test_it_names_the_images_that_are_missing(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    tags = [*stage.images.values(), "berth-php:absent"]
    assert stage.engine.missing_images(tags) == ["berth-php:absent"]


def test_it_lists_the_workloads_of_its_own_installation(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(deployment=77, number=3).started()
    found = {state.name: state for state in stage.engine.list_workload_containers(INSTALLATION)}
    web, app = found[stage.web], found[stage.app]
    assert (web.app, web.environment, web.release, web.deployment) == (stage.spec.app_id, "production", 3, 77)
    assert (web.role, web.part, app.part) == ("live", "web", "app")
    assert web.state == app.state == "running"
    assert web.health in {"starting", "healthy"}
    assert stage.web not in {state.name for state in stage.engine.list_workload_containers("berthtest-other")}
    docker("kill", stage.app)
    [dead] = [s for s in stage.engine.list_workload_containers(INSTALLATION) if s.name == stage.app]
    assert (dead.state, dead.exit_code, dead.oom_killed) == ("exited", 137, False)
    assert dead.started_at is not None
    assert dead.restart_count == 0


def test_states_are_of_the_named_containers_only(stage: Stage) -> None:
    stage.started()
    docker("kill", stage.app)
    assert stage.engine.states([stage.web, stage.app, f"{stage.web}-not"]) == {
        stage.web: "running",
        stage.app: "exited",
        f"{stage.web}-not": "missing",
    }
    # A name that is the beginning of another is not that other.
    assert stage.engine.states([stage.spec.project]) == {stage.spec.project: "missing"}


def test_a_killed_container_starts_again_and_the_plugin_answers(stage: Stage) -> None:
    stage.started()
    docker("kill", stage.app)
    stage.engine.start(stage.app)
    stage.wait()
    docker("kill", stage.web)
    stage.engine.start(stage.web)
    stage.wait()
    stage.engine.restart(stage.app)
    stage.wait()
    assert stage.text() == "hello from nobody"


def test_what_was_removed_by_hand_is_made_again_from_the_hosts_own_files(stage: Stage) -> None:
    stage.variables = {"GREETING": "a $secret"}
    stage.started()
    docker("rm", "-f", stage.web, stage.app)
    docker("network", "rm", stage.spec.environment_name)
    _ensure_network(stage)
    start_containers(HERE, stage.spec, services=["live-web", "live-app"])
    stage.wait()
    assert stage.text() == "hello from a $secret"


def test_a_release_whose_files_are_gone_is_the_operators(stage: Stage) -> None:
    with pytest.raises(OperatorError, match="deploy the release again"):
        start_containers(HERE, stage.spec, services=["live-web"])


@pytest.mark.parametrize("services", [[], ["live-web; id"], ["standby-web"], ["--help"]])
def test_only_services_of_the_release_are_started(stage: Stage, services: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^services"):
        start_containers(HERE, stage.spec, services=services)


def test_a_network_is_made_once_and_keeps_its_settings(stage: Stage) -> None:
    spec = stage.spec
    for _ in range(2):
        stage.engine.ensure_network(spec.environment_name, spec.subnet, spec.bridge, stage.spec.installation)
    form = (
        '{{index .Options "com.docker.network.bridge.enable_icc"}} {{index .Options "com.docker.network.bridge.name"}} '
    )
    form += '{{index .Options "com.docker.network.bridge.enable_ip_masquerade"}} {{(index .IPAM.Config 0).Subnet}}'
    found = docker("network", "inspect", "--format", form, spec.environment_name).stdout.split()
    assert found == ["false", spec.bridge, "false", spec.subnet]
    # With another subnet one of Berth's own that nobody is on is made anew, and a stranger's is left alone.
    name, other = spec.environment_name, spec.subnet.replace("/29", "/30")
    docker("network", "rm", name)
    docker("network", "create", "--subnet", other, name)
    with pytest.raises(OperatorError, match=r"another subnet than .* and is not Berth's: an operator must remove it"):
        _ensure_network(stage)
    docker("network", "rm", name)
    docker("network", "create", "--subnet", other, "--label", f"berth.installation={spec.installation}", name)
    _ensure_network(stage)
    assert docker("network", "inspect", "--format", form, name).stdout.split() == found
    with pytest.raises(OperatorError, match="BERTH_SUBNET_POOL"):
        stage.engine.ensure_network(f"{spec.environment_name}-second", spec.subnet, "pa-0000000000", spec.installation)
    stage.engine.remove_network(spec.environment_name)
    stage.engine.remove_network(spec.environment_name)
    assert docker("network", "inspect", spec.environment_name).returncode != 0


def test_the_script_and_the_driver_make_the_same_network(stage: Stage) -> None:
    stage.started()
    _ensure_network(stage)
    form = "{{json .Options}}"
    by_script = docker("network", "inspect", "--format", form, stage.spec.environment_name).stdout
    stage.engine.remove_project(stage.spec.project)
    stage.engine.remove_network(stage.spec.environment_name)
    _ensure_network(stage)
    assert docker("network", "inspect", "--format", form, stage.spec.environment_name).stdout == by_script


def test_a_network_in_use_is_not_removed_and_may_be_tried_again(stage: Stage) -> None:
    stage.started()
    with pytest.raises(RetryableError, match="still has containers"):
        stage.engine.remove_network(stage.spec.environment_name)


def test_removal_takes_what_was_asked_for_and_leaves_no_volume(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(roles=("live", "standby"), deployment=5)
    stage.started(BERTH_START="live-web live-app standby-web standby-app")
    spec, engine = stage.spec, stage.engine
    names = [spec.container(role, part) for role in ("live", "standby") for part in ("web", "app")]  # type: ignore[arg-type]
    engine.remove_deployment(INSTALLATION, 6)
    assert set(engine.states(names).values()) == {"running"}
    engine.remove_role(spec.project, "standby")
    assert list(engine.states(names).values()) == ["running", "running", "missing", "missing"]
    engine.remove_deployment(INSTALLATION, 5)
    engine.remove_project(spec.project)
    assert set(engine.states(names).values()) == {"missing"}
    assert docker("volume", "ls", "-q", "--filter", f"name={spec.project}").stdout == ""


def test_a_failure_is_told_with_exit_code_memory_and_last_lines(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(memory_mib=48)
    stage.write("index.php", "<?php error_log(\"last words \\x1b[2J\"); echo 'x';")
    stage.started()
    assert stage.inside(stage.app, "php", "-r", "str_repeat('x', 1);").returncode == 0
    docker("kill", stage.app)
    endings = stage.engine.endings([stage.app, "nosuch"])
    assert endings[stage.app].startswith("exited with exit code 137")
    assert endings["nosuch"] == "there is no such container"
    words = last_words(DOCKER_URL, [stage.app, "nosuch"], Redactor())
    assert words["nosuch"] == []
    assert any("last words \\x1b[2J" in line for line in words[stage.app])


def test_a_missing_image_names_the_command_that_builds_it(stage: Stage) -> None:
    stage.images = {"web": "berth-web:nosuch", "php": "berth-php:nosuch"}
    result = stage.deploy()
    assert result.returncode == 1
    assert "an image is gone from this machine: an operator must run manage.py build_images" in result.stderr


def test_an_engine_that_is_down_can_be_tried_again() -> None:
    for url in ("unix:///nosuch/docker.sock", "tcp://127.0.0.1:1"):
        with pytest.raises(RetryableError, match="does not answer: start it"):
            Engine(url).ping()


def test_an_engine_that_hangs_can_be_tried_again(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "engine.sock"))
    listener.listen()
    accepted: list[socket.socket] = []
    thread = threading.Thread(target=lambda: accepted.append(listener.accept()[0]), daemon=True)
    thread.start()
    with pytest.raises(RetryableError, match="does not answer"):
        Engine(f"unix://{tmp_path}/engine.sock", timeout_s=1).list_workload_containers(INSTALLATION)
    listener.close()
    thread.join(5)
    accepted[0].close()


def test_an_engine_that_came_back_is_used_again() -> None:
    engine = engine_for(DOCKER_URL)
    assert engine is engine_for(DOCKER_URL)
    engine.ping()
    engine.ping()
