"""The containers run before their tree is there, from the platform's own files alone; the pipeline takes them over."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.containers.start import start_early
from provisioning.exceptions import OperatorError, RetryableError
from provisioning.inventory.transport import TargetSpec
from provisioning.releases.rendering.release import render_release, render_variables
from provisioning.releases.workflow import early_start
from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.containers.stage import Stage, docker

__all__ = ["make_stage", "slot", "stage"]
HERE = TargetSpec(name="here", transport="local")
SERVICES = ["live-web", "live-app"]


def early(stage: Stage) -> None:
    files = {**render_release(stage.spec, stage.images), "variables.php": render_variables(stage.variables)}
    start_early(HERE, stage.spec, files, services=SERVICES)


@pytest.mark.docker
def test_the_pipeline_takes_early_containers_over_and_brings_the_tree(stage: Stage) -> None:
    commit = stage.commit()
    environment = stage.prepare(commit)
    early(stage)
    assert set(stage.engine.states([stage.web, stage.app]).values()) == {"running"}
    assert list((stage.home / "code").iterdir()) == []
    assert stage.home.stat().st_mode & 0o777 == 0o700
    before = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", stage.web, stage.app).stdout
    result = stage.run(environment)
    assert result.returncode == 0, result.stderr
    stage.wait()
    assert stage.text() == "hello from nobody"
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", stage.web, stage.app).stdout == before


@pytest.mark.docker
def test_variables_are_there_from_the_start(stage: Stage) -> None:
    stage.variables = {"SHOP_KEY": "of the shop"}
    stage.write("index.php", "<?php echo getenv('SHOP_KEY');")
    environment = stage.prepare(stage.commit())
    early(stage)
    before = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", stage.web, stage.app).stdout
    assert stage.run(environment).returncode == 0
    stage.wait()
    assert stage.text() == "of the shop"
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", stage.web, stage.app).stdout == before
    assert (stage.home / "variables.php").stat().st_mode & 0o777 == 0o444


@pytest.mark.docker
def test_two_that_start_the_same_release_at_once_make_one_pair(stage: Stage) -> None:
    environment = stage.prepare(stage.commit())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(early, stage)
        second = pool.submit(stage.run, environment)
        result = second.result()
        first.result()
    assert result.returncode == 0, result.stderr
    stage.wait()
    assert stage.text() == "hello from nobody"
    assert set(stage.engine.states([stage.web, stage.app]).values()) == {"running"}


@pytest.mark.docker
def test_a_release_that_runs_already_is_not_touched(stage: Stage) -> None:
    stage.started()
    page = stage.home / "conf" / "nginx.conf"
    before = page.stat().st_ino
    early(stage)
    assert page.stat().st_ino == before
    assert stage.text() == "hello from nobody"


@pytest.mark.docker
def test_a_tree_that_is_refused_reaches_no_early_container(stage: Stage) -> None:
    (stage.code / "leak").symlink_to("/etc/passwd")
    environment = stage.prepare(stage.commit())
    early(stage)
    assert stage.run(environment).returncode == 3
    assert list((stage.home / "code").iterdir()) == []


@pytest.mark.docker
def test_a_port_of_a_strangers_is_an_error_that_the_pipeline_tells_again(stage: Stage) -> None:
    environment = stage.prepare(stage.commit())
    with socket.create_server(("127.0.0.1", stage.port)):
        with pytest.raises(RetryableError, match=r"address already in use|port is already allocated"):
            early(stage)
        result = stage.run(environment)
    assert "address already in use" in result.stderr or "port is already allocated" in result.stderr
    assert stage.run(environment).returncode == 0


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An early start that goes on until `go` is set, and how many were begun."""
    found = SimpleNamespace(go=threading.Event(), count=0, network_error=None)

    def start(*_: object, **__: object) -> None:
        found.count += 1
        found.go.wait(60)

    def ensure_network(*_: object) -> None:
        if found.network_error:
            raise found.network_error

    monkeypatch.setattr(early_start, "start_early", start)
    monkeypatch.setattr(early_start, "engine_for", lambda _url: SimpleNamespace(ensure_network=ensure_network))
    monkeypatch.setattr(early_start, "target_of", lambda _host: HERE)
    monkeypatch.setattr(early_start, "engine_seen_from", lambda _host: "unix:///nonexistent")
    found.run = SimpleNamespace(operation=SimpleNamespace(pk=-1))
    found.host = SimpleNamespace(docker_url="unix:///nonexistent")
    found.spec = SimpleNamespace(environment_name="x", subnet="x", bridge="x", project="x")
    yield found
    found.go.set()
    early_start.end_early_start(found.run)


def test_nothing_is_removed_while_something_is_being_started(begun: Any) -> None:
    early_start.begin_early_start(begun.run, begun.host, begun.spec, {}, services=["live-web"])
    early_start.begin_early_start(begun.run, begun.host, begun.spec, {}, services=["live-web"])
    ended = threading.Thread(target=early_start.end_early_start, args=(begun.run,))
    ended.start()
    assert ended.is_alive()
    begun.go.set()
    ended.join(60)
    assert not ended.is_alive()
    assert begun.count == 1


def test_a_network_that_can_not_be_made_is_left_to_the_pipeline(begun: Any) -> None:
    begun.network_error = OperatorError("its addresses are in use")
    early_start.begin_early_start(begun.run, begun.host, begun.spec, {}, services=["live-web"])
    early_start.end_early_start(begun.run)
    assert begun.count == 0
