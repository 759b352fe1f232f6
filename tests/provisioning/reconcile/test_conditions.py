"""Each row of the table of repairs, made for real on the real Docker Engine: on one container and on the pair."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.containers.docker_engine import Engine, engine_for
from provisioning.models import WorkloadRepair
from provisioning.reconcile import workflow as reconcile
from provisioning.reconcile.examination import by_place, first_look
from provisioning.reconcile.repair_table import Condition
from provisioning.reconcile.repairs import repair
from provisioning.rendering.specs import Part
from tests.provisioning.containers.stage import docker
from tests.provisioning.reconcile.ship import Ship, until

pytestmark = [pytest.mark.docker, pytest.mark.django_db]
Launch = Callable[..., Ship]
PARTS: list[tuple[Part, ...]] = [("app",), ("web", "app")]


def mended(ship: Ship, parts: tuple[Part, ...], condition: Condition, *, role: Any = "live") -> None:
    """One round finds exactly that, mends it, says so once, and the next one finds nothing."""
    ship.round()
    assert [event.message for event in ship.events("repair_failed")] == []
    event = ship.events("repaired")[-1]
    assert event.data["role"] == role
    assert event.data["containers"] == {ship.name(part, role): str(condition) for part in parts}
    assert all(f"{ship.name(part, role)} was {condition}" in event.message for part in parts)
    assert ship.wait(role)
    assert {ship.state(name) for name in ship.names(role)} == {"running"}
    told = len(ship.events("repaired"))
    ship.round()
    again = [event.message for event in [*ship.events("repaired")[told:], *ship.events("repair_failed")]]
    assert again == []


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(
    ("command", "condition"),
    [
        (("pause",), Condition.PAUSED),
        (("kill",), Condition.EXITED),
        (("stop", "--time", "1"), Condition.EXITED),
        (("rm", "--force"), Condition.MISSING),
    ],
)
def test_what_somebody_did_by_hand_is_undone(
    launch: Launch, parts: tuple[Part, ...], command: tuple[str, ...], condition: Condition
) -> None:
    ship = launch()
    assert docker(*command, *(ship.name(part) for part in parts)).returncode == 0
    mended(ship, parts, condition)


@pytest.mark.parametrize("parts", PARTS)
def test_what_was_made_and_never_started_is_started(launch: Launch, parts: tuple[Part, ...]) -> None:
    ship = launch()
    names = [ship.name(part) for part in parts]
    docker("rm", "--force", *names)
    compose = ["docker-compose", "-p", ship.spec.project, "--project-directory", str(ship.home)]
    services = [f"live-{part}" for part in parts]
    subprocess.run(
        [*compose, "-f", str(ship.home / "conf/compose.json"), "up", "--no-start", "--no-deps", *services],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert {ship.state(name) for name in names} == {"created"}
    mended(ship, parts, Condition.CREATED)


def test_what_the_engine_restarts_is_left_to_it(launch: Launch) -> None:
    ship = launch()
    engine = engine_for(ship.host.docker_url)
    (ship.home / "conf" / "php-fpm.conf").write_text("no configuration at all")
    # As a crash: the engine does not restart what it was asked to kill.
    ship.signal(ship.name("app"), signal.SIGKILL)

    def restarting() -> Any:
        containers = engine.list_workload_containers(ship.spec.installation)
        seen = first_look(ship.workload(), by_place(containers))
        return seen if [found.condition for found in seen.findings] == [Condition.RESTARTING] else None

    seen = until(restarting, "the engine restarts it")
    repair(ship.workload(), seen, seen.findings, may_interrupt=lambda: True)
    assert ship.events("repaired") == ship.events("repair_failed") == []
    # It gives up after five times.
    until(lambda: ship.state(ship.name("app")) == "exited", "the engine gives up")
    ship.write()
    mended(ship, ("app",), Condition.EXITED)


# Neither can be had for real without breaking the engine's own disk, so the engine's answer is changed.
@pytest.mark.parametrize("parts", PARTS)
def test_what_is_dead_is_removed_and_made_anew(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, parts: tuple[Part, ...]
) -> None:
    ship = launch()
    before = {part: ship.look(ship.name(part))["Id"] for part in parts}
    with monkeypatch.context() as patch:
        answered_with(patch, "dead", set(before.values()))
        ship.round()
    assert ship.events("repaired")[0].data["containers"] == {ship.name(part): "dead" for part in parts}
    assert all(ship.look(ship.name(part))["Id"] != old for part, old in before.items())
    ship.wait()


def test_what_is_being_removed_is_waited_for(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    ship = launch()
    before = ship.look(ship.name("app"))["Id"]
    answered_with(monkeypatch, "removing", {before})
    ship.round()
    assert ship.events("repaired") == ship.events("repair_failed") == []
    assert ship.look(ship.name("app"))["Id"] == before


def answered_with(patch: pytest.MonkeyPatch, state: str, ids: set[str]) -> None:
    real = Engine.list_workload_containers

    def listed(engine: Engine, installation: str) -> Any:
        return [replace(one, state=state) if one.id in ids else one for one in real(engine, installation)]

    patch.setattr(Engine, "list_workload_containers", listed)


@pytest.mark.parametrize("hung", ["app", "web"])
def test_what_hangs_is_restarted_with_what_it_asks(launch: Launch, hung: Part) -> None:
    """The sidecar's check asks php-fpm as well: the plugin's own user may not connect to its socket."""
    ship = launch(quick_checks=True)
    started = {part: ship.look(ship.name(part))["State"]["StartedAt"] for part in ("web", "app")}
    ship.signal(ship.name(hung), signal.SIGSTOP)
    until(lambda: ship.look(ship.name("web"))["State"]["Health"]["Status"] == "unhealthy", "the check fails")
    mended(ship, ("web",), Condition.UNHEALTHY)
    now = {part: ship.look(ship.name(part))["State"]["StartedAt"] for part in ("web", "app")}
    assert all(now[part] != started[part] for part in now)


def test_a_pair_that_hangs_is_restarted_once(launch: Launch) -> None:
    ship = launch(quick_checks=True)
    for name in ship.names():
        ship.signal(name, signal.SIGSTOP)
    until(lambda: ship.look(ship.name("web"))["State"]["Health"]["Status"] == "unhealthy", "the check fails")
    mended(ship, ("web",), Condition.UNHEALTHY)


@pytest.mark.parametrize("parts", PARTS)
def test_a_strangers_container_is_told_and_never_touched(launch: Launch, parts: tuple[Part, ...]) -> None:
    ship = launch()
    names = [ship.name(part) for part in parts]
    docker("rm", "--force", *names)
    strangers = [ship.put_in_place(name, labels={}) for name in names]
    ship.round()
    assert [ship.look(name)["Id"] for name in names] == strangers
    assert {ship.state(name) for name in names} == {"running"}
    events = ship.events("repair_failed")
    assert {name for event in events for name in event.data["containers"]} == set(names)
    for event in events:
        (name,) = event.data["containers"]
        assert f"a container that is not Berth's has the name {name}" in event.message
        assert "an operator must remove or rename it" in event.message
    docker("rm", "--force", *names)
    mended_after_failure(ship, parts, Condition.MISSING)


@pytest.mark.parametrize("changes", [{"installation": "berthtest-other"}, {"app": "app1"}, {"part": "other"}])
def test_labels_decide_whose_it_is(launch: Launch, changes: dict[str, str]) -> None:
    ship = launch()
    name = ship.name("app")
    docker("rm", "--force", name)
    stranger = ship.put_in_place(name, labels=ship.labels("app", **changes))
    ship.round()
    assert (ship.look(name)["Id"], ship.state(name)) == (stranger, "running")
    assert "an operator must remove or rename it" in ship.events("repair_failed")[0].message


def mended_after_failure(ship: Ship, parts: tuple[Part, ...], condition: Condition) -> None:
    ship.round()
    assert ship.events("repaired")[-1].data["containers"] == {ship.name(part): str(condition) for part in parts}
    ship.wait()


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


def test_a_port_that_a_stranger_took_is_told_and_taken_back(launch: Launch) -> None:
    ship = launch()
    docker("stop", "--time", "1", ship.name("web"))
    with socket.create_server(("127.0.0.1", ship.workload().port)):
        ship.round()
    (event,) = ship.events("repair_failed")
    assert f"port {ship.workload().port} of 127.0.0.1 is taken by a stranger" in event.message
    assert "an operator must end what listens there" in event.message
    ship.round()
    assert ship.events("repaired")[-1].data["containers"] == {ship.name("web"): "exited"}
    ship.wait()


def test_an_image_that_is_gone_is_told_and_nobody_is_asked_for_it(launch: Launch) -> None:
    ship = launch()
    docker("rm", "--force", ship.name("app"))
    assert docker("rmi", ship.images["php"]).returncode == 0
    ship.round()
    (event,) = ship.events("repair_failed")
    assert f"the image {ship.images['php']} is gone" in event.message
    assert "an operator must run manage.py build_images" in event.message
    # The web part asks nobody but its own host for anything.
    assert ship.state(ship.name("web")) == "running"


def test_an_exited_container_starts_without_its_image(launch: Launch) -> None:
    ship = launch()
    docker("kill", ship.name("app"))
    docker("rmi", "--force", ship.images["php"])
    mended(ship, ("app",), Condition.EXITED)


def test_a_port_that_nobody_forwards_is_forwarded_again(launch: Launch) -> None:
    ship = launch()
    port = f"-host-port {ship.workload().port} "
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (path / "cmdline").exists():
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if "docker-proxy" in command and port in command:
                os.kill(int(path.name), signal.SIGKILL)
    until(lambda: not ship.answer(), "nobody answers at the port")
    mended(ship, ("web",), Condition.UNREACHABLE)


def test_what_was_renamed_serves_on(launch: Launch) -> None:
    ship = launch()
    assert docker("rename", ship.name("app"), f"{ship.name('app')}-mine").returncode == 0
    ship.round()
    assert ship.events("repaired") == ship.events("repair_failed") == []
    docker("kill", f"{ship.name('app')}-mine")
    ship.round()
    assert ship.events("repaired")[0].data["containers"] == {f"{ship.name('app')}-mine": "exited"}
    ship.wait()


def test_an_engine_that_is_stopped_costs_no_try(launch: Launch, tmp_path: Path) -> None:
    ship = launch()
    docker("kill", ship.name("app"))
    there = ship.host.docker_url
    type(ship.host).objects.update(docker_url=f"unix://{tmp_path}/stopped.sock")
    reconcile.run()
    assert ship.events("repaired") == ship.events("repair_failed") == []
    assert not WorkloadRepair.objects.exists()
    type(ship.host).objects.update(docker_url=there)
    ship.host.refresh_from_db()
    mended(ship, ("app",), Condition.EXITED)
