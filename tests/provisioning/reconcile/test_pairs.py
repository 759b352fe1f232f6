"""Live and its standby are both mended, live is stopped only while the standby answers, and no cause delays another."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from django.utils import timezone

from paas.doctor import repairs as doctor
from paas.doctor.check import Level
from paas.doctor.examine import outcome
from provisioning.containers.instances import remove_workloads
from provisioning.exceptions import OperatorError
from provisioning.models import Workload, WorkloadRepair
from provisioning.operations.choices import OperationState
from provisioning.operations.engine import Run
from provisioning.reconcile import backoff as pauses
from provisioning.reconcile import workflow as reconcile
from provisioning.reconcile.repair_table import Condition
from provisioning.releases.workflow import deploy as deploy_release
from tests.provisioning.containers.stage import docker
from tests.provisioning.reconcile.broken import mended
from tests.provisioning.reconcile.ship import Ship, until

pytestmark = [pytest.mark.docker, pytest.mark.django_db]
Launch = Callable[..., Ship]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands still until a test moves it: tries are counted, whatever time they take."""
    found = SimpleNamespace(time=timezone.now())
    monkeypatch.setattr(pauses, "timezone", SimpleNamespace(now=lambda: found.time))
    return found


@pytest.mark.parametrize(
    ("command", "condition"),
    [(("pause",), Condition.PAUSED), (("kill",), Condition.EXITED), (("rm", "--force"), Condition.MISSING)],
)
def test_both_are_mended_in_one_round(launch: Launch, command: tuple[str, ...], condition: Condition) -> None:
    ship = launch("live", "standby")
    docker(*command, *ship.names("live"), *ship.names("standby"))
    ship.round()
    found = {event.data["role"]: event.data["containers"] for event in ship.events("repaired")}
    assert found == {
        role: dict.fromkeys(ship.names(role), str(condition))  # type: ignore[arg-type]
        for role in ("live", "standby")
    }
    assert ship.wait("live")
    assert ship.wait("standby")


def test_live_is_stopped_for_a_repair_only_while_its_standby_answers(launch: Launch) -> None:
    ship = launch("live", "standby")
    network = ship.spec.environment_name
    # It serves, on one network too many: it must go, and not while nobody else serves.
    docker("network", "connect", "bridge", ship.name("web"))
    docker("stop", "--time", "1", ship.name("app", "standby"))
    live = ship.look(ship.name("web"))["Id"]
    ship.round()
    assert [event.data["role"] for event in ship.events("repaired")] == ["standby"]
    assert ship.look(ship.name("web"))["Id"] == live
    ship.wait("standby")
    mended(ship, ("web",), Condition.OTHER_NETWORK)
    assert list(ship.look(ship.name("web"))["NetworkSettings"]["Networks"]) == [network]


def test_live_that_serves_nobody_waits_for_no_standby(launch: Launch) -> None:
    ship = launch("live", "standby")
    docker("rm", "--force", ship.name("web", "standby"))
    stranger = ship.put_in_place(ship.name("web", "standby"), labels={})
    docker("network", "disconnect", "--force", ship.spec.environment_name, ship.name("web"))
    ship.round()
    assert ship.events("repaired")[0].data["containers"] == {ship.name("web"): str(Condition.OTHER_NETWORK)}
    assert ship.look(ship.name("web", "standby"))["Id"] == stranger
    ship.wait()


def test_the_standby_is_mended_while_live_serves(launch: Launch) -> None:
    ship = launch("live", "standby")
    docker("network", "disconnect", "--force", ship.spec.environment_name, ship.name("web", "standby"))
    docker("update", "--memory", "70m", "--memory-swap", "70m", ship.name("app", "standby"))
    ship.round()
    (event,) = {event.message for event in ship.events("repaired")}
    assert "standby-web was not on its network" in event
    assert "standby-app was with other settings" in event
    assert ship.wait("standby")


def test_a_cause_that_fails_delays_no_other(launch: Launch, clock: SimpleNamespace) -> None:
    ship = launch()
    name = ship.name("app")
    docker("rm", "--force", name)
    ship.put_in_place(name, labels={})
    for pause_s in (0, 1, 3, 7, 15, 31, 63, 127):
        clock.time += timedelta(seconds=pause_s)
        ship.round(closely=None)
    assert len(ship.events("repair_failed")) == 8
    ship.round(closely=None)
    assert len(ship.events("repair_failed")) == 8
    # Four minutes would be the next pause. Something else broke, and something else again.
    docker("rm", "--force", ship.name("web"))
    ship.round(closely=None)
    assert ship.events("repaired")[-1].data["containers"] == {ship.name("web"): "missing"}
    docker("rm", "--force", name)
    ship.round(closely=None)
    assert ship.events("repaired")[-1].data["containers"] == {name: "missing"}
    assert {repair.cause: repair.tries for repair in WorkloadRepair.objects.all()} == {
        "app replaced by a stranger": 8, "web missing": 1, "app missing": 1
    }  # fmt: skip


def test_a_pause_raises_no_pause(launch: Launch, clock: SimpleNamespace) -> None:
    """The sample: a pair that was paused and is then removed is back with the next round."""
    ship = launch()
    docker("pause", *ship.names())
    mended(ship, ("web", "app"), Condition.PAUSED)
    docker("rm", "--force", *ship.names())
    mended(ship, ("web", "app"), Condition.MISSING)


def test_what_is_whole_again_starts_at_once(launch: Launch, clock: SimpleNamespace) -> None:
    ship = launch(quick_checks=True)
    for tries in range(1, 4):
        docker("kill", ship.name("app"))
        ship.round(closely=None)
        # A check that falls between the end and the start fails, and the pair is restarted once more.
        found = [event.data["containers"].get(ship.name("app")) for event in ship.events("repaired")]
        assert found.count("exited") == tries
        until(partial(settled_after_a_round, ship), "a check of both passes")


def settled_after_a_round(ship: Ship) -> bool:
    ship.round(closely=None)
    return not WorkloadRepair.objects.exists()


def test_a_crash_loop_is_never_hot(launch: Launch, clock: SimpleNamespace) -> None:
    """One that dies before any check of it has passed waits longer each time."""
    ship = launch()
    told = []
    for pause_s in (0, 1, 0.5, 1.6, 3, 3.1):
        clock.time += timedelta(seconds=pause_s)
        docker("kill", ship.name("app"))
        ship.round(closely=None)
        told.append(len(ship.events("repaired")))
    assert told == [1, 2, 2, 3, 3, 4]


def test_the_doctor_says_what_waits_for_whom(launch: Launch) -> None:
    ship = launch()
    (check,) = doctor.checks()
    assert outcome(check) == (Level.OK, "nothing that serves waits for one")
    docker("rm", "--force", ship.name("app"))
    ship.put_in_place(ship.name("app"), labels={})
    ship.round()
    level, said = outcome(check)
    assert level == Level.FAIL
    assert f"{ship.spec.app_id} production, live: app replaced by a stranger" in said
    assert f"has the name {ship.name('app')}" in said
    assert "an operator must remove or rename it" in said
    docker("rm", "--force", ship.name("app"))
    ship.round()
    WorkloadRepair.objects.exclude(error="").delete()
    assert outcome(check)[0] == Level.OK


def deployment_under_way(ship: Ship) -> Run:
    type(ship.deployment).objects.filter(pk=ship.deployment.pk).update(state=OperationState.RUNNING)
    ship.deployment.refresh_from_db()
    return Run(ship.deployment, 1)


def test_a_deployment_says_that_a_stranger_has_its_name(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    ship = launch()
    # Its tree lies in no repository that could be read.
    monkeypatch.setattr(deploy_release, "ensure_php_still_good", lambda *_: None)
    docker("rm", "--force", ship.name("app"))
    ship.put_in_place(ship.name("app"), labels={})
    with pytest.raises(OperatorError, match=f"not Berth's has the name {ship.name('app')}.* an operator must remove"):
        deploy_release.ensure_leases(deployment_under_way(ship))
    docker("rm", "--force", ship.name("app"))


def test_what_is_paused_is_removed_with_its_deployment(launch: Launch) -> None:
    ship = launch()
    docker("pause", *ship.names())
    remove_workloads(Workload.objects.filter(pk=ship.workload().pk))
    assert {ship.state(name) for name in ship.names()} == {"missing"}


def test_a_deployment_that_began_meanwhile_is_left_alone(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    ship = launch()
    docker("kill", ship.name("app"))
    real = reconcile.first_look

    def first_look(*arguments: object) -> object:
        type(ship.deployment).objects.update(state="running")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(reconcile, "first_look", first_look)
    ship.round()
    assert ship.events("repaired") == []
    assert ship.state(ship.name("app")) == "exited"
