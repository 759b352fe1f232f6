"""Files of the edge's home, and what the file system refuses."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from provisioning.exceptions import OperatorError


def content_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def disk(home: Path) -> Iterator[None]:
    """What the file system refuses, as an error that says who must act."""
    try:
        yield
    except OSError as exc:
        _refuse(home, exc)


def _refuse(home: Path, exc: OSError) -> NoReturn:
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        raise OperatorError(f"the disk of {home} is full: free space; the edge goes on with what it had") from exc
    raise OperatorError(
        f"the edge's home {home} can't be written ({exc.strerror}: {exc.filename}): make it writable for the user that "
        "Berth runs as; the edge goes on with what it had"
    ) from exc
