"""What the benchmarks measure on: a platform of their own, brought up when the first asks for it, and an app."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from django.conf import settings

from tests.benchmarks import engine
from tests.benchmarks.plugin import Plugin
from tests.end_to_end.running import RunningPlatform

# Shares that neither an installation with its defaults nor the tests take. `BERTH_BENCH_PORT_FIRST` and its like choose
# others, for two runs on one machine.
SHARES = {
    f"BERTH_{name}": os.environ.get(f"BERTH_BENCH_{name}", default)
    for name, default in (
        ("INSTALLATION", "berthbench"),
        ("SUBNET_POOL", "10.215.0.0/16"),
        ("PORT_FIRST", "28000"),
        ("PORT_LAST", "28999"),
        ("UID_FIRST", "400000"),
        ("UID_LAST", "424999"),
    )
}
INSTALLATION = SHARES["BERTH_INSTALLATION"]
# A benchmark makes more apps and releases than an organization may, and asks far more often than a person may.
QUOTAS = {
    "BERTH_QUOTA_APPS": "1000",
    "BERTH_QUOTA_MEMORY_MIB": "1000000",
    "BERTH_QUOTA_RELEASES_A_DAY": "10000",
    "BERTH_QUOTA_VARIABLES": "100000",
}
RATES = {f"BERTH_API_RATE_{kind}": "100000/minute" for kind in ("USER", "ADDRESS", "SIGN_IN")}


@dataclass
class Stage:
    """Platform and plugin are made at the first use. `directory` is for files; all of it is gone afterwards."""

    say: Callable[[str], None]
    directory: Path
    closing: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def platform(self) -> RunningPlatform:
        """A platform as `bin/up` starts it, without the demo."""
        web_port, edge_port, tls_port, dns_port, dns_api_port = free_ports(5)
        home = self.directory / "home"
        platform = RunningPlatform(
            home=home,
            portal=f"http://127.0.0.1:{web_port}",
            edge=f"http://127.0.0.1:{edge_port}",
            environment=_environment(home, web_port, edge_port, tls_port)
            | {"BERTH_DNS_LISTEN_PORT": str(dns_port), "BERTH_DNS_API_PORT": str(dns_api_port)},
        )
        engine.remove(INSTALLATION)
        self.closing.callback(platform.run, "bin/down", "--purge")
        self.say("  bin/up, with a home, ports and addresses of its own")
        platform.run("bin/up", "--detach", "--no-demo", "--no-install")
        return platform

    @cached_property
    def plugin(self) -> Plugin:
        """A PHP app whose first release is live, with its developer and its reviewer."""
        platform, directory = self.platform, self.directory / "developer"
        directory.mkdir(exist_ok=True)
        self.say("  a PHP app, and its first release")
        return Plugin.create(platform, directory)


@contextmanager
def stage(say: Callable[[str], None]) -> Iterator[Stage]:
    """Leaves nothing behind, however the benchmarks end."""
    directory = Path(tempfile.mkdtemp(prefix="berth-bench-"))
    # The edge's workers are another user, and pass through.
    directory.chmod(0o711)
    try:
        with ExitStack() as closing:
            yield Stage(say, directory, closing)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(found.getsockname()[1]) for found in sockets]
    for found in sockets:
        found.close()
    return ports


def _environment(home: Path, web_port: int, edge_port: int, tls_port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BERTH_", "FORGE_", "DJANGO_"))}
    return (
        kept
        | SHARES
        | RATES
        | QUOTAS
        | {
            "BERTH_HOME": str(home),
            "BERTH_WEB_PORT": str(web_port),
            "BERTH_EDGE_PORT": str(edge_port),
            "BERTH_EDGE_TLS_PORT": str(tls_port),
            "BERTH_DOCKER_URL": settings.DOCKER_URL,
        }
    )
