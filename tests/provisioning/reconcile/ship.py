"""A live release with its rows, its files and its real containers on the real Docker Engine, and ways to break them."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.images import ensure_images
from provisioning.containers.instances import ensure_instance
from provisioning.containers.rendering.docker_run import render_docker_run
from provisioning.inventory import leases
from provisioning.inventory.services import host_register_local
from provisioning.models import Host, Operation, Workload
from provisioning.operations.choices import OperationKind, OperationState, RoundKind
from provisioning.operations.rounds import round_held
from provisioning.reconcile import workflow as reconcile
from provisioning.releases.rendering.release import render_release, render_variables
from provisioning.releases.workflow.specs import release_home, release_spec
from provisioning.rendering.specs import Part, Role, parts_of
from tenants.models import AuditEvent
from tenants.releases.choices import ReleaseState
from tests.factories import make_app, make_release
from tests.provisioning.containers.stage import docker

# Far longer than anything takes: only a test that fails waits for so long.
PATIENCE_S = 120
PAGE = "<?php echo 'served by ', gethostname();"


def until(look: Callable[[], Any], what: str) -> Any:
    """Looks until there is something true to see, and gives that."""
    end = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        assert time.monotonic() < end, f"waited for {PATIENCE_S} s: {what}"
        time.sleep(0.05)
    return seen


class Ship:
    """One environment; `roles` are the instances that serve it."""

    def __init__(self, *roles: Role, stack: str = "php", quick_checks: bool = False) -> None:
        self.host: Host = host_register_local()
        app = make_app(stack=stack)
        self.environment = app.environments.get(name="production")
        self.release = make_release(app=app, state=ReleaseState.LIVE)
        self.deployment = Operation.objects.create(
            kind=OperationKind.DEPLOY_RELEASE, app=app, environment=self.environment, release=self.release,
            state=OperationState.SUCCEEDED, fence=1,
        )  # fmt: skip
        for role in roles:
            lease = leases.port_lease(host=self.host, use=f"{self.release} {role}")
            Workload.objects.create(
                environment=self.environment, release=self.release, deployment=self.deployment, host=self.host,
                role=WorkloadRole(role), state=WorkloadState.SERVING, port_lease=lease, port=lease.port,
            )  # fmt: skip
        self.spec = release_spec(self.deployment)
        self.home = Path(release_home(self.release, self.host))
        # Tags of its own: a test may take them away.
        self.images: dict[str, str] = {}
        for part, image in ensure_images().items():
            self.images[part] = f"berth-test-{part}:{secrets.token_hex(6)}"
            assert docker("tag", image, self.images[part]).returncode == 0
        self.write(quick_checks=quick_checks)

    def write(self, *, quick_checks: bool = False) -> None:
        """The release's files, as a pipeline leaves them on the host."""
        (self.home / "code").mkdir(parents=True, exist_ok=True)
        (self.home / "code" / "index.php").write_text(PAGE)
        (self.home / "code" / "index.html").write_text("served as a file")
        files = {**render_release(self.spec, self.images), "variables.php": render_variables({})}
        for path, text in files.items():
            file = self.home / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        if quick_checks:
            file = self.home / "conf" / "compose.json"
            document = json.loads(file.read_text())
            for service in document["services"].values():
                if "healthcheck" in service:
                    service["healthcheck"] |= {"interval": "1s", "retries": 1, "start_period": "0s"}
            file.write_text(json.dumps(document))
            for path, text in render_docker_run(self.spec, document).items():
                (self.home / path).write_text(text)

    def launch(self) -> "Ship":
        for workload in self.workloads():
            ensure_instance(workload)
            self.wait(workload.role)
        return self

    def workloads(self) -> list[Workload]:
        return list(self.environment.workloads.select_related("host", "deployment__release__app", "release__app"))

    def workload(self, role: str = "live") -> Workload:
        return next(workload for workload in self.workloads() if workload.role == role)

    def name(self, part: Part, role: Role = "live") -> str:
        return self.spec.container(role, part)

    def names(self, role: Role = "live") -> list[str]:
        return [self.name(part, role) for part in parts_of(self.spec.stack)]

    def round(self, *, closely: bool | None = True) -> None:
        with round_held(RoundKind.RECONCILE_HOST, host=self.host) as lease:
            assert lease is not None
            reconcile.reconcile_host(self.host, lease, closely=closely)

    def look(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(docker("inspect", "--type", "container", name).stdout)
        return found[0] if found else {}

    def state(self, name: str) -> str:
        return str(self.look(name).get("State", {}).get("Status", "missing"))

    def events(self, action: str) -> list[AuditEvent]:
        return list(AuditEvent.objects.filter(app=self.environment.app, action=f"workload.{action}").order_by("pk"))

    def answer(self, role: str = "live") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.workload(role).port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/", headers={"Host": self.spec.hostnames[0]})
            answer = connection.getresponse()
            text = answer.read().decode()
            return text if answer.status == 200 else ""
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()

    def wait(self, role: str = "live") -> str:
        return str(until(lambda: self.answer(role), f"{role} answers"))

    def signal(self, name: str, number: signal.Signals) -> None:
        """To every process in the container but its init, as when they hang."""
        rows = docker("top", name, "-eo", "pid,comm").stdout.splitlines()[1:]
        for row in rows:
            pid, command = row.split(maxsplit=1)
            if not command.startswith(("docker-init", "tini")):
                # One of a check may have ended since.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), number)

    def put_in_place(self, name: str, *, labels: dict[str, str], image: str = "") -> str:
        """A container of somebody's that has the name; its id."""
        options = [option for item in labels.items() for option in ("--label", "=".join(item))]
        made = docker(
            "run", "--detach", "--name", name, "--network", "none", "--entrypoint", "sleep", *options,
            image or self.images["web"], "infinity",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def labels(self, of: Part, **changes: str) -> dict[str, str]:
        values = {
            "installation": settings.INSTALLATION, "app": self.spec.app_id, "environment": "production",
            "release": str(self.spec.number), "deployment": str(self.deployment.pk), "role": "live", "part": of,
        }  # fmt: skip
        return {f"berth.{name}": value for name, value in (values | changes).items()}

    def sink(self) -> None:
        """Everything of this environment goes from the engine, whatever a test left."""
        name = self.spec.environment_name
        if found := docker("ps", "-aq", "--filter", f"name=^/{name}-").stdout.split():
            docker("unpause", *found)
            docker("rm", "-f", "-v", *found)
        if volumes := docker("volume", "ls", "-q", "--filter", f"name={name}-").stdout.split():
            docker("volume", "rm", *volumes)
        docker("network", "rm", name)
        docker("rmi", *self.images.values())
        shutil.rmtree(self.home, ignore_errors=True)


@contextmanager
def ships() -> Iterator[Callable[..., Ship]]:
    made: list[Ship] = []

    def make(*roles: Role, **options: Any) -> Ship:
        ship = Ship(*(roles or ("live",)), **options)
        made.append(ship)
        return ship.launch()

    try:
        yield make
    finally:
        for ship in made:
            ship.sink()
