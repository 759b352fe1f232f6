"""Containers run the image that was chosen for them, by id: a tag that moves changes nothing that runs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from provisioning.containers.start import start_containers
from provisioning.exceptions import OperatorError
from provisioning.inventory.transport import TargetSpec
from tests.provisioning.containers.stage import Stage, docker

pytestmark = pytest.mark.docker
HERE = TargetSpec(name="here", transport="local")
TAG = "berthtest-retagged:1"


@dataclass(frozen=True)
class Two:
    """Two images of PHP that do the same; the tag is of the first until it is moved."""

    first: str
    second: str


def image_of(container: str) -> str:
    return docker("inspect", "--format", "{{.Image}}", container).stdout.strip()


@pytest.fixture
def two(stage: Stage) -> Iterator[Two]:
    made = []
    for name in ("first", "second"):
        container = docker("create", stage.images["php"]).stdout.strip()
        change = f'LABEL berthtest="{name} {stage.spec.app_id}"'
        made.append(docker("commit", "--change", change, container).stdout.strip())
        docker("rm", container)
    docker("tag", made[0], TAG)
    yield Two(*made)
    stage.close()
    docker("rmi", "-f", TAG, *made)


def test_a_repair_runs_the_very_same_image_although_the_tag_was_moved(stage: Stage, two: Two) -> None:
    chosen = stage.engine.image_ids([TAG, stage.images["web"]])
    stage.images = {"php": chosen[TAG], "web": chosen[stage.images["web"]]}
    stage.started()
    docker("tag", two.second, TAG)
    docker("rm", "-f", stage.app)
    start_containers(HERE, stage.spec, services=["live-app"])
    stage.wait()
    assert image_of(stage.app) == two.first == chosen[TAG]


def test_control_by_its_tag_a_repair_runs_another_image(stage: Stage, two: Two) -> None:
    stage.images |= {"php": TAG}
    stage.started()
    docker("tag", two.second, TAG)
    docker("rm", "-f", stage.app)
    start_containers(HERE, stage.spec, services=["live-app"])
    assert image_of(stage.app) == two.second


def test_an_image_that_is_gone_is_told_to_the_operator(stage: Stage, two: Two) -> None:
    stage.images |= {"php": two.first}
    stage.started()
    docker("rm", "-f", stage.app)
    docker("rmi", "-f", TAG, two.first)
    with pytest.raises(OperatorError, match=r"an image is gone from the host: .* somebody deploy the release again"):
        start_containers(HERE, stage.spec, services=["live-app"])


def test_a_deployment_whose_image_went_meanwhile_says_so(stage: Stage) -> None:
    stage.images |= {"php": f"sha256:{'0' * 64}"}
    result = stage.deploy()
    assert result.returncode == 1
    assert "an image is gone from this machine: an operator must run manage.py build_images" in result.stderr


def test_a_release_of_before_is_repaired_in_its_own_form(stage: Stage) -> None:
    """With tags in its compose file, and its variables in a second one."""
    stage.started()
    override = {"services": {"live-web": {}, "live-app": {"environment": {"GREETING": "a $$HOME"}}}}
    (stage.home / "variables.json").write_text(json.dumps(override))
    docker("rm", "-f", stage.web, stage.app)
    start_containers(HERE, stage.spec, services=["live-web", "live-app"])
    stage.wait()
    assert stage.inside(stage.app, "printenv", "GREETING").stdout == "a $HOME\n"
    assert image_of(stage.app) == stage.engine.image_ids([stage.images["php"]])[stage.images["php"]]


def test_the_engine_knows_an_image_by_tag_and_by_id(stage: Stage, two: Two) -> None:
    asked = [TAG, two.first, two.second, "berth-php:absent", f"sha256:{'0' * 64}"]
    assert stage.engine.image_ids(asked) == {TAG: two.first, two.first: two.first, two.second: two.second}
