"""A machine's fallback with the real php-fpm and the real edge, in homes of their own, and plugins that it serves.

It takes root, as the thing itself does.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from provisioning.edge.fallback import HostFallback, fallback_command
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.rendering.specs import FallbackSpec, SiteSpec, UpstreamServer
from tests.provisioning.edge.running import Answer, RunningEdge, free_port, hostname, running_edge

WORKER_USER = "www-data"
# Where nobody listens: what was live there is dead.
DEAD = 9


class Manager:
    """What a process manager does for php-fpm: starts it, and starts it again whenever it ends."""

    def __init__(self, home: Path) -> None:
        self._command = fallback_command(home)
        self.log = home.parent / "php-fpm.log"
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self.log.open("ab") as log:
            while not self._stopping.is_set():
                self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)
                self._process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        self._stopping.set()
        while self._thread.is_alive():
            if self._process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGHUP)
            self._thread.join(0.05)


class Machine:
    """The edge, the fallback, and a directory in which releases lie as a pipeline leaves them."""

    def __init__(self, home: Path, edge: RunningEdge, manager: Manager) -> None:
        self.home = home
        self.edge = edge
        self.manager = manager
        self.fallback = HostFallback(home / "fallback", worker_user=WORKER_USER)

    def plugin(self, number: int = 1, files: Mapping[str, str] | None = None, **fields: Any) -> "Plugin":
        app_id = f"app{1_000_000 + number}"
        values: dict[str, Any] = {
            "app_id": app_id,
            "environment": "production",
            "deployment": 1,
            "stack": "php",
            "port": free_port(),
            "uid": 560_000 + number,
            "memory_mib": 64,
            "pids": 64,
            "disk_mib": 8,
            "home": PurePosixPath(self.home / "fallback"),
            "worker_user": WORKER_USER,
        }
        values |= fields
        release = self.home / "releases" / app_id / values["environment"] / str(values["deployment"])
        spec = FallbackSpec(code=PurePosixPath(release / "code"), **values)
        plugin = Plugin(self, spec, number)
        for path, text in (files or {}).items():
            plugin.write(path, text)
        return plugin

    def master(self) -> int:
        title = f"php-fpm: master process ({self.home}/fallback/php-fpm.conf)"
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "cmdline").read_text().startswith(title):
                        return int(entry.name)
        return 0

    def limits(self) -> str:
        return Path(f"/proc/{self.master()}/limits").read_text()


class Plugin:
    def __init__(self, machine: Machine, spec: FallbackSpec, number: int) -> None:
        self.machine = machine
        self.spec = spec
        self.number = number

    @property
    def root(self) -> Path:
        return Path(self.spec.root)

    def write(self, path: str, text: str) -> None:
        file = Path(self.spec.code) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        # The engine enters as root; on the host nobody else needs to.
        Path(self.spec.code).parent.chmod(0o700)

    def served(self, variables: Mapping[str, str] | None = None, *, live: int = DEAD) -> "Plugin":
        """The machine serves it where nobody answers at the port `live`."""
        self.machine.fallback.ensure(self.spec, variables or {})
        site = SiteSpec(
            app_id=self.spec.app_id,
            environment=self.spec.environment,
            hostnames=(hostname(self.number),),
            servers=(
                UpstreamServer(address="127.0.0.1", port=live),
                UpstreamServer(address="127.0.0.1", port=self.spec.port, is_backup=True),
            ),
            fallback=self.spec,
        )
        self.machine.edge.edge.apply({site.name: render_edge_site(site)})
        return self

    def changed(self, **fields: Any) -> "Plugin":
        return Plugin(self.machine, replace(self.spec, **fields), self.number)

    def get(self, path: str = "/", **options: Any) -> Answer:
        return self.machine.edge.get(hostname(self.number), path, **options)

    def run(self, code: str) -> str:
        """What PHP in the plugin's pool prints; an error is part of it. It comes as a request, so a file says what."""
        answer = self.get("/run.php", method="POST", body=code)
        assert answer.status == 200, (answer.status, answer.body)
        return answer.body


# Hostile code, whatever it is: a release in which somebody put it.
RUN = """<?php
try { eval(file_get_contents('php://input')); }
catch (Throwable $error) { echo get_class($error), ': ', $error->getMessage(); }
"""


@contextlib.contextmanager
def running_machine() -> Iterator[Machine]:
    home = Path(tempfile.mkdtemp(prefix="berth-fallback-", dir="/tmp"))
    home.chmod(0o711)
    manager = Manager(home / "fallback")
    try:
        with running_edge() as edge:
            yield Machine(home, edge, manager)
    finally:
        manager.stop()
        for place in mounts(home):
            subprocess.run(["umount", "--lazy", place], check=True)
        shutil.rmtree(home)


def mounts(home: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [mount for line in lines if (mount := line.split(" ")[4]).startswith(f"{home}/")]


def until(condition: Any, what: str, timeout_s: float = 120) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)
