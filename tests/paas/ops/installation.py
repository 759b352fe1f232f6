"""An installation of a test's own: its home, free ports, a name, and the commands run on it as a user would."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Installation:
    home: Path
    environment: dict[str, str]

    def run(self, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs one of the commands of `bin/` and returns what it said and how it ended."""
        return subprocess.run(
            [sys.executable, str(ROOT / "bin" / argv[0]), *argv[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=self.environment | variables,
            check=False,
        )

    def up(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--detach", "--no-demo", "--no-install", **variables)

    def manage(self, *arguments: str) -> str:
        """What `manage.py` prints for somebody who sets nothing but the home."""
        bare = {"PATH": os.environ["PATH"], "BERTH_HOME": str(self.home)}
        argv = [str(ROOT / ".venv" / "bin" / "python"), str(ROOT / "manage.py"), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, env=bare, check=True).stdout

    def processes(self) -> dict[str, int]:
        """Pids by name, as the process manager has them."""
        control = [str(ROOT / ".venv" / "bin" / "supervisorctl"), "-c", str(self.home / "run" / "supervisord.conf")]
        text = subprocess.run([*control, "status"], capture_output=True, text=True, check=False).stdout
        return {name: int(pid) for name, pid in re.findall(r"^(\w+) +RUNNING +pid (\d+)", text, re.MULTILINE)}

    def secrets(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.home / "secrets.env").read_text().splitlines())


@contextmanager
def installation(home: Path) -> Iterator[Installation]:
    """An installation that is not up yet; whatever a test does with it, nothing of it is left afterwards."""
    web_port, edge_port, tls_port, dns_port, dns_api_port = _free_ports(5)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BERTH_", "FORGE_", "DJANGO_", "PYTEST_"))
    }
    found = Installation(
        home=home,
        environment=kept
        | {
            "BERTH_HOME": str(home),
            "BERTH_INSTALLATION": f"{settings.INSTALLATION}-ops",
            "BERTH_WEB_PORT": str(web_port),
            "BERTH_EDGE_PORT": str(edge_port),
            "BERTH_DNS_LISTEN_PORT": str(dns_port),
            "BERTH_DNS_API_PORT": str(dns_api_port),
            "BERTH_EDGE_TLS_PORT": str(tls_port),
            "BERTH_SUBNET_POOL": settings.SUBNET_POOL,
            "BERTH_DOCKER_URL": settings.DOCKER_URL,
        },
    )
    try:
        yield found
    finally:
        found.run("down", "--purge")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(found.getsockname()[1]) for found in sockets]
    for found in sockets:
        found.close()
    return ports
