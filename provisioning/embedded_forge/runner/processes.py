"""Ends the processes of jobs, and of nobody else."""

import contextlib
import os
import signal
import time
from pathlib import Path

from provisioning.embedded_forge.models import token_digest

TERM_WAIT_S = 2.0
_PROC = Path("/proc")


def started_at_ticks(pid: int) -> int | None:
    """When a process began, in ticks since the machine did: with the pid it names one process for certain."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def is_same(pid: int, ticks: int | None) -> bool:
    return ticks is not None and started_at_ticks(pid) == ticks


def group_members(pgid: int) -> list[int]:
    """The processes of a group that live (zombies do not)."""
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == pgid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def end_group(pgid: int) -> None:
    """SIGTERM, and SIGKILL for what is left after two seconds."""
    for number, patience_s in ((signal.SIGTERM, TERM_WAIT_S), (signal.SIGKILL, 1.0)):
        try:
            os.killpg(pgid, number)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not group_members(pgid):
                return
            time.sleep(0.02)


def end_marked(digest: str) -> None:
    """Kills every process that carries the job token with this digest in its environment: what a job put into a
    session of its own to outlive it."""
    if not digest:
        return
    for entry in _PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for variable in (entry / "environ").read_bytes().split(b"\0"):
                if (
                    variable.startswith(b"CI_JOB_TOKEN=")
                    and token_digest(variable[13:].decode("utf-8", "replace")) == digest
                ):
                    os.kill(int(entry.name), signal.SIGKILL)
                    break
