"""The limit of a deployment: `docker run` of the containers that its release describes, until the first 200."""

import http.client
import re
import subprocess
import time
from pathlib import Path

from django.conf import settings

from tests.benchmarks.engine import docker
from tests.benchmarks.stage import INSTALLATION, free_ports

NAME = f"{INSTALLATION}-limit"
# Those of a release, of which each container has some.
VOLUMES = (f"{NAME}-run", f"{NAME}-code")
PARTS = ("web", "app")
TIMEOUT_S = 30
LOOK_S = 0.005


def seconds_until_first_200(release: Path, hostname: str) -> float:
    """Starts `live-web` and `live-app` of the release at once, on a port of their own, and removes them again.

    Raises `TimeoutError` where no 200 comes.
    """
    port = free_ports(1)[0]
    commands = [_argv(release, part, port=port) for part in PARTS]
    try:
        started = time.monotonic()
        running = [subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for argv in commands]
        _wait_for_200(port, hostname)
        took = time.monotonic() - started
        for process in running:
            _output, errors = process.communicate(timeout=TIMEOUT_S)
            if process.returncode:
                raise RuntimeError(f"docker run: {errors.decode(errors='replace')}")
    finally:
        docker("rm", "--force", "--volumes", *(f"{NAME}-{part}" for part in PARTS))
        docker("volume", "rm", "--force", *VOLUMES)
    return took


def _argv(release: Path, part: str, *, port: int) -> list[str]:
    """The release's own arguments of `docker run`, with a name, a port and volumes that it does not have.

    Without labels: nobody shall take the containers for the platform's.
    """
    arguments = (release / "conf" / "containers" / f"live-{part}").read_text().splitlines()
    found = ["docker", "--host", settings.DOCKER_URL, "run", "--detach", "--pull", "never", f"--name={NAME}-{part}"]
    for argument in arguments:
        if argument.startswith("--publish="):
            found.append(f"--publish=127.0.0.1:{port}:{argument.rpartition(':')[2]}")
        elif argument.startswith("--mount=type=volume,"):
            found.append(re.sub(r"source=[^,]+-live-", f"source={NAME}-", argument, count=1))
        elif not argument.startswith(("--name=", "--label=")):
            found.append(argument)
    return found


def _wait_for_200(port: int, hostname: str) -> None:
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        if answers_200(port, hostname):
            return
        time.sleep(LOOK_S)
    raise TimeoutError(f"the containers did not answer within {TIMEOUT_S} s")


def answers_200(port: int, hostname: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": hostname})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
