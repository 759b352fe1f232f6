"""Compose on a host, for containers that somebody removed by hand: from the files that the pipeline left there."""

from collections.abc import Sequence

from provisioning.exceptions import OperatorError, RetryableError
from provisioning.rendering.compose import services as services_of
from provisioning.rendering.grammar import check_release
from provisioning.rendering.specs import ReleaseSpec
from provisioning.transport import TargetSpec, transport_for

TIMEOUT_S = 120
# The same as in deploy.sh. Its arguments come after it, so that no value is part of a script.
_UP = """
set -eu
home="$1" engine="$2" project="$3"
shift 3
[ -f "$home/conf/compose.json" ] || { echo "berth: no release at $home" >&2; exit 4; }
compose=docker-compose
for place in /usr/local/lib /usr/local/libexec /usr/lib /usr/libexec; do
    [ -x "$place/docker/cli-plugins/docker-compose" ] && compose="docker compose" && break
done
set -- up --detach --no-build --no-deps "$@"
[ -f "$home/variables.json" ] && set -- --file "$home/variables.json" "$@"
exec env -i "PATH=$PATH" HOME=/ LC_ALL=C "DOCKER_HOST=$engine" COMPOSE_HTTP_TIMEOUT=60 \
    $compose --project-name "$project" --project-directory "$home" --file "$home/conf/compose.json" "$@"
"""


def compose_up(target: TargetSpec, spec: ReleaseSpec, *, services: Sequence[str], docker_url: str = "") -> None:
    """Makes and starts the services of a release that a pipeline brought to the host before; the network must be there.

    `docker_url` is the engine as seen from the host, by default its local one. Raises `OperatorError` where the
    release's files are gone from the host or its disk is full, else `RetryableError`; `ValueError` for a bad service.
    """
    check_release(spec)
    if not services or not set(services) <= set(services_of(spec)):
        raise ValueError(f"services: {', '.join(services)!r} are not of this release")
    engine = docker_url or "unix:///var/run/docker.sock"
    argv = ["sh", "-c", _UP, "compose-up", str(spec.home), engine, spec.project, *services]
    result = transport_for(target).run(argv, timeout_s=TIMEOUT_S)
    if result.returncode == 0:
        return
    said = result.stderr.strip().splitlines()[-5:]
    if result.returncode == 4:
        raise OperatorError(f"the files of {spec.project} are gone from {target.name}: deploy the release again")
    if "no space left on device" in result.stderr.lower():
        raise OperatorError(f"{spec.project} can't be started: the disk of {target.name} is full: free space there")
    raise RetryableError(f"{spec.project} can't be started on {target.name}: {' '.join(said)}")
