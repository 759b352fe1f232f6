"""Runs git with an environment of its own: no system or personal configuration, no prompts, a time limit."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from provisioning.embedded_forge import configuration

HOOKS = Path(__file__).resolve().parent / "hooks"
TIMEOUT_S = 60.0
# Where git and the tools of its hooks are found; the platform's own PATH says nothing about them.
PATH = "/usr/local/bin:/usr/bin:/bin"


class GitError(Exception):
    """git ended with a status that its caller did not expect; `stderr` says why."""

    def __init__(self, arguments: Sequence[str], status: int, stderr: str) -> None:
        super().__init__(f"git {arguments[0] if arguments else ''} ended with {status}: {stderr.strip()[:500]}")
        self.status = status
        self.stderr = stderr


def settings() -> dict[str, str]:
    """The configuration that every git of the forge runs with, above anything a repository's own file says."""
    return {
        "core.hooksPath": str(HOOKS),
        "receive.fsckObjects": "true",
        "transfer.fsckObjects": "true",
        "receive.maxInputSize": str(configuration.max_push_bytes()),
        "receive.autogc": "false",
        "receive.denyDeleteCurrent": "ignore",
        "gc.auto": "0",
        "uploadpack.allowAnySHA1InWant": "true",
        "uploadpack.allowFilter": "true",
        "http.receivepack": "true",
        "pack.threads": "1",
        "pack.windowMemory": "100m",
        "core.quotePath": "false",
        "core.fsmonitor": "false",
        "protocol.ext.allow": "never",
    }


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """What git finds around it: nothing that this process was started with."""
    variables = {
        "PATH": PATH,
        "HOME": str(configuration.home()),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
    }
    chosen = settings()
    variables["GIT_CONFIG_COUNT"] = str(len(chosen))
    for number, (name, value) in enumerate(chosen.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = name
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables | (extra or {})


def run(
    repository: Path | None,
    *arguments: str,
    stdin: bytes | None = None,
    accept: Sequence[int] = (0,),
    timeout_s: float = TIMEOUT_S,
) -> bytes:
    """git's standard output. Raises `GitError` on a status outside `accept`, and when the time is over."""
    output, _complete = _run(repository, arguments, stdin, accept, timeout_s, None)
    return output


def run_capped(repository: Path, *arguments: str, max_bytes: int, timeout_s: float = TIMEOUT_S) -> tuple[bytes, bool]:
    """At most `max_bytes` of git's output, and whether that was all. git is stopped when there is more."""
    return _run(repository, arguments, None, (0,), timeout_s, max_bytes)


def _run(
    repository: Path | None,
    arguments: Sequence[str],
    stdin: bytes | None,
    accept: Sequence[int],
    timeout_s: float,
    max_bytes: int | None,
) -> tuple[bytes, bool]:
    where = {"GIT_DIR": str(repository)} if repository else {}
    process = subprocess.Popen(
        ["git", *arguments],
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(where),
        cwd=repository or "/",
        start_new_session=True,
    )
    try:
        if max_bytes is not None and process.stdout is not None:
            output = process.stdout.read(max_bytes + 1)
            if len(output) > max_bytes:
                return output[:max_bytes], False
            _rest, errors = process.communicate(timeout=timeout_s)
        else:
            output, errors = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise GitError(arguments, -1, f"no end after {timeout_s:g} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if process.returncode not in accept:
        raise GitError(arguments, process.returncode, errors.decode("utf-8", "replace"))
    return output, True
