"""The Debian packages that Berth needs, why, and how they are installed without starting or enabling anything."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib import dns, postgres
from lib.configuration import PYTHON, ROOT, SEARCH_PATH
from lib.console import Failure, Step, run_logged, say

INSTALLER = Path(__file__).with_name("install_packages.py")


@dataclass(frozen=True)
class Need:
    """A package, what it is for, and how to tell that the machine has what it brings, from wherever that came."""

    package: str
    reason: str
    is_met: Callable[[], bool]


def has(command: str) -> bool:
    return shutil.which(command, path=SEARCH_PATH) is not None


def _has_engine() -> bool:
    elsewhere = os.environ.get("DOCKER_HOST") or os.environ.get("BERTH_DOCKER_URL")
    return has("docker") and (has("dockerd") or bool(elsewhere))


def _has_compose() -> bool:
    if has("docker-compose"):
        return True
    docker = shutil.which("docker", path=SEARCH_PATH)
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0


def _has_http_backend() -> bool:
    git = shutil.which("git", path=SEARCH_PATH)
    if git is None:
        return False
    directory = subprocess.run([git, "--exec-path"], capture_output=True, text=True, check=False).stdout.strip()
    return (Path(directory) / "git-http-backend").exists()


def _has_dns_backend() -> bool:
    return dns.SCHEMA.is_file() and any(Path("/usr/lib").glob("*/pdns/libgsqlite3backend.so"))


def _has_ensurepip() -> bool:
    return os.access(PYTHON, os.X_OK) or importlib.util.find_spec("ensurepip") is not None


PLATFORM = [
    Need("docker.io", "Docker Engine, which runs the apps", _has_engine),
    Need("docker-compose", "starts an app's containers from the rendered file", _has_compose),
    Need("nginx", "the edge in front of the apps", lambda: has("nginx")),
    Need("redis-server", "carries the wake-up messages of the tasks", lambda: has("redis-server")),
    Need("pdns-server", "the name server for the apps' names", lambda: has("pdns_server") and has("pdnsutil")),
    Need("pdns-backend-sqlite3", "where that name server keeps them", _has_dns_backend),
    Need("rsync", "copies a release to its host", lambda: has("rsync")),
    Need("mmdebstrap", "builds the base images", lambda: has("mmdebstrap")),
    Need("git", "serves and fetches the repositories", _has_http_backend),
    Need("iptables", "Docker's networks, and the rules between them", lambda: has("iptables")),
    Need("python3-venv", "makes the virtual environment", _has_ensurepip),
]
# What the tests need on top.
TESTS = [
    *PLATFORM,
    Need("openssh-server", "the host that tests reach over SSH", lambda: has("sshd")),
    Need("openssh-client", "the keys for that host", lambda: has("ssh-keygen")),
    Need("busybox-static", "containers that tests make of one file", lambda: has("busybox")),
    Need("curl", "visitors that speak HTTP/2", lambda: has("curl")),
    Need("openssl", "visitors that break the rules of TLS", lambda: has("openssl")),
    Need("socat", "an engine that goes away and comes back", lambda: has("socat")),
    Need("iproute2", "which process holds which connection", lambda: has("ss")),
    Need("php8.2-fpm", "apps that fall back to the host", lambda: has("php-fpm8.2")),
    Need("postgresql", "the grown-up database", lambda: postgres.binaries() is not None),
    Need("bind9", "name servers that take updates", lambda: has("named")),
    Need("knot", "name servers that take updates", lambda: has("knotd")),
    Need("chromium", "the portal in a real browser", lambda: has("chromium")),
    Need("chromium-driver", "what moves that browser", lambda: has("chromedriver")),
    Need("nodejs", "runs the checks of the style sheet and the script", lambda: has("node")),
    Need("npm", "installs those checks", lambda: has("npm")),
]
# What the tests need that run without the Docker Engine.
_FAST = {"git", "python3-venv", "openssh-client", "openssl", "php8.2-fpm", "nodejs", "npm"}
FAST_TESTS = [need for need in TESTS if need.package in _FAST]
BENCHMARKS = [*TESTS, Need("wrk", "load for the edge", lambda: has("wrk"))]


def refuse_missing(needs: list[Need]) -> None:
    """Raises `Failure` with status 2, naming every missing package with its reason."""
    missing = [need for need in needs if not need.is_met()]
    if missing:
        message = f"these system packages are missing:\n{_listed(missing)}\n  install them with: {_command(missing)}"
        raise Failure(message, status=2)


def ensure(needs: list[Need], *, log: Path, step: Step) -> None:
    """Installs what is missing, saying what and why."""
    missing = [need for need in needs if not need.is_met()]
    if not missing:
        step.note = "all there"
        return
    listed, command = _listed(missing), _command(missing)
    names = [need.package for need in missing]
    if not has("apt-get"):
        raise Failure(
            f"these system packages are missing, and there is no apt-get to install them:\n{listed}", status=2
        )
    say(f"installing {len(missing)}:\n{listed}")
    argv = [*as_root(f"install {' '.join(names)}"), sys.executable, str(INSTALLER), *names]
    environment = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    run_logged(argv, log=log, env=environment, cwd=ROOT, name="apt-get", remedy=f"install by hand: {command}")
    still = [need.package for need in missing if not need.is_met()]
    if still:
        raise Failure(f"{', '.join(still)}: installed, and what it should bring is still not there; see {log}")
    step.note = f"installed {' '.join(names)}"


def _listed(missing: list[Need]) -> str:
    return "\n".join(f"    {need.package:<16} {need.reason}" for need in missing)


def _command(missing: list[Need]) -> str:
    return f"apt-get install --no-install-recommends {' '.join(need.package for need in missing)}"


def as_root(purpose: str) -> list[str]:
    """What to put in front of a command that needs root. Raises `Failure` where there is no way to become root."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        raise Failure(f"to {purpose} takes root, and there is no sudo: run this command as root", status=2)
    argv = [sudo] if sys.stdin.isatty() else [sudo, "-n"]
    if subprocess.run([*argv, "true"], check=False).returncode != 0:
        raise Failure(f"to {purpose} takes root, and sudo refused: run this command as root", status=2)
    return [sudo, "-n", "--preserve-env=DEBIAN_FRONTEND,http_proxy,https_proxy,no_proxy"]
