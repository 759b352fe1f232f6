"""The Docker Engine as somebody at the machine sees it, through the docker command."""

import json
import subprocess
from typing import Any

from django.conf import settings


def docker(*arguments: str) -> str:
    """What the docker command prints. Raises `subprocess.CalledProcessError`."""
    argv = ["docker", "--host", settings.DOCKER_URL, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


def containers(**labels: str) -> dict[str, dict[str, Any]]:
    """What the engine says of each container with these `berth.` labels, by `live-web`, `live-app`, and so on."""
    filters = [word for key, value in labels.items() for word in ("--filter", f"label=berth.{key}={value}")]
    found = {}
    for container in json.loads(docker("inspect", *docker("ps", "--all", "--quiet", *filters).split())):
        known = container["Config"]["Labels"]
        found[f"{known['berth.role']}-{known['berth.part']}"] = container
    return found


def published_port(container: dict[str, Any]) -> int:
    """Raises `KeyError` where the container publishes none, such as one that does not run."""
    return int(container["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"])


def remove(installation: str) -> None:
    """Containers, volumes and networks with the installation's label, such as a run that was killed has left."""
    label = f"label=berth.installation={installation}"
    for listing, removal in (
        (("ps", "--all"), ("rm", "--force", "--volumes")),
        (("volume", "ls"), ("volume", "rm", "--force")),
        (("network", "ls"), ("network", "rm")),
    ):
        found = docker(*listing, "--quiet", "--filter", label).split()
        if found:
            docker(*removal, *found)
