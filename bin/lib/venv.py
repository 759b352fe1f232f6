"""The virtual environment `.venv` with the pinned requirements."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lib.configuration import PYTHON, ROOT
from lib.console import Step, run_logged

VENV = ROOT / ".venv"


def ensure(requirements: str, *, log: Path, step: Step) -> None:
    """Makes `.venv` hold what `requirements/<requirements>.txt` pins; takes milliseconds where it already does."""
    source = ROOT / "requirements" / f"{requirements}.txt"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    stamp = VENV / f".berth-{requirements}"
    step.note = "as pinned"
    if _is_current(stamp, digest):
        return
    with _one_at_a_time():
        if _is_current(stamp, digest):
            return
        environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
        if not _runs():
            shutil.rmtree(VENV, ignore_errors=True)
            argv = [sys.executable, "-m", "venv", str(VENV)]
            run_logged(
                argv,
                log=log,
                env=environment,
                cwd=ROOT,
                name="python3 -m venv",
                remedy="the virtual environment could not be made",
            )
        argv = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        argv += ["--require-hashes", "--requirement", str(source)]
        run_logged(
            argv,
            log=log,
            env=environment,
            cwd=ROOT,
            name="pip install",
            remedy="is the Python package index reachable?",
        )
        stamp.write_text(digest)
        step.note = f"installed requirements/{requirements}.txt"


def _is_current(stamp: Path, digest: str) -> bool:
    return stamp.is_file() and stamp.read_text() == digest and os.access(PYTHON, os.X_OK)


def _runs() -> bool:
    if not os.access(PYTHON, os.X_OK):
        return False
    environment: Mapping[str, str] = {"PATH": os.environ.get("PATH", os.defpath)}
    return (
        subprocess.run(
            [str(PYTHON), "-m", "pip", "--version"], capture_output=True, env=environment, check=False
        ).returncode
        == 0
    )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands that start together share one `.venv`: the second waits for the first."""
    descriptor = os.open(ROOT, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
