"""Each row of the table of repairs, made for real on the real Docker Engine: on one container and on the pair."""

import os
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.containers.docker_engine import Engine, engine_for
from provisioning.exceptions import LeaseLost
from provisioning.models import Round, WorkloadRepair
from provisioning.operations.choices import RoundKind
from provisioning.operations.rounds import round_held
from provisioning.reconcile import workflow as reconcile
from provisioning.reconcile.examination import by_place, first_look
from provisioning.reconcile.repair_table import Condition
from provisioning.reconcile.repairs import repair
from provisioning.rendering.specs import Part
from tests.provisioning.containers.stage import docker
from tests.provisioning.reconcile.broken import PARTS, Launch, mended
from tests.provisioning.reconcile.ship import Ship, until

pytestmark = [pytest.mark.docker, pytest.mark.django_db]


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


def test_a_worker_that_lost_the_host_mends_nothing_more(launch: Launch) -> None:
    ship = launch()
    assert docker("kill", ship.name("app")).returncode == 0
    with round_held(RoundKind.RECONCILE_HOST, host=ship.host) as lease:
        assert lease is not None
        Round.objects.filter(pk=lease.row.pk).update(fence=lease.fence + 1)
        with pytest.raises(LeaseLost):
            reconcile.reconcile_host(ship.host, lease, closely=True)
    assert ship.state(ship.name("app")) == "exited"
    Round.objects.update(lease_until=None)
    mended(ship, ("app",), Condition.EXITED)
