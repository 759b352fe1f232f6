"""The whole platform as `bin/up` starts it, in a home of its own, for tests and benchmarks that see it from outside."""

import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
# The share of ports, users and addresses that no worker of the tests takes (paas/settings/test.py).
SHARE = 3


class PlatformFailed(Exception):
    """A command of the platform ended with an error; the message holds its output."""


@dataclass(frozen=True)
class RunningPlatform:
    """Where the platform is reached. URLs have no slash at their end."""

    home: Path
    portal: str
    edge: str
    environment: dict[str, str]

    @property
    def api(self) -> str:
        return f"{self.portal}/api/v1"

    @property
    def forge(self) -> str:
        return f"{self.portal}/forge"

    @property
    def apps_domain(self) -> str:
        return self.environment.get("BERTH_APPS_DOMAIN", "apps.localhost")

    @property
    def installation(self) -> str:
        return self.environment["BERTH_INSTALLATION"]

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Runs `manage.py` with the platform's settings and returns what it prints. Raises `PlatformFailed`."""
        return self.run(str(ROOT / ".venv" / "bin" / "python"), "manage.py", *arguments, check=check)

    def run(self, *argv: str, check: bool = True) -> str:
        """Runs a command in the project's directory with the platform's settings."""
        result = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=ROOT,
            env=self.environment,
            check=False,
        )
        if check and result.returncode != 0:
            raise PlatformFailed(f"{' '.join(argv)} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def supervisor(self, *arguments: str) -> str:
        """Runs `supervisorctl`, to stop or start one of the processes redis, dns, web, worker, beat, runner, edge."""
        control = str(ROOT / ".venv" / "bin" / "supervisorctl")
        return self.run(control, "-c", str(self.home / "run" / "supervisord.conf"), *arguments, check=False)

    def log(self, process: str) -> str:
        return (self.home / "log" / f"{process}.log").read_text(errors="replace")

    def demo(self) -> dict[str, object]:
        """What the demo left in `demo.json`."""
        found: dict[str, object] = json.loads((self.home / "demo.json").read_text())
        return found


@contextmanager
def running_platform(**variables: str) -> Iterator[RunningPlatform]:
    """Brings the platform up without the demo, and afterwards removes everything it made. `variables` are settings."""
    platform = RunningPlatform(
        home=settings.HOME / "platform",
        portal=f"http://127.0.0.1:{os.environ.get('BERTH_TEST_WEB_PORT', '18000')}",
        edge=f"http://127.0.0.1:{os.environ.get('BERTH_TEST_EDGE_PORT', '18080')}",
        environment=_environment() | variables,
    )
    # A run that was killed may have left one.
    platform.run("bin/down", "--purge")
    try:
        platform.run("bin/up", "--detach", "--no-demo", "--no-install")
        yield platform
    finally:
        platform.run("bin/down", "--purge")


def tls_port() -> str:
    """The port of the platform's edge for HTTPS."""
    plain = int(os.environ.get("BERTH_TEST_EDGE_PORT", "18080"))
    return os.environ.get("BERTH_TEST_EDGE_TLS_PORT", str(plain + 363))


def _environment() -> dict[str, str]:
    """The environment of the platform: nothing of the test run's settings, and a share of its own of what is scarce."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BERTH_", "FORGE_", "DJANGO_", "PYTEST_"))
    }
    pool = ipaddress.ip_network(settings.SUBNET_POOL).supernet(new_prefix=16)
    web_port = int(os.environ.get("BERTH_TEST_WEB_PORT", "18000"))
    name = settings.INSTALLATION.removesuffix(f"-{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    return kept | {
        "BERTH_HOME": str(settings.HOME / "platform"),
        "BERTH_INSTALLATION": f"{name}-up",
        "BERTH_WEB_PORT": str(web_port),
        "BERTH_EDGE_PORT": os.environ.get("BERTH_TEST_EDGE_PORT", "18080"),
        "BERTH_DNS_LISTEN_PORT": os.environ.get("BERTH_TEST_DNS_PORT", str(web_port + 30)),
        "BERTH_DNS_API_PORT": os.environ.get("BERTH_TEST_DNS_API_PORT", str(web_port + 31)),
        "BERTH_EDGE_TLS_PORT": tls_port(),
        "BERTH_SUBNET_POOL": str(list(pool.subnets(new_prefix=18))[SHARE]),
        "BERTH_PORT_FIRST": os.environ["BERTH_TEST_PLATFORM_PORT_FIRST"],
        "BERTH_PORT_LAST": os.environ["BERTH_TEST_PLATFORM_PORT_LAST"],
        "BERTH_UID_FIRST": os.environ["BERTH_TEST_PLATFORM_UID_FIRST"],
        "BERTH_UID_LAST": os.environ["BERTH_TEST_PLATFORM_UID_LAST"],
        "BERTH_DOCKER_URL": settings.DOCKER_URL,
        "BERTH_API_RATE_USER": "100000/minute",
        "BERTH_API_RATE_ADDRESS": "100000/minute",
        "BERTH_API_RATE_SIGN_IN": "100000/minute",
    }
