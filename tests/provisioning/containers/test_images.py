"""Images are what their inputs say: built once, found again, and nothing in them that raises privileges."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from provisioning.containers.images import ensure_images, image_tags
from provisioning.exceptions import OperatorError, RetryableError
from tests.provisioning.containers.stage import docker

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def sources(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """The images' inputs, for changing."""
    shutil.copytree(REPOSITORY / "templates/infrastructure/images", tmp_path / "templates/infrastructure/images")
    settings.ROOT = tmp_path
    yield tmp_path / "templates/infrastructure/images"
    for tag in image_tags().values():
        if tag not in ORIGINAL.values():
            docker("rmi", "-f", tag)


ORIGINAL = image_tags()


def test_a_tag_is_made_of_the_inputs_and_of_the_base(sources: Path, settings: Any) -> None:
    assert image_tags() == ORIGINAL
    (sources / "php" / "policy.xml").write_text("<policymap/>")
    changed = image_tags()
    assert changed["php"] != ORIGINAL["php"]
    assert (changed["web"], changed["base"]) == (ORIGINAL["web"], ORIGINAL["base"])
    settings.BASE_IMAGE = "registry.example/debian:12"
    on_another_base = image_tags()
    assert on_another_base["base"] == "registry.example/debian:12"
    assert on_another_base["web"] != ORIGINAL["web"]


@pytest.mark.docker
def test_what_is_there_is_not_built_again(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert ensure_images() == image_tags()
    before = {tag: docker("inspect", "--format", "{{.Id}}", tag).stdout for tag in image_tags().values()}
    call_command("build_images")
    assert {tag: docker("inspect", "--format", "{{.Id}}", tag).stdout for tag in image_tags().values()} == before
    assert capsys.readouterr().out.splitlines() == [f"{name} {tag}" for name, tag in image_tags().items()]


@pytest.mark.docker
@pytest.mark.parametrize("name", ["web", "php"])
def test_an_image_has_no_setuid_file_no_secret_place_and_its_labels(name: str) -> None:
    tag = ensure_images()[name]
    found = docker("run", "--rm", "--network", "none", tag, "find", "/", "-xdev", "-perm", "/6000", "-type", "f")
    assert (found.returncode, found.stdout) == (0, "")
    form = '{{.Config.WorkingDir}} {{index .Config.Labels "berth.image"}} {{.Config.StopSignal}}'
    assert docker("inspect", "--format", form, tag).stdout.split() == ["/app", name, "SIGQUIT"]
    assert "proxy" not in docker("history", "--no-trunc", tag).stdout.lower()


@pytest.mark.docker
def test_a_build_that_fails_says_so_with_its_last_lines(sources: Path) -> None:
    (sources / "web" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN echo the reason >&2; exit 7\n")
    with pytest.raises(OperatorError, match="the reason"):
        ensure_images()
    with pytest.raises(CommandError, match="building berth-web"):
        call_command("build_images")


@pytest.mark.docker
def test_a_full_disk_is_named(sources: Path) -> None:
    (sources / "web" / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nRUN dd if=/dev/zero of=/dev/full bs=1 count=1\n"
    )
    with pytest.raises(OperatorError, match="the disk is full"):
        ensure_images()


@pytest.mark.docker
def test_a_base_image_that_no_registry_has_is_named(settings: Any) -> None:
    settings.BASE_IMAGE = "127.0.0.1:1/nosuch:1"
    with pytest.raises(OperatorError, match=r"BERTH_BASE_IMAGE 127\.0\.0\.1:1/nosuch:1"):
        ensure_images()


def test_an_engine_that_is_down_can_be_tried_again(settings: Any) -> None:
    settings.DOCKER_URL = "unix:///nosuch/docker.sock"
    with pytest.raises(RetryableError, match="does not answer"):
        ensure_images()
