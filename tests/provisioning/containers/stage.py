"""One release of one environment on the real engine, brought there by the real deploy.sh from a real repository."""

import fcntl
import http.client
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from provisioning.containers.docker_engine import Engine
from provisioning.containers.images import ensure_images
from provisioning.containers.rendering.compose import SOCKET
from provisioning.releases.rendering.release import (
    encode_variables,
    render_check_tree,
    render_deploy_script,
    render_gitlab_ci,
    render_release,
    render_variables,
)
from provisioning.rendering.specs import InstanceSpec, ReleaseSpec
from tests.provisioning.rendering.specs import release_spec

INSTALLATION = "berthtest-containers"
DOCKER_URL = "unix:///var/run/docker.sock"
GIT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "Ada", "GIT_COMMITTER_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_EMAIL": "ada@example.org", "PATH": os.environ["PATH"],
}  # fmt: skip
HELLO = "<?php echo 'hello from ', getenv('GREETING') ?: 'nobody';"


class Slot:
    """A range of ports, subnets and uids that no other test run on this machine has at the same time."""

    def __init__(self) -> None:
        self.taken = 0
        for self.number in range(14):
            self._file: IO[str] = Path(f"/tmp/{INSTALLATION}-{self.number}.lock").open("w")  # noqa: SIM115 - held as long as the slot
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                continue
            return
        raise RuntimeError("fourteen test runs hold all slots of this machine")

    def next(self) -> int:
        """0 to 31, again from the start: a stage gives everything back when it ends."""
        self.taken = (self.taken + 1) % 32
        return self.taken

    def close(self) -> None:
        self._file.close()


def git(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=cwd, env=GIT | dict(env or {}), check=True, capture_output=True, text=True
    ).stdout.strip()


class Stage:
    def __init__(self, slot: Slot, root: Path, **changes: Any) -> None:
        index = slot.next()
        port = 28_000 + slot.number * 64 + index * 2
        self.root = root
        self.code = root / "code"
        self.management = root / "management"
        self.home = root / "releases" / "1"
        self.engine = Engine(DOCKER_URL)
        self.images = ensure_images()
        self.variables: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        roles = changes.pop("roles", ("live",))
        values: dict[str, Any] = {
            "installation": INSTALLATION,
            "app_id": f"app{9_000_000 + slot.number * 1000 + index}",
            "number": 1,
            "uid": 390_000 + slot.number * 100 + index * 2,
            "sidecar_uid": 390_001 + slot.number * 100 + index * 2,
            "subnet": f"10.214.{241 + slot.number}.{index * 8}/29",
            "home": PurePosixPath(self.home),
            "instances": tuple(
                InstanceSpec(role=role, address="127.0.0.1", port=port + offset) for offset, role in enumerate(roles)
            ),
        }
        self.spec: ReleaseSpec = release_spec(**(values | changes))
        self.code.mkdir(parents=True)
        self.management.mkdir()
        git("init", "-q", "-b", "main", cwd=self.code)
        git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=self.code)
        git("init", "-q", "-b", self.spec.environment, cwd=self.management)

    def write(self, path: str, content: str | bytes) -> None:
        file = self.code / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self) -> str:
        """What lies in the code repository, as a commit; its full id."""
        git("add", "-A", "-f", ".", cwd=self.code)
        git("commit", "-q", "--allow-empty", "-m", "change", cwd=self.code)
        return git("rev-parse", "HEAD", cwd=self.code)

    def prepare(self, commit: str, *, pointer: str | None = None) -> dict[str, str]:
        """The management repository as the platform commits it, and the job's variables."""
        files = {".gitlab-ci.yml": render_gitlab_ci(), "deploy.sh": render_deploy_script()}
        files["check_tree.py"] = render_check_tree()
        for path, text in (files | render_release(self.spec, self.images)).items():
            file = self.management / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        git("add", "-A", ".", cwd=self.management)
        git("update-index", "--add", "--cacheinfo", f"160000,{pointer or commit},codes", cwd=self.management)
        git("commit", "-q", "--allow-empty", "-m", "release", cwd=self.management)
        variables = encode_variables(render_variables(self.variables))
        services = ("live-web", "live-app") if self.spec.stack == "php" else ("live-web",)
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.root), "BERTH_RELEASE": str(self.spec.number),
            "BERTH_ENVIRONMENT": self.spec.environment, "BERTH_COMMIT": commit, "BERTH_PROJECT": self.spec.project,
            "BERTH_INSTALLATION": self.spec.installation, "BERTH_NETWORK": self.spec.environment_name,
            "BERTH_SUBNET": self.spec.subnet,
            "BERTH_BRIDGE": self.spec.bridge, "BERTH_TARGETS": f"local {self.home}",
            "BERTH_START": " ".join(services), "BERTH_MAX_FILES": "200", "BERTH_MAX_BYTES": "4000000",
            "BERTH_CODE_URL": f"file://{self.code}", "BERTH_ALLOW_FILE_URL": "1", "BERTH_DOCKER_HOST": DOCKER_URL,
            f"BERTH_VARIABLES_{self.spec.environment.upper()}": variables, **self.extra,
        }  # fmt: skip

    def run(self, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "deploy.sh"], cwd=self.management, env=dict(environment), capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def deploy(self, **changes: str) -> subprocess.CompletedProcess[str]:
        """What lies in the code repository goes live. The result is the job's, whatever it is."""
        return self.run(self.prepare(self.commit()) | changes)

    def started(self, **changes: str) -> "Stage":
        """Deployed, and answering."""
        result = self.deploy(**changes)
        assert result.returncode == 0, result.stdout + result.stderr
        self.wait()
        return self

    @property
    def port(self) -> int:
        return self.spec.instances[0].port

    @property
    def web(self) -> str:
        return self.spec.container("live", "web")

    @property
    def app(self) -> str:
        return self.spec.container("live", "app")

    def wait(self, path: str = "/", seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        answer = "no answer"
        while time.monotonic() < until:
            try:
                answer = f"status {self.get(path)[0]}"
                if answer < "status 500":
                    return
            except (OSError, http.client.HTTPException) as exc:
                answer = repr(exc)
            time.sleep(0.02)
        raise AssertionError(f"{path}: {answer}\n{self.failure()}")

    def wait_for_plugin(self, seconds: float = 120) -> None:
        """Until a worker is there, whatever the plugin answers."""
        until = time.monotonic() + seconds
        while self.probe().returncode != 0:
            assert time.monotonic() < until, self.failure()
            time.sleep(0.05)

    def probe(self) -> subprocess.CompletedProcess[str]:
        """What the sidecar's health check says of both."""
        return self.inside(self.web, "/usr/local/bin/probe", SOCKET)

    def get(
        self, path: str = "/", *, method: str = "GET", body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 20,
    ) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        """Status, headers and body as the edge would see them. Raises what http.client raises."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers={"Host": "plugin.localhost", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def text(self, path: str = "/", **options: Any) -> str:
        return self.get(path, **options)[2].decode()

    def failure(self) -> str:
        """How the containers stand, and what they said last."""
        endings = self.engine.endings([self.web, self.app])
        return "\n".join(f"{name}: {ending}\n{self.log(name)}" for name, ending in endings.items())

    def log(self, container: str) -> str:
        found = docker("logs", "--tail", "100", container)
        return found.stdout + found.stderr

    def inside(self, container: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """A command in the container, as its own user."""
        return docker("exec", container, *argv)

    def close(self) -> None:
        """Everything of this environment goes from the engine, whatever a test left."""
        name = self.spec.environment_name
        found = docker("ps", "-aq", "--filter", f"name=^/{name}-").stdout.split()
        if found:
            docker("rm", "-f", "-v", *found)
        volumes = docker("volume", "ls", "-q", "--filter", f"name={name}-").stdout.split()
        if volumes:
            docker("volume", "rm", *volumes)
        docker("network", "rm", name)


def docker(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *argv], capture_output=True, text=True, check=False, timeout=60, errors="replace",
        env={"PATH": os.environ["PATH"], "HOME": "/", "DOCKER_HOST": DOCKER_URL},
    )  # fmt: skip


@contextmanager
def staged(slot: Slot, root: Path, **changes: Any) -> Iterator[Stage]:
    stage = Stage(slot, root, **changes)
    try:
        yield stage
    finally:
        stage.close()
