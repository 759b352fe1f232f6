"""Runs of pytest beside each other, each on a database of its own, their output one after the other."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue

from lib.configuration import ROOT
from lib.console import Failure, say

# pytest's status where the arguments select nothing.
NO_TESTS = 5


class Suite:
    """One run of pytest, from `start` on; `show` prints what it says as it comes, and waits for its end."""

    closing = ""
    status = 0

    def __init__(self, title: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self.title = title
        self._argv = argv
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._lines: SimpleQueue[str | None] = SimpleQueue()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=ROOT,
            env=self._environment,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=[self._process], daemon=True).start()

    def show(self) -> None:
        say(self.title)
        while (line := self._lines.get()) is not None:
            print(line, end="", flush=True)
            self.closing = line.rstrip() or self.closing
        self.status = self._process.wait() if self._process else 0

    def send(self, number: signal.Signals) -> None:
        """To pytest and everything it started in its session."""
        if self._process:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    def wait(self, timeout_s: float) -> None:
        """Returns when pytest has ended, or the time is over."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(max(timeout_s, 0))

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or []:
            self._lines.put(line)
        self._lines.put(None)


def run(suites: Sequence[Suite], *, limit_s: int) -> int:
    """Runs all of them at once and returns the first status that is not 0. Ends them where they take too long."""
    started = time.monotonic()
    timer = threading.Timer(limit_s, _end, [suites])
    try:
        for suite in suites:
            suite.start()
        timer.start()
        for suite in suites:
            suite.show()
    except BaseException:
        _end(suites)
        raise
    finally:
        timer.cancel()
    if time.monotonic() - started > limit_s:
        raise Failure(f"the tests took longer than {limit_s} s and were ended")
    # What asks nothing of the database is left out on the second one, and that may be all that was asked for.
    found = [suite for suite in suites if suite.status != NO_TESTS] or suites[:1]
    return next((suite.status for suite in found if suite.status), 0)


def _end(suites: Sequence[Suite]) -> None:
    """Lets all of them end by themselves, and kills what is still there after 20 seconds."""
    for suite in suites:
        suite.send(signal.SIGINT)
    deadline = time.monotonic() + 20
    for suite in suites:
        suite.wait(deadline - time.monotonic())
        suite.send(signal.SIGKILL)


def say_closings(suites: Sequence[Suite]) -> None:
    """Says how each run ended: the one to look at comes last, with pytest's own line."""
    ordered = list(reversed(suites))
    ordered.sort(key=lambda suite: suite.status not in (0, NO_TESTS))
    for suite in ordered:
        say(f"\n{suite.title}\n{suite.closing}")
