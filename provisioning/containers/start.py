"""Starts containers of a release on a host, from the files that its pipeline left there."""

from collections.abc import Sequence

from provisioning.exceptions import OperatorError, RetryableError
from provisioning.rendering.compose import DEFAULT_INSTALLATION
from provisioning.rendering.compose import services as services_of
from provisioning.rendering.grammar import check_release
from provisioning.rendering.pipeline import render_start_functions
from provisioning.rendering.specs import ReleaseSpec
from provisioning.transport import TargetSpec, transport_for

TIMEOUT_S = 120
# Its arguments come after it, so that no value is part of a script.
_START = """
set -u
[ -f "$1/conf/compose.json" ] || { echo "berth: no release at $1" >&2; exit 4; }
start_release "$@"
"""


def start_containers(target: TargetSpec, spec: ReleaseSpec, *, services: Sequence[str], docker_url: str = "") -> None:
    """Makes and starts the services of a release that a pipeline brought to the host before, as that pipeline would.

    `docker_url` is the engine as seen from the host, by default its local one. Raises `OperatorError` where the
    release's files are gone from the host or its disk is full, else `RetryableError`; `ValueError` for a bad service.
    """
    check_release(spec)
    if not services or not set(services) <= set(services_of(spec)):
        raise ValueError(f"services: {', '.join(services)!r} are not of this release")
    engine = docker_url or "unix:///var/run/docker.sock"
    place = [str(spec.home), engine, spec.installation or DEFAULT_INSTALLATION]
    network = [spec.environment_name, spec.subnet, spec.bridge]
    script = render_start_functions() + _START
    argv = ["bash", "-c", script, "start-release", *place, *network, spec.project, *services]
    result = transport_for(target).run(argv, timeout_s=TIMEOUT_S)
    if result.returncode == 0:
        return
    said = result.stderr.strip().splitlines()[-5:]
    if result.returncode == 4:
        raise OperatorError(f"the files of {spec.project} are gone from {target.name}: deploy the release again")
    if "no space left on device" in result.stderr.lower():
        raise OperatorError(f"{spec.project} can't be started: the disk of {target.name} is full: free space there")
    raise RetryableError(f"{spec.project} can't be started on {target.name}: {' '.join(said)}")
