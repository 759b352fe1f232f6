"""One runner for a home, from its start to SIGTERM."""

import fcntl
import os
import signal
import sys

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.runner.loop import Runner


def main() -> int:
    """The process's exit status: 1 where another runner works in the same home."""
    home = configuration.home()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(home / "runner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"another runner works in {home}: stop it first\n")
        return 1
    runner = Runner()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: runner.stop())
    runner.run()
    return 0
