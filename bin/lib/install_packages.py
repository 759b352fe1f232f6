"""Installs Debian packages as root, so that no service of theirs is started now or enabled for the next boot.

Run by `packages.py`, directly or through sudo: `install_packages.py PACKAGE...`. Services that were there before are
left as they are. Docker is the exception to "not enabled": its unit stays as Debian sets it up; it is not started here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT = ("docker", "containerd")


def main(packages: list[str]) -> None:
    os.environ |= {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": PATH}
    if not all(_has_candidate(package) for package in packages):
        subprocess.run(["apt-get", "-q", "update"], stdin=subprocess.DEVNULL, check=True)
    # Where Docker's command line is a package of its own, docker.io only recommends it.
    if "docker.io" in packages and not shutil.which("docker") and _has_candidate("docker-cli"):
        packages = [*packages, "docker-cli"]
    before = _services()
    with _no_service_starts():
        argv = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "install", *packages]
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=True)
    for service in sorted(_services() - before):
        if not service.startswith(KEPT):
            _disable(service)


def _has_candidate(package: str) -> bool:
    argv = ["apt-cache", "policy", package]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    return "Candidate:" in answer and "Candidate: (none)" not in answer


def _services() -> set[str]:
    """The names of all services that systemd or an init script could start."""
    directories = [Path("/lib/systemd/system"), Path("/etc/systemd/system"), Path("/usr/lib/systemd/system")]
    units = {path.name for directory in directories if directory.is_dir() for path in directory.glob("*.service")}
    scripts = Path("/etc/init.d")
    named = {path.name for path in scripts.iterdir()} if scripts.is_dir() else set()
    return {name.removesuffix(".service") for name in units} | named


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Forbids package scripts to start services, and puts back exactly what stood there before."""
    kept = POLICY.with_name(f".policy-rc.d.berth-{os.getpid()}")
    existed = os.path.lexists(POLICY)
    if existed:
        POLICY.rename(kept)
    try:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if existed:
            kept.rename(POLICY)


def _disable(service: str) -> None:
    """Keeps a service that this installation brought from starting at the next boot."""
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", f"{service}.service"], capture_output=True, check=False)
    elif shutil.which("deb-systemd-helper"):
        # No systemd here, but what the package has enabled would count as soon as there is one.
        subprocess.run(["deb-systemd-helper", "disable", f"{service}.service"], capture_output=True, check=False)
    if (Path("/etc/init.d") / service).exists():
        subprocess.run(["update-rc.d", service, "disable"], capture_output=True, check=False)
    print(f"{service}: installed, not started, not enabled", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
