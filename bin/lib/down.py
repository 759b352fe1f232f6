"""bin/down: stops what bin/up started, and with --purge removes what it made."""

import argparse

from lib import configuration as settings
from lib import containers, engine, home, mounts, supervisor
from lib.configuration import Configuration
from lib.console import Failure, say, step


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/down",
        description="Stops what bin/up started: its processes, its apps' containers, and the Docker Engine where "
        "bin/up started that and nobody else uses it. Everything is kept, and bin/up brings it back.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--purge", action="store_true", help="also remove the installation's containers, networks, volumes and var/"
    )
    arguments = parser.parse_args()
    configuration = settings.load()
    if not home.is_ours(configuration.home):
        say(f"nothing to do: bin/up did not make {configuration.home}")
        return 0
    with home.locked(configuration):
        if arguments.purge:
            purge(configuration)
        else:
            stop(configuration)
    return 0


def stop(configuration: Configuration) -> None:
    """Stops processes, containers and engine. Does nothing where nothing runs."""
    _stop_processes(configuration)
    with step("containers") as current:
        if _answers(configuration):
            current.note = f"{containers.stop(configuration)} stopped"
        else:
            current.note = "none: no Docker Engine answers"
    with step("Docker Engine") as current:
        current.note = engine.release(configuration)


def purge(configuration: Configuration) -> None:
    """Stops everything, and removes what the installation made: containers, networks, volumes, home."""
    _stop_processes(configuration)
    releases = configuration.home / "releases"
    has_deployed = releases.is_dir() and any(releases.iterdir())
    if has_deployed or _answers(configuration):
        # Containers of an engine that bin/down has stopped can only be removed by starting it again.
        with step("Docker Engine") as current:
            engine.ensure(configuration, step=current)
        with step("containers") as current:
            current.note = containers.remove(configuration)
        with step("Docker Engine") as current:
            current.note = engine.release(configuration)
    with step(str(configuration.home)) as current:
        home.remove(configuration)
        current.note = "removed"


def _answers(configuration: Configuration) -> bool:
    try:
        return engine.answers(configuration.docker_url)
    except Failure:
        # An engine that does not admit this user runs nothing that this user's installation made.
        return False


def _stop_processes(configuration: Configuration) -> None:
    with step("processes") as current:
        current.note = "stopped" if supervisor.stop(configuration) else "none were running"
        mounts.remove(configuration.home / "fallback")
