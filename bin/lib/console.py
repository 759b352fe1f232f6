"""How the commands speak: one line a step with its time, and failures that say what to do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class Failure(Exception):
    """The command ends with `status`; the message says what is wrong and whose move it is."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class Interrupted(BaseException):
    """The user or the system asked the command to stop (Ctrl-C, SIGTERM, SIGHUP)."""


class Step:
    """What a step has to say of itself when it is over."""

    note = "done"


def say(text: str = "") -> None:
    print(text, flush=True)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Prints `name`, and behind it the step's note and its seconds when it is over."""
    current = Step()
    started = time.monotonic()
    print(f"  {name:<20}", end="", flush=True)
    try:
        yield current
    except BaseException:
        say("failed")
        raise
    say(f"{current.note} ({time.monotonic() - started:.1f} s)")


def last_lines(path: Path, count: int = 25) -> str:
    """The end of a log, indented, for an error message. Reads at most the last 64 KiB."""
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 65536))
            lines = log.read().decode(errors="replace").splitlines()[-count:]
    except OSError as error:
        return f"    (no log: {error})"
    return "\n".join(f"    {line}" for line in lines) or "    (the log is empty)"


def run_logged(argv: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path, name: str, remedy: str) -> None:
    """Runs `argv` with its output added to `log`. Raises `Failure` with `name`, remedy and end of the output."""
    with log.open("ab") as output:
        start = output.tell()
        result = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=dict(env), cwd=cwd, check=False
        )
    if result.returncode == 0:
        return
    with log.open("rb") as output:
        output.seek(start)
        lines = output.read().decode(errors="replace").splitlines()[-25:]
    shown = "\n".join(f"    {line}" for line in lines)
    raise Failure(f"{name} failed with status {result.returncode}: {remedy}\n{shown}\n  all of it: {log}")


def guarded(main: Callable[[], int]) -> int:
    """Runs a command and turns its failures into a message and an exit status."""
    try:
        return main()
    except Failure as failure:
        sys.stdout.flush()
        print(f"error: {failure}", file=sys.stderr, flush=True)
        return failure.status
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, Interrupted):
        sys.stdout.flush()
        print("stopped", file=sys.stderr, flush=True)
        return 130
