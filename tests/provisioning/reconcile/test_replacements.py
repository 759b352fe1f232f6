"""Containers that are not what was deployed are replaced, and their networks and files with them."""

import json
import shutil
import subprocess

import pytest

from provisioning.reconcile.repair_table import Condition
from provisioning.rendering.specs import Part
from tests.provisioning.containers.stage import docker
from tests.provisioning.reconcile.broken import PARTS, Launch, mended

pytestmark = [pytest.mark.docker, pytest.mark.django_db]


@pytest.mark.parametrize("parts", PARTS)
def test_one_of_another_deployment_is_replaced(launch: Launch, parts: tuple[Part, ...]) -> None:
    ship = launch()
    for part in parts:
        docker("rm", "--force", ship.name(part))
        ship.put_in_place(ship.name(part), labels=ship.labels(part, deployment="999999"))
    mended(ship, parts, Condition.OTHER_DEPLOYMENT)


def test_one_of_another_image_is_replaced(launch: Launch) -> None:
    ship = launch()
    docker("rm", "--force", ship.name("app"))
    ship.put_in_place(ship.name("app"), labels=ship.labels("app"))
    mended(ship, ("app",), Condition.OTHER_IMAGE)
    assert ship.look(ship.name("app"))["Config"]["Image"] == ship.images["php"]


def test_docker_update_is_undone_while_it_runs(launch: Launch) -> None:
    ship = launch()
    before = {name: (ship.look(name)["HostConfig"], ship.look(name)["State"]["StartedAt"]) for name in ship.names()}
    for options in (
        ("--memory", "64m", "--memory-swap", "64m", "--memory-reservation", "7m", "--cpu-shares", "2"),
        ("--cpus", "0.1", "--pids-limit", "9", "--restart", "always"),
    ):
        assert docker("update", *options, *ship.names()).returncode == 0
        assert all(ship.look(name)["HostConfig"] != before[name][0] for name in ship.names())
        mended(ship, ("web", "app"), Condition.OTHER_SETTINGS)
        now = {name: (ship.look(name)["HostConfig"], ship.look(name)["State"]["StartedAt"]) for name in ship.names()}
        assert now == before
        assert "set back in" in ship.events("repaired")[-1].message


def test_what_docker_update_can_not_undo_is_replaced(launch: Launch) -> None:
    ship = launch()
    assert docker("update", "--cpuset-cpus", "0", ship.name("app")).returncode == 0
    mended(ship, ("app",), Condition.OTHER_SETTINGS)
    assert ship.look(ship.name("app"))["HostConfig"]["CpusetCpus"] == ""


@pytest.mark.parametrize("command", [("disconnect", "--force"), ("connect",)])
def test_the_network_is_the_one_that_it_has(launch: Launch, command: tuple[str, ...]) -> None:
    ship = launch()
    network = "bridge" if command == ("connect",) else ship.spec.environment_name
    assert docker("network", *command, network, ship.name("web")).returncode == 0
    mended(ship, ("web",), Condition.OTHER_NETWORK)


@pytest.mark.parametrize("subnet", [None, "10.214.255.240/28"])
def test_a_network_that_is_gone_or_not_as_it_was_is_made_anew(launch: Launch, subnet: str | None) -> None:
    ship = launch()
    network = ship.spec.environment_name
    docker("stop", "--time", "1", *ship.names())
    assert docker("network", "rm", network).returncode == 0
    if subnet:
        label = f"berth.installation={ship.labels('web')['berth.installation']}"
        assert docker("network", "create", "--label", label, "--subnet", subnet, network).returncode == 0
        docker("rm", "--force", *ship.names())
    mended(ship, ("web", "app"), Condition.MISSING if subnet else Condition.EXITED)
    (config,) = json.loads(docker("network", "inspect", network).stdout)[0]["IPAM"]["Config"]
    assert config["Subnet"] == ship.spec.subnet


def test_a_strangers_network_is_told_and_stays(launch: Launch) -> None:
    ship = launch()
    network = ship.spec.environment_name
    docker("rm", "--force", *ship.names())
    docker("network", "rm", network)
    docker("network", "create", "--subnet", "10.214.255.240/28", network)
    ship.round()
    (event,) = ship.events("repair_failed")
    assert f"the network {network} has another subnet" in event.message
    assert "is not Berth's: an operator must remove it" in event.message
    assert docker("network", "inspect", network).returncode == 0


def test_files_that_were_replaced_are_the_ones_it_sees(launch: Launch) -> None:
    ship = launch()
    away = ship.home.with_name("away")
    ship.home.rename(away)
    shutil.copytree(away, ship.home)
    shutil.rmtree(away)
    mended(ship, ("web", "app"), Condition.OTHER_FILES)


def test_files_that_are_gone_are_told_and_taken_up_when_they_are_back(launch: Launch) -> None:
    ship = launch()
    away = ship.home.with_name("away")
    ship.home.rename(away)
    docker("kill", ship.name("app"))
    ship.round()
    for event in ship.events("repair_failed"):
        assert "an operator must put them back" in event.message
    found = {item for event in ship.events("repair_failed") for item in event.data["containers"].items()}
    assert found == {(ship.name("app"), "exited"), (str(ship.home), str(Condition.FILES_GONE))}
    # Nothing was made in the place of what is gone.
    assert not ship.home.exists()
    away.rename(ship.home)
    ship.round()
    assert ship.events("repaired")[-1].data["containers"] == {ship.name("app"): "exited"}
    ship.wait()


@pytest.mark.parametrize("restarted", ["web", "app"])
def test_both_parts_have_the_same_socket(launch: Launch, restarted: Part) -> None:
    ship = launch()
    (volume,) = docker("volume", "ls", "-q", "--filter", f"name={ship.spec.project}-live-run").stdout.split()
    place = docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume).stdout.strip()
    subprocess.run(["umount", place], check=True)
    docker("restart", "--time", "1", ship.name(restarted))
    mended(ship, ("web",), Condition.OTHER_SOCKET)
    assert ship.wait().startswith("served by")
