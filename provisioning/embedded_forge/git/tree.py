"""Trees and files at a commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.embedded_forge.git.process import run


@dataclass(frozen=True)
class Entry:
    mode: str
    kind: str
    sha: str
    path: str
    size: int = 0

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def _parse(output: bytes) -> list[Entry]:
    found = []
    for record in output.decode("utf-8", "surrogateescape").split("\0"):
        if record:
            meta, path = record.split("\t", 1)
            mode, kind, sha, size = meta.split()
            found.append(Entry(mode, kind, sha, path, int(size) if size != "-" else 0))
    return found


def entries(repository: Path, commit: str, paths: Sequence[str]) -> dict[str, Entry]:
    """The entries at exactly these paths; those that are not there are left out."""
    if not paths:
        return {}
    return {entry.path: entry for entry in _parse(run(repository, "ls-tree", "-z", "-l", commit, "--", *paths))}


def entry(repository: Path, commit: str, path: str) -> Entry | None:
    return entries(repository, commit, [path]).get(path)


def listing(repository: Path, commit: str, path: str, *, recursive: bool) -> list[Entry] | None:
    """What lies in the directory `path` ("" is the root), directories first as in GitLab; None if it is none."""
    options = ["-z", "-l", *(["-r", "-t"] if recursive else [])]
    if path and ((found := entry(repository, commit, path)) is None or found.kind != "tree"):
        return None
    where = [f"{path}/"] if path else []
    listed = [item for item in _parse(run(repository, "ls-tree", *options, commit, "--", *where)) if item.path != path]
    if recursive:
        return listed
    order = {"tree": 0, "blob": 1, "commit": 2}
    return sorted(listed, key=lambda item: order[item.kind])


def blob(repository: Path, sha: str) -> bytes:
    return run(repository, "cat-file", "blob", sha)


def file_at(repository: Path, commit: str, path: str) -> bytes | None:
    """The content of a file, or None where there is none of that name."""
    output = run(repository, "cat-file", "--batch", stdin=f"{commit}:{path}\n".encode())
    header, _newline, rest = output.partition(b"\n")
    words = header.split()
    if len(words) != 3 or words[1] != b"blob":
        return None
    return rest[: int(words[2])]
