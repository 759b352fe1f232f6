"""What every command sets up before its main job: packages, virtual environment, engine, and what Django prepares."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lib import engine, packages, venv
from lib.configuration import PYTHON, ROOT, Configuration
from lib.console import Failure, last_lines, step

PREPARE = Path(__file__).with_name("prepare.py")
TITLES = {
    "build_images": "base images",
    "migrate": "database",
    "host_register": "host",
    "forge_bootstrap": "forge",
    "dns_register": "names",
    "dns_unregister": "names",
    "edge_config": "edge configuration",
    "fallback_config": "fallback",
}


def machine(
    configuration: Configuration, needs: list[packages.Need], requirements: str, *, with_engine: bool = True
) -> None:
    """Packages, virtual environment and, `with_engine`, the Docker Engine are there when this returns."""
    log = configuration.logs / "setup.log"
    with step("system packages") as current:
        packages.ensure(needs, log=log, step=current)
    with step("Python packages") as current:
        venv.ensure(requirements, log=log, step=current)
    if with_engine:
        with step("Docker Engine") as current:
            engine.ensure(configuration, step=current)


def manage(configuration: Configuration, commands: list[str]) -> dict[str, str]:
    """Runs the management commands in this order, one step each, and returns what each printed."""
    log = configuration.logs / "setup.log"
    running = subprocess.Popen(
        [str(PYTHON), "-P", str(PREPARE), str(log), *commands],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log.open("ab"),
        text=True,
        cwd=ROOT,
        env=configuration.environment(),
    )
    printed = {}
    with _ended(running):
        for command in commands:
            with step(TITLES.get(command, command)) as current:
                event = _next(running)
                while event.get("event") == "start":
                    event = _next(running)
                if event.get("event") != "done":
                    cause = event.get("error", "it ended without a word")
                    raise Failure(f"manage.py {command} failed: {cause}; the end of {log}:\n{last_lines(log)}")
                printed[command] = event["output"]
                current.note = _summary(command, event["output"])
    return printed


def _summary(command: str, output: str) -> str:
    lines = output.strip().splitlines()
    if command in {"edge_config", "fallback_config"} or not lines:
        return "done"
    return lines[-1].strip()[:80]


def _next(running: "subprocess.Popen[str]") -> dict[str, str]:
    line = running.stdout.readline() if running.stdout else ""
    try:
        return dict(json.loads(line)) if line else {}
    except ValueError:
        return {"event": "start"}


@contextmanager
def _ended(running: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        try:
            running.wait(timeout=5)
        except subprocess.TimeoutExpired:
            running.terminate()
            running.wait()
