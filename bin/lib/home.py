"""The directory that holds everything an installation writes, with a marker that says who made it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.configuration import DEFAULT_HOME, Configuration
from lib.console import Failure

MARKER = ".made-by-berth"


def make(configuration: Configuration) -> None:
    """Makes the home, or takes the one it made before. Refuses a directory that holds somebody else's files."""
    home = configuration.home
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"BERTH_HOME cannot be made: {error}") from error
    marker = home / MARKER
    if not marker.exists():
        if home != DEFAULT_HOME and any(home.iterdir()):
            raise Failure(
                f"BERTH_HOME is {home}, which is not empty and was not made by bin/up: "
                "name an empty directory or a new one"
            )
        marker.write_text("bin/up made this directory; bin/down --purge removes it with everything in it.\n")
    # Others may pass through to what the edge and the containers read, and see nothing else.
    home.chmod(0o711)
    for name in ("log", "run", "redis", "dns"):
        (home / name).mkdir(exist_ok=True)
        (home / name).chmod(0o700)
    # SQLite gives its journal the mode of the database.
    (home / "berth.sqlite3").touch(mode=0o600)
    if configuration.run != home / "run":
        _make_private(configuration.run)


def is_ours(home: Path) -> bool:
    return (home / MARKER).is_file()


def remove(configuration: Configuration) -> None:
    """Removes the home that `make` made, and nothing else. Raises `Failure` naming what could not be removed."""
    if configuration.run != configuration.home / "run":
        shutil.rmtree(configuration.run, ignore_errors=True)
    if not is_ours(configuration.home):
        return
    try:
        # The marker goes last, so that an interrupted removal can be taken up again.
        for entry in sorted(configuration.home.iterdir(), key=lambda path: path.name == MARKER):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        configuration.home.rmdir()
    except OSError as error:
        raise Failure(f"{configuration.home} could not be removed: {error}; run bin/down --purge as root") from error


@contextmanager
def locked(configuration: Configuration) -> Iterator[None]:
    """Holds the installation for one command. Raises `Failure` naming the process that holds it."""
    path = configuration.home / "run" / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text().strip() or "another command"
            raise Failure(
                f"{holder} is at work on {configuration.home}: wait until it is done, or stop it with Ctrl-C"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _make_private(path: Path) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Failure(f"{path} belongs to somebody else: remove it, or set BERTH_HOME to a shorter path")
