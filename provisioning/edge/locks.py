"""File locks that threads and processes share, and a turn that comes at most once an interval."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Waits for the lock and holds it. Each holder opens the file anew, hence threads exclude each other as well.

    The kernel gives it back when its holder dies. Raises `OSError` where the file can't be made.
    """
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_for_turn(path: Path, interval_s: float) -> None:
    """Sleeps until `interval_s` have passed since `mark_turn`; not at all where they have."""
    try:
        since = time.monotonic() - float(path.read_text())
    except (FileNotFoundError, ValueError):
        return
    # The machine's clock since boot: a mark from before the last boot may lie in the future.
    if 0 <= since < interval_s:
        time.sleep(interval_s - since)


def mark_turn(path: Path) -> None:
    path.write_text(f"{time.monotonic():.6f}")
