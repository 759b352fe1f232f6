"""Processes by pid and start time (a pid alone may be somebody else's by now), and those that belong to a home."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# They overwrite the memory of their environment with a title, or are given none: they are known by the files they hold
# open, and by where they are.
TITLED = {"unshare", "php-fpm8.2", "nginx", "redis-server"}


@dataclass(frozen=True)
class Process:
    pid: int
    start: int

    def is_alive(self) -> bool:
        return start_time(self.pid) == self.start

    def send(self, number: signal.Signals) -> None:
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except (ProcessLookupError, PermissionError):
                return


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None where it is gone or only waits to be collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def find(pid: int) -> Process | None:
    start = start_time(pid)
    return None if start is None else Process(pid=pid, start=start)


def of_home(home: Path) -> list[Process]:
    """Every process that was started for the installation in `home`, whoever its parent is by now."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and int(directory.name) != os.getpid() and _belongs(directory, home):
            process = find(int(directory.name))
            if process:
                found.append(process)
    return found


def stop(processes: Iterable[Process], *, patience_s: float) -> None:
    """Asks with SIGTERM, and ends with SIGKILL what is still there after `patience_s`."""
    waiting = [process for process in processes if process.is_alive()]
    for process in waiting:
        process.send(signal.SIGTERM)
    if wait(waiting, limit_s=patience_s):
        return
    for process in waiting:
        process.send(signal.SIGKILL)
    wait(waiting, limit_s=5)


def wait(processes: Iterable[Process], *, limit_s: float) -> bool:
    """Whether all of them are gone within `limit_s`."""
    waiting = list(processes)
    deadline = time.monotonic() + limit_s
    while any(process.is_alive() for process in waiting):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _belongs(directory: Path, home: Path) -> bool:
    try:
        if (directory / "comm").read_text().strip() in TITLED:
            inside = f"{home}/"
            places = [(directory / "cwd"), *(directory / "fd").iterdir()]
            return any((str(place.readlink()) + "/").startswith(inside) for place in places)
        variables = (directory / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"BERTH_HOME={home}".encode() in variables and any(name.startswith(b"BERTH_PROCESS=") for name in variables)
