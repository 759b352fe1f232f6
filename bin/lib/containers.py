"""The containers, networks and volumes of one installation, known by their label and by nothing else."""

from lib import engine
from lib.configuration import Configuration
from lib.console import Failure

LABEL = "berth.installation"


def stop(configuration: Configuration) -> int:
    """Stops the installation's containers and keeps them. Returns how many were running."""
    names = _list(configuration, "ps")
    if names:
        _run(configuration, "stop", "--time", "5", *names)
    return len(names)


def remove(configuration: Configuration, *, with_prefix: bool = False) -> str:
    """Removes the installation's containers, networks and volumes; `with_prefix` also those of `<name>-...`.

    Returns how many of each.
    """
    containers = _list(configuration, "ps", "--all", with_prefix=with_prefix)
    if containers:
        _run(configuration, "rm", "--force", "--volumes", *containers)
    networks = _list(configuration, "network", "ls", with_prefix=with_prefix)
    if networks:
        _run(configuration, "network", "rm", *networks)
    volumes = _list(configuration, "volume", "ls", with_prefix=with_prefix)
    if volumes:
        _run(configuration, "volume", "rm", *volumes)
    return f"{len(containers)} containers, {len(networks)} networks, {len(volumes)} volumes removed"


def _list(configuration: Configuration, *arguments: str, with_prefix: bool = False) -> list[str]:
    """Ids (names, of volumes) of what carries the label."""
    identifier = "{{.Name}}" if arguments[0] == "volume" else "{{.ID}}"
    shown = identifier + ' {{.Label "' + LABEL + '"}}'
    found = [
        line.split()
        for line in _run(configuration, *arguments, "--filter", f"label={LABEL}", "--format", shown).splitlines()
    ]
    return [
        identity
        for identity, name in found
        if name == configuration.name or (with_prefix and name.startswith(f"{configuration.name}-"))
    ]


def _run(configuration: Configuration, *arguments: str) -> str:
    result = engine.docker(configuration.docker_url, *arguments)
    if result.returncode != 0 and "No such" not in result.stderr:
        raise Failure(f"docker {arguments[0]} failed: {result.stderr.strip()}")
    return result.stdout
