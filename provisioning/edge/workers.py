"""The processes of the edge's nginx, read from /proc: who is the master, which workers still take connections."""

from pathlib import Path

_PROC = Path("/proc")


def master(home: Path) -> int | None:
    """The master's process id, or None where none runs. A pid file that a crash left behind names nobody."""
    try:
        pid = int((home / "run" / "nginx.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    title = _title(pid)
    return pid if title.startswith("nginx: master process") and f"{home}/nginx.conf" in title else None


def of(master_pid: int) -> set[int]:
    """The workers that the master has now."""
    found = set()
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and _parent(int(entry.name)) == master_pid:
            found.add(int(entry.name))
    return found


def accepting(workers: set[int]) -> set[int]:
    """Those of `workers` that may still take a new connection: alive, and not told to finish."""
    return {pid for pid in workers if (title := _title(pid)) and "shutting down" not in title}


def _title(pid: int) -> str:
    """What `ps` shows; empty where the process is gone."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _parent(pid: int) -> int | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses of its own.
    return int(stat.rpartition(")")[2].split()[1])
