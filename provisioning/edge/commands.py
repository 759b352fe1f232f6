"""The command lines of the edge's nginx, and what it says to one."""

import subprocess
from pathlib import Path

from provisioning.exceptions import OperatorError, RetryableError
from provisioning.rendering.specs import EdgeSpec

TEST_TIMEOUT_S = 60
_SHELL = 'ulimit -S -n "$(ulimit -H -n)"; exec "$@"'


def edge_command(spec: EdgeSpec) -> list[str]:
    """The command line that runs the edge in the foreground, for a process manager.

    It raises the limit of open files as far as it may: each app's access log is one, in every process. SIGQUIT ends
    nginx after the running requests, SIGTERM at once.
    """
    return [
        "/bin/sh",
        "-c",
        _SHELL,
        "berth-edge",
        *nginx_command(spec, Path(spec.home) / "nginx.conf"),
        "-g",
        "daemon off;",
    ]


def nginx_command(spec: EdgeSpec, configuration: Path) -> list[str]:
    home = str(spec.home)
    return ["nginx", "-p", home, "-c", str(configuration), "-e", f"{home}/log/error.log"]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TEST_TIMEOUT_S, check=False
        )
    except FileNotFoundError as exc:
        raise OperatorError("nginx is not installed: install it (apt-get install nginx-light)") from exc
    except subprocess.TimeoutExpired as exc:
        raise RetryableError(
            f"nginx did not test the configuration within {TEST_TIMEOUT_S} s: is the machine busy?"
        ) from exc


def brief(said: str) -> str:
    """nginx's own message, without the lines that only announce the test."""
    lines = [line for line in said.splitlines() if "[emerg]" in line or "[alert]" in line] or said.splitlines()
    return "; ".join(line.removeprefix("nginx: ") for line in lines)[:1000]
