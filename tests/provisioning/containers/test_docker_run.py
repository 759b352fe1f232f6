"""`docker run` by a release's own arguments makes the containers that its compose file describes, field by field."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from provisioning.containers.rendering.compose import render_compose
from provisioning.containers.rendering.docker_run import render_docker_run
from provisioning.containers.start import start_containers
from provisioning.exceptions import OperatorError
from provisioning.inventory.transport import TargetSpec
from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.containers.stage import DOCKER_URL, Stage, docker
from tests.provisioning.rendering.specs import IMAGES, release_spec

__all__ = ["make_stage", "slot", "stage"]
HERE = TargetSpec(name="here", transport="local")
LIVE = ["live-web", "live-app"]
# Each container has its own of these, or one of the two programs writes about itself.
OWN = {"Hostname", "Image", "ContainerIDFile", "Binds", "Mounts", "NetworkMode"}


def inspected(stage: Stage) -> list[dict[str, Any]]:
    """The engine's record of the live containers, without the parts that differ between any two containers."""
    found = []
    for container in json.loads(docker("inspect", stage.web, stage.app).stdout):
        config = {key: value for key, value in container["Config"].items() if key not in OWN}
        host = {key: value for key, value in container["HostConfig"].items() if key not in OWN}
        config["Labels"] = {key: value for key, value in config["Labels"].items() if key.startswith("berth.")}
        config["Labels"].pop("berth.arguments", None)
        # compose runs a health check by itself, docker by a shell: for one program the same.
        if health := config.get("Healthcheck"):
            health["Test"] = " ".join(health["Test"][1:])
        host["SecurityOpt"] = [_parsed(option) for option in host["SecurityOpt"]]
        host["Ulimits"] = sorted(host["Ulimits"], key=lambda limit: str(limit["Name"]))
        # These are about the program that starts it.
        for stream in ("AttachStdout", "AttachStderr"):
            config.pop(stream)
        mounts = [
            {key: mount[key] for key in ("Type", "Destination", "RW", "Driver", "Propagation") if key in mount}
            | {"from": mount.get("Name", mount["Source"])}
            for mount in container["Mounts"]
        ]
        found.append(
            {
                "config": {key: value for key, value in config.items() if value},
                "host": {key: value for key, value in host.items() if value},
                "mounts": sorted(mounts, key=lambda mount: str(mount["Destination"])),
                "networks": sorted(container["NetworkSettings"]["Networks"]),
                "image": container["Image"],
            }
        )
    return found


def _parsed(option: str) -> object:
    """A seccomp profile as data: two programs write its text differently."""
    return json.loads(option.removeprefix("seccomp=")) if option.startswith("seccomp=") else option


def compose(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    """compose, as an operator calls it on the host."""
    program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    file = str(stage.home / "conf" / "compose.json")
    return subprocess.run(
        [*program, "--project-name", stage.spec.project, "--project-directory", str(stage.home), "--file", file,
         *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/", "DOCKER_HOST": DOCKER_URL}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def ids(stage: Stage) -> list[str]:
    return docker("inspect", "--format", "{{.Id}}", stage.web, stage.app).stdout.split()


@pytest.mark.docker
def test_the_containers_are_those_that_compose_makes_of_the_same_release(stage: Stage) -> None:
    stage.started()
    by_docker = inspected(stage)
    volume = json.loads(docker("volume", "inspect", f"{stage.spec.project}-live-run").stdout)[0]
    stage.engine.remove_project(stage.spec.project)
    result = compose(stage, "up", "--detach", "--no-build", *LIVE)
    assert result.returncode == 0, result.stderr
    assert inspected(stage) == by_docker
    again = json.loads(docker("volume", "inspect", f"{stage.spec.project}-live-run").stdout)[0]
    assert (volume["Driver"], volume["Options"]) == (again["Driver"], again["Options"])
    assert volume["Labels"].items() >= {"berth.app": stage.spec.app_id}.items()


@pytest.mark.docker
def test_an_operators_compose_finds_what_runs_and_makes_what_is_missing(stage: Stage) -> None:
    stage.started()
    web, app = ids(stage)
    assert {stage.web, stage.app} <= set(compose(stage, "ps").stdout.split())
    docker("rm", "--force", stage.app)
    result = compose(stage, "up", "--detach", "--no-build", "--no-recreate", *LIVE)
    assert result.returncode == 0, result.stderr
    assert ids(stage)[0] == web
    assert ids(stage)[1] != app
    stage.wait()
    assert stage.text() == "hello from nobody"


@pytest.mark.docker
def test_a_container_with_other_arguments_is_made_anew_and_one_of_the_same_is_started(
    make_stage: Callable[..., Stage],
) -> None:
    stage = make_stage()
    stage.started()
    before = ids(stage)
    docker("kill", stage.web, stage.app)
    start_containers(HERE, stage.spec, services=LIVE)
    stage.wait()
    assert ids(stage) == before
    arguments = stage.home / "conf" / "containers" / "live-app"
    kept = arguments.read_text().replace("--label=berth.arguments=", "--label=berth.arguments=0")
    arguments.write_text(kept.replace("--pids-limit=", "--pids-limit=1"))
    start_containers(HERE, stage.spec, services=LIVE)
    stage.wait()
    assert ids(stage)[0] == before[0]
    assert ids(stage)[1] != before[1]


@pytest.mark.docker
def test_a_strangers_container_of_the_same_name_stays_and_is_named(stage: Stage) -> None:
    assert docker("create", "--name", stage.web, stage.images["web"]).returncode == 0
    before = docker("inspect", "--format", "{{.Id}}", stage.web).stdout
    result = stage.deploy()
    assert result.returncode == 1
    assert f'The container name "/{stage.web}" is already in use by container "{before.strip()}"' in result.stderr
    with pytest.raises(OperatorError, match="a container that is not Berth's has the name"):
        start_containers(HERE, stage.spec, services=LIVE)
    assert docker("inspect", "--format", "{{.Id}}", stage.web).stdout == before


@pytest.mark.docker
def test_a_proxy_of_the_user_who_starts_it_reaches_no_container(stage: Stage) -> None:
    (stage.root / ".docker").mkdir()
    proxies = {"proxies": {"default": {"httpProxy": "http://user:password@proxy.example:3128"}}}
    (stage.root / ".docker" / "config.json").write_text(json.dumps(proxies))
    stage.started()
    assert "proxy.example" not in docker("inspect", stage.web, stage.app).stdout


def test_a_key_without_an_argument_is_an_error_and_no_silent_difference() -> None:
    spec = release_spec()
    document = json.loads(render_compose(spec, IMAGES))
    document["services"]["live-app"]["group_add"] = ["docker"]
    with pytest.raises(ValueError, match=r"^compose: .* group_add$"):
        render_docker_run(spec, document)


@pytest.mark.parametrize("test", [["CMD-SHELL", "true"], ["CMD", "/bin/sh", "-c", "true; true"], ["CMD", "$(id)"]])
def test_a_health_check_that_a_shell_would_read_otherwise_is_an_error(test: list[str]) -> None:
    spec = release_spec()
    document = json.loads(render_compose(spec, IMAGES))
    document["services"]["live-web"]["healthcheck"]["test"] = test
    with pytest.raises(ValueError, match=r"^compose: a health check"):
        render_docker_run(spec, document)


def test_a_value_with_a_line_break_makes_no_second_argument() -> None:
    spec = release_spec()
    document = json.loads(render_compose(spec, IMAGES))
    document["services"]["live-app"]["environment"] = {"GREETING": "a\n--privileged"}
    with pytest.raises(ValueError, match="line break"):
        render_docker_run(spec, document)
