"""Starts containers of a release on a host, from the files that its pipeline left there."""

import base64
import io
import tarfile
from collections.abc import Mapping, Sequence

from provisioning.containers.faults import operators_fault
from provisioning.containers.rendering.compose import DEFAULT_INSTALLATION
from provisioning.containers.rendering.compose import services as services_of
from provisioning.exceptions import OperatorError, RetryableError
from provisioning.inventory.transport import Result, TargetSpec, transport_for
from provisioning.releases.rendering.pipeline import render_start_functions
from provisioning.rendering.grammar import check_release
from provisioning.rendering.specs import ReleaseSpec

TIMEOUT_S = 120
# Its arguments come after it, so that no value is part of a script.
_START = """
set -u
[ -f "$1/conf/compose.json" ] || { echo "berth: no release at $1" >&2; exit 4; }
start_release "$@"
"""
# The configuration comes as input. Only for a release that is not there yet: nothing is changed below a container.
_START_EARLY = """
set -u
umask 022
mkdir -p -- "${1%/*}" && mkdir -m 0700 -- "$1" 2>/dev/null || exit 0
mkdir -- "$1/code" && base64 -d | tar -xz --no-same-owner -C "$1" || exit 1
start_release "$@"
"""


def start_containers(target: TargetSpec, spec: ReleaseSpec, *, services: Sequence[str], docker_url: str = "") -> None:
    """Makes and starts the services of a release that a pipeline brought to the host before, as that pipeline would.

    `docker_url` is the engine as seen from the host, by default its local one. Raises `OperatorError` if the release's
    files or its image are gone from the host or its disk is full, else `RetryableError`, and `ValueError` for a bad
    service.
    """
    result = _run(_START, target, spec, services, docker_url)
    if result.returncode == 0:
        return
    said = result.stderr.strip().splitlines()[-5:]
    if result.returncode == 4:
        raise OperatorError(
            f"the files of {spec.project} are gone from {spec.home} on {target.name}: an operator must put them back "
            "from a backup, or somebody deploy the release again (ask for a release of the same commit)"
        )
    if operators := operators_fault(result.stderr):
        raise OperatorError(f"{spec.project} can't be started on {target.name}: {operators}")
    raise RetryableError(f"{spec.project} can't be started on {target.name}: {' '.join(said)}")


def start_early(
    target: TargetSpec, spec: ReleaseSpec, files: Mapping[str, str], *, services: Sequence[str], docker_url: str = ""
) -> None:
    """Starts services of a release that no pipeline has brought yet, before an empty tree. One that is there is left.

    `files` are its configuration. Raises `ProvisioningError` where that can't be done.
    """
    result = _run(_START_EARLY, target, spec, services, docker_url, stdin=_packed(files))
    if result.returncode:
        raise RetryableError(f"{spec.project} can't be started early on {target.name}: {result.stderr.strip()[-500:]}")


def _run(
    script: str,
    target: TargetSpec,
    spec: ReleaseSpec,
    services: Sequence[str],
    docker_url: str,
    *,
    stdin: str | None = None,
) -> Result:
    check_release(spec)
    if not services or not set(services) <= set(services_of(spec)):
        raise ValueError(f"services: {', '.join(services)!r} are not of this release")
    engine = docker_url or "unix:///var/run/docker.sock"
    place = [str(spec.home), engine, spec.installation or DEFAULT_INSTALLATION]
    network = [spec.environment_name, spec.subnet, spec.bridge]
    argv = ["bash", "-c", render_start_functions() + script, "start-release", *place, *network, spec.project, *services]
    return transport_for(target).run(argv, input=stdin, timeout_s=TIMEOUT_S)


def _packed(files: Mapping[str, str]) -> str:
    """The files as a compressed tar, in base64."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            content = text.encode()
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return base64.b64encode(buffer.getvalue()).decode()
