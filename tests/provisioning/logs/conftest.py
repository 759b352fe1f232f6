"""Real containers from an image of one file, made by the test itself, and an environment that they belong to."""

import io
import shutil
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from django.utils import timezone

from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.models import Host, Operation, PortLease, Workload
from provisioning.operations.choices import OperationKind, OperationState
from tenants.models import ConfigVariable, Environment, PluginApp, Release
from tenants.releases.choices import ReleaseState
from tests.factories import make_app, owner_of

IMAGE = "berth-test-logs:1"


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url="unix:///var/run/docker.sock", timeout=30)
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient) -> str:
    """A shell and `sleep`, without a registry: Debian's static busybox, imported."""
    if engine.images.list(name=IMAGE):
        return IMAGE
    busybox = shutil.which("busybox")
    assert busybox, "busybox is not installed: apt-get install busybox-static"
    content = Path(busybox).read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
        for name in ("sh", "sleep", "cat", "head", "tr", "seq"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    repository, tag = IMAGE.split(":")
    engine.api.import_image_from_data(buffer.getvalue(), repository=repository, tag=tag)
    return IMAGE


def live_release(app: PluginApp, *, environment: str = "production", number: int = 1, variables: str = "{}") -> Release:
    """The row alone: no workflow takes it up."""
    row = app.environments.get(name=environment)
    release = Release.objects.create(
        app=app,
        environment=row,
        number=number,
        state=ReleaseState.LIVE if row.current_release is None else ReleaseState.DEPLOYING,
        submitted_by=owner_of(app.organization),
        commit_sha="a" * 40,
        digest="b" * 64,
        variables=variables,
    )
    if row.current_release is None:
        row.current_release = release
        row.save()
    return release


class Plugin:
    """One environment with a live release, and containers that say what the test tells them to."""

    def __init__(self, engine: docker.DockerClient, image: str, installation: str, release: Release) -> None:
        self.engine = engine
        self.image = image
        self.installation = installation
        self.release = release
        self.app = release.app
        self.environment: Environment = release.environment
        self.owner = owner_of(self.app.organization)
        self.url = f"/api/v1/apps/{self.app.public_id}/environments/{self.environment.name}/logs/"
        self._ports = iter(range(1, 1000))
        self.deploy(release)

    def deploy(self, release: Release) -> None:
        """The rows of a deployment, as the workflow writes them."""
        host, _made = Host.objects.get_or_create(
            name=f"host-{self.installation}",
            defaults={
                "docker_url": "unix:///var/run/docker.sock",
                "releases_home": "/nonexistent",
                "port_first": 20000,
                "port_last": 21000,
            },
        )
        operation = Operation.objects.create(
            kind=OperationKind.DEPLOY_RELEASE,
            app=self.app,
            environment=release.environment,
            release=release,
            state=OperationState.SUCCEEDED,
        )
        lease = PortLease.objects.create(
            host=host, port=20000 + next(self._ports), use=str(release), leased_at=timezone.now()
        )
        Workload.objects.create(
            environment=release.environment,
            release=release,
            deployment=operation,
            host=host,
            role=WorkloadRole.LIVE,
            state=WorkloadState.DRAINING,
            port_lease=lease,
            port=lease.port,
        )

    def variable(self, name: str, value: str, *, is_secret: bool = True) -> None:
        ConfigVariable.objects.create(
            environment=self.environment, name=name, value=value, is_secret=is_secret, updated_by=self.owner
        )

    def run(
        self, script: str, *, role: str = "live", part: str = "app", release: int | None = None, environment: str = ""
    ) -> str:
        """Starts a container that runs the shell script; its name."""
        number = self.release.number if release is None else release
        environment = environment or self.environment.name
        name = f"{self.installation}-{self.app.public_id}-{environment}-r{number}-{role}-{part}"
        self.engine.containers.run(
            self.image,
            ["/bin/sh", "-c", script],
            name=name,
            detach=True,
            network_mode="none",
            stop_signal="SIGKILL",
            log_config=docker.types.LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
            labels={
                "berth.installation": self.installation,
                "berth.app": self.app.public_id,
                "berth.environment": environment,
                "berth.release": str(number),
                "berth.role": role,
                "berth.part": part,
            },
        )
        return name

    def has_ended(self, name: str) -> None:
        self.engine.containers.get(name).wait(timeout=30)

    def say(self, name: str, text: str) -> None:
        """One more line from a container that runs: written to its first process's output."""
        subprocess.run(
            ["docker", "exec", "-i", name, "/bin/sh", "-c", "cat > /proc/1/fd/1"], input=text.encode(), check=True
        )


@pytest.fixture
def plugin(engine: docker.DockerClient, image: str, settings: Any, transactional_db: None) -> Iterator[Plugin]:
    settings.INSTALLATION = f"logs{uuid.uuid4().hex[:10]}"
    yield Plugin(engine, image, settings.INSTALLATION, live_release(make_app()))
    for container in engine.containers.list(
        all=True, filters={"label": f"berth.installation={settings.INSTALLATION}"}, ignore_removed=True
    ):
        container.remove(force=True)


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 120) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(0.02)


from tests.provisioning.logs.followed import server, token  # noqa: E402, F401 - these need the classes above
