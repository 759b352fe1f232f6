"""The contract of a transport, and what one is made from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

_PATH = re.compile(r"/[A-Za-z0-9._/-]{1,399}")
# What a command's output is cut to: nobody reads more of an error.
MAX_OUTPUT_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class TargetSpec:
    """A host as a transport needs it. `ssh_known_host` is the host's public key line, as `ssh-keyscan` prints it."""

    name: str
    transport: Literal["local", "ssh"]
    address: str = "127.0.0.1"
    ssh_user: str = ""
    ssh_port: int = 22
    ssh_known_host: str = ""
    ssh_key_path: Path = Path()


@dataclass(frozen=True, kw_only=True)
class Result:
    stdout: str
    stderr: str
    returncode: int


class Transport(Protocol):
    def run(self, argv: Sequence[str], *, input: str | None = None, timeout_s: float) -> Result:  # noqa: A002 - as subprocess names it
        """Runs one command to its end, with an argument list that no shell interprets, in an environment of its own.

        A command that fails is a `Result`. Raises `RetryableError` where it could not be run or took longer than
        `timeout_s`, `OperatorError` where the host refuses Berth or is not the host that it was.
        """

    def remove_tree(self, path: str | PurePosixPath) -> None:
        """Removes a directory and what is in it. One that is not there is as good.

        Raises `ValueError` for a path that is not absolute and at least three levels deep.
        """


def checked_tree(path: str | PurePosixPath) -> str:
    """A path that may be removed: never `/`, `/home` or `/var/lib`, whatever a setting says."""
    text = str(path)
    if not _PATH.fullmatch(text) or ".." in PurePosixPath(text).parts or len(PurePosixPath(text).parts) < 4:
        raise ValueError(f"path: {text!r} is no tree that Berth may remove")
    return text
