"""Values that a reading copy gives. Paths are bytes: git knows no encoding of names."""

import hashlib
from dataclasses import dataclass

FILE, EXECUTABLE, LINK, SUBMODULE, ABSENT = "100644", "100755", "120000", "160000", "000000"
KINDS = {
    FILE: "file",
    "100664": "file",
    EXECUTABLE: "executable",
    LINK: "symbolic link",
    SUBMODULE: "submodule",
    ABSENT: "absent",
}
STATUSES = {"A": "added", "D": "deleted", "M": "modified", "R": "renamed", "C": "copied", "T": "type changed"}


def kind_of(mode: str) -> str:
    """`file`, `executable`, `symbolic link`, `submodule`, `absent`; of what git does not write, the mode itself."""
    return KINDS.get(mode, f"unknown ({mode})")


@dataclass(frozen=True)
class TreeFile:
    """`size` in bytes; of a submodule 0."""

    path: bytes
    mode: str
    blob: str
    size: int

    @property
    def kind(self) -> str:
        return kind_of(self.mode)


@dataclass(frozen=True)
class Change:
    """One file that differs. `old_blob`, `new_blob` are empty if there is no file; a submodule's are commits.

    `status` is one of `STATUSES`. Sizes are in bytes, 0 for no file and for submodules.
    """

    status: str
    old_path: bytes
    new_path: bytes
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    old_size: int = 0
    new_size: int = 0

    @property
    def path(self) -> bytes:
        return self.new_path

    @property
    def key(self) -> str:
        """The same for the same change, whatever else changes beside it: 64 hex digits."""
        parts = (self.old_mode, self.new_mode, self.old_blob, self.new_blob, self.old_path.hex(), self.new_path.hex())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class HistoryCommit:
    """Names, addresses and title as they stand in the commit: its maker wrote them, and may have lied."""

    sha: str
    parents: tuple[str, ...]
    author: str
    author_email: str
    committer: str
    committer_email: str
    title: str
