"""The reconciler keeps what falls back to the host, withdraws it, and says so; it asks no Docker Engine anything."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.instances import remove_workloads
from provisioning.edge.fallback import config, php_fpm
from provisioning.edge.fallback import workflow as fallbacks
from provisioning.inventory import leases
from provisioning.inventory.choices import Transport
from provisioning.inventory.services import host_register_local
from provisioning.models import Host, Operation, PortLease, Workload
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.engine import Run
from provisioning.reconcile import backoff as pauses
from provisioning.reconcile import workflow as reconcile
from provisioning.releases.workflow import deploy as deploy_release
from provisioning.releases.workflow import images
from provisioning.releases.workflow.specs import fallback_spec, release_home, roles_of, site_spec
from tenants.apps.choices import Stack
from tenants.apps.services.environments import environment_fallback_set
from tenants.models import AuditEvent
from tenants.releases.choices import ReleaseState
from tests.factories import make_app, make_operator, make_release
from tests.provisioning.edge.fallback.stage import Machine

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(machine: Machine, settings: Any) -> Iterator[Host]:
    """This machine, with an engine that nobody answers for."""
    settings.FALLBACK_HOME = machine.home / "fallback"
    settings.RELEASES_HOME = machine.home / "releases"
    settings.EDGE_HOME, settings.EDGE_PORT = machine.edge.home, machine.edge.port
    settings.DOCKER_URL = f"unix://{machine.home}/no-engine.sock"
    settings.EDGE_USER = "www-data"
    yield host_register_local()
    machine.fallback.remove(machine.fallback.names())
    machine.edge.edge.apply(dict.fromkeys(path.stem for path in (machine.edge.home / "sites").glob("*.conf")))
    shutil.rmtree(machine.home / "releases", ignore_errors=True)


def serving(host: Host, stack: str = Stack.PHP) -> Workload:
    """An environment that falls back to the host, with a live release whose containers are dead."""
    app = make_app(stack=stack)
    environment = app.environments.get(name="production")
    environment_fallback_set(environment=environment, fallback="host", actor=make_operator())
    release = make_release(app=app, state=ReleaseState.LIVE)
    operation = Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE, app=app, environment=environment, release=release,
        state=OperationState.SUCCEEDED, fence=1,
    )  # fmt: skip
    code = Path(release_home(release, host) / "code")
    code.mkdir(parents=True)
    (code / "index.php").write_text("<?php echo 'from the host';")
    (code / "index.html").write_text("a page of the host")
    for role in roles_of(environment):
        lease = leases.port_lease(host=host, use=f"{release} {role}")
        workload = Workload.objects.create(
            environment=environment, release=release, deployment=operation, host=host, role=role,
            state=WorkloadState.SERVING, port_lease=lease, port=lease.port,
        )  # fmt: skip
    return workload


def ask(machine: Machine, workload: Workload) -> str:
    return machine.edge.get(workload.environment.subdomains.get().hostname).body


def events(workload: Workload, action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(app=workload.environment.app, action=action))


def test_each_fallback_has_its_roles() -> None:
    environment = make_app().environments.get(name="production")
    found = {}
    for fallback in ("none", "standby", "host"):
        environment.fallback = fallback
        found[fallback] = (roles_of(environment), roles_of(environment, can_fall_back=False))
    live, standby, host = ("live",), ("live", "standby"), ("live", "fallback")
    assert found == {"none": (live, live), "standby": (standby, standby), "host": (host, standby)}


@pytest.mark.parametrize("stack", [Stack.PHP, Stack.STATIC])
def test_a_round_without_an_engine_makes_the_host_answer(machine: Machine, host: Host, stack: str) -> None:
    workload = serving(host, stack)
    reconcile.run()
    assert ask(machine, workload) == ("from the host" if stack == Stack.PHP else "a page of the host")
    assert len(events(workload, "fallback.repaired")) == 1
    # Nothing to repair, nothing to tell.
    reconcile.run()
    assert len(events(workload, "fallback.repaired")) == 1
    assert site_spec(workload.environment).servers[1].is_backup


def test_what_is_turned_off_goes_at_once_and_its_port_rests(machine: Machine, host: Host) -> None:
    workload = serving(host)
    reconcile.run()
    root = Path(fallback_spec(workload).root)
    assert root.is_dir()
    environment_fallback_set(environment=workload.environment, fallback="standby", actor=make_operator())
    reconcile.run()
    workload.refresh_from_db()
    assert (workload.state, root.exists()) == (WorkloadState.REMOVED, False)
    assert PortLease.objects.get(pk=workload.port_lease_id).free_at is not None
    assert len(events(workload, "fallback.withdrawn")) == 1
    # Its containers' workload is as it was: the environment is served by them alone.
    assert [server.is_backup for server in site_spec(workload.environment).servers] == [False]
    assert "from the host" not in ask(machine, workload)


def test_a_deployment_under_way_is_not_disturbed(host: Host) -> None:
    workload = serving(host)
    Operation.objects.filter(pk=workload.deployment_id).update(state=OperationState.RUNNING)
    environment_fallback_set(environment=workload.environment, fallback="none", actor=make_operator())
    reconcile.run()
    workload.refresh_from_db()
    assert workload.state == WorkloadState.SERVING
    assert events(workload, "fallback.withdrawn") == events(workload, "fallback.repaired") == []


class Clock:
    """Stands still until somebody moves it: rounds are counted, whatever time they take."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = timezone.now()
        monkeypatch.setattr(pauses, "timezone", SimpleNamespace(now=lambda: self.time))

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def test_what_can_not_be_repaired_is_told_and_tried_again_after_a_pause(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    workload = serving(host)
    code = Path(release_home(workload.release, host))
    shutil.move(code, f"{code}.away")
    told = []
    for pause_s in (0, 0.1, 1.8, 0.3, 5.8, 0.3, 13.8, 0.3):
        clock.forward(pause_s)
        reconcile.run()
        told.append(len(events(workload, "fallback.repair_failed")))
    # At once, once more, and then after pauses of 2, 6 and 14 s.
    assert told == [1, 2, 2, 3, 3, 4, 4, 5]
    messages = {event.message for event in events(workload, "fallback.repair_failed")}
    assert len(messages) == 1
    assert "deploy the release again" in messages.pop()
    # With the files another thing is wrong: that they are there is no reason to wait on.
    shutil.move(f"{code}.away", code)
    reconcile.run()
    assert len(events(workload, "fallback.repaired")) == 1


@pytest.mark.parametrize(
    "lost", ["root", "root/app", "tmp", "app", "var/lib/php/sessions", "pool", "configuration", "master"]
)
def test_what_the_keeper_finds_lacking_is_made_again(machine: Machine, host: Host, lost: str) -> None:
    workload = serving(host)
    reconcile.run()
    assert ask(machine, workload) == "from the host"
    spec, home = fallback_spec(workload), machine.home / "fallback"
    match lost:
        case "root" | "root/app":
            for place in ("app", "tmp", "var/lib/php/sessions") if lost == "root" else ("app",):
                subprocess.run(["umount", "--lazy", str(Path(spec.root) / place)], check=True)
            shutil.rmtree(Path(spec.root) / lost.removeprefix("root").strip("/"))
        case "tmp" | "app" | "var/lib/php/sessions":
            subprocess.run(["umount", "--lazy", str(Path(spec.root) / lost)], check=True)
        case "pool":
            (home / "pools" / f"{spec.name}.conf").unlink()
        case "configuration":
            (home / php_fpm.CONFIGURATION).unlink()
        case "master":
            os.kill(machine.master(), signal.SIGKILL)
    reconcile.run()
    # The process manager may have been faster with its own.
    assert lost == "master" or len(events(workload, "fallback.repaired")) == 2
    assert events(workload, "fallback.repair_failed") == []
    assert ask(machine, workload) == "from the host"


def test_what_nobody_knows_of_is_cleared_away(machine: Machine, host: Host) -> None:
    stray = machine.plugin(77, {"index.php": "<?php"}).served()
    kept = serving(host)
    reconcile.run()
    assert stray.spec.name not in machine.fallback.names()
    assert fallback_spec(kept).name in machine.fallback.names()


def test_a_fallback_goes_without_its_deployments_containers(machine: Machine, host: Host) -> None:
    workload = serving(host)
    reconcile.run()
    # No engine answers: one that was asked would raise.
    remove_workloads(Workload.objects.filter(pk=workload.pk))
    assert fallback_spec(workload).name not in machine.fallback.names()


def step_of(workload: Workload) -> Run:
    Workload.objects.filter(pk=workload.pk).update(state=WorkloadState.STARTING)
    Operation.objects.filter(pk=workload.deployment_id).update(state=OperationState.RUNNING)
    return Run(Operation.objects.get(pk=workload.deployment_id), 1)


def test_a_deployment_steps_around_a_stranger_on_its_port(host: Host) -> None:
    workload = serving(host, Stack.STATIC)
    run = step_of(workload)
    with socket.create_server(("127.0.0.1", workload.port)):
        fallbacks.ensure_fallback(run)
    before = workload.port
    workload.refresh_from_db()
    assert workload.port != before
    assert f"127.0.0.1:{workload.port} serves the release without containers" in run.lines
    assert PortLease.objects.get(port=before, host=host).free_at is not None


def test_a_fallback_that_fails_keeps_no_release_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = serving(host)
    monkeypatch.setattr(php_fpm.trees, "_SYSTEM", ("/etc/hostname",))
    shutil.rmtree(release_home(workload.release, host))
    run = step_of(workload)
    fallbacks.ensure_fallback(run)
    assert "the reconciler tries again" in run.lines[0]
    assert len(events(workload, "fallback.repair_failed")) == 1


def test_a_machine_that_can_not_says_what_an_operator_must_do(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = serving(host)
    release, environment = workload.release, workload.environment
    assert fallbacks.fallback_refusal(release, environment, host) == ""
    monkeypatch.setattr(config, "_php_fpm", lambda: None)
    assert "apt-get install php8.2-fpm" in fallbacks.fallback_refusal(release, environment, host)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "run bin/up as root" in fallbacks.fallback_refusal(release, environment, host)
    static = serving(host, Stack.STATIC)
    assert fallbacks.fallback_refusal(static.release, static.environment, host) == ""
    host.transport = Transport.SSH
    assert "not the edge's own machine" in fallbacks.fallback_refusal(release, environment, host)
    environment.fallback = "standby"
    assert fallbacks.fallback_refusal(release, environment, host) == ""


def test_a_deployment_on_a_machine_that_can_not_goes_on_with_a_standby_and_says_so(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = serving(host)
    run = step_of(workload)
    run.operation.workloads.all().delete()
    monkeypatch.setattr(config, "_php_fpm", lambda: None)
    # The engine, which would be asked for its images, is down in these tests.
    engine = SimpleNamespace(
        image_ids=lambda references: {reference: f"sha256:{reference}" for reference in references}
    )
    monkeypatch.setattr(images, "engine_for", lambda _url: engine)
    monkeypatch.setattr(deploy_release, "ensure_php_still_good", lambda _run, _release, _host: None)
    monkeypatch.setattr(deploy_release.Care, "holders", lambda _self, _names, but_of: {})
    for _ in range(2):
        deploy_release.ensure_leases(run)
    assert {row.role for row in run.operation.workloads.all()} == {WorkloadRole.LIVE, WorkloadRole.STANDBY}
    (told,) = events(workload, "fallback.refused")
    assert "apt-get install php8.2-fpm" in told.message
    assert told.message in run.lines


def test_the_pool_gets_the_variables_that_were_approved(machine: Machine, host: Host) -> None:
    workload = serving(host)
    code = Path(release_home(workload.release, host) / "code")
    (code / "index.php").write_text("<?php echo getenv('KEY') ?: 'none';")
    type(workload.release).objects.filter(pk=workload.release_id).update(variables=json.dumps({"KEY": "as approved"}))
    reconcile.run()
    assert ask(machine, workload) == "as approved"


def test_every_role_but_the_live_one_is_a_backup(host: Host) -> None:
    workload = serving(host)
    assert {row.role for row in workload.environment.workloads.all()} == {WorkloadRole.LIVE, WorkloadRole.FALLBACK}
    servers = site_spec(workload.environment).servers
    assert [(server.address, server.is_backup) for server in servers] == [("127.0.0.1", False), ("127.0.0.1", True)]
