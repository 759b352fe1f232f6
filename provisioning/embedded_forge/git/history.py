"""Commits: reading them, walking history."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.embedded_forge.git.process import run

_FIELDS = "%x00".join(("%H", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"))


@dataclass(frozen=True)
class Commit:
    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: str
    committer_name: str
    committer_email: str
    committed_at: str
    message: str

    @property
    def title(self) -> str:
        return self.message.strip().split("\n", 1)[0]


def _parse(output: bytes) -> list[Commit]:
    parts = output.decode("utf-8", "replace").split("\0")
    found = []
    for start in range(0, len(parts) - 8, 9):
        sha, parents, an, ae, at, cn, ce, ct, message = parts[start : start + 9]
        found.append(Commit(sha, tuple(parents.split()), an, ae, at, cn, ce, ct, message))
    return found


def commit(repository: Path, sha: str) -> Commit:
    """`sha` is one that `refs.resolve` gave."""
    return by_sha(repository, [sha])[sha]


def by_sha(repository: Path, shas: Sequence[str]) -> dict[str, Commit]:
    if not shas:
        return {}
    listed = "\n".join(dict.fromkeys(shas)).encode() + b"\n"
    output = run(repository, "log", "-z", "--no-walk=unsorted", f"--format={_FIELDS}", "--stdin", stdin=listed)
    return {found.sha: found for found in _parse(output)}


def walk(
    repository: Path, *revisions: str, options: Sequence[str] = (), path: str = "", skip: int = 0, limit: int = 20
) -> list[Commit]:
    """Commits reachable from `revisions` (SHAs, or `--all`), newest first."""
    paging = [f"--skip={skip}", f"--max-count={limit}"]
    paths = ["--", path] if path else ["--"]
    return _parse(run(repository, "log", "-z", f"--format={_FIELDS}", *paging, *options, *revisions, *paths))


def count(repository: Path, *revisions: str, options: Sequence[str] = (), path: str = "") -> int:
    paths = ["--", path] if path else ["--"]
    return int(run(repository, "rev-list", "--count", *options, *revisions, *paths) or b"0")


def last_to_touch(repository: Path, sha: str, path: str) -> str | None:
    """The newest commit up to `sha` that changed `path`."""
    return run(repository, "log", "-1", "--format=%H", sha, "--", path).decode().strip() or None


def stats(repository: Path, sha: str) -> dict[str, int]:
    """Lines added and removed against the first parent."""
    output = run(repository, "diff-tree", "--root", "--no-commit-id", "--numstat", "-r", "-m", "--first-parent", sha)
    additions = deletions = 0
    for line in output.decode("utf-8", "replace").splitlines():
        added, removed, _name = line.split("\t", 2)
        additions += int(added) if added != "-" else 0
        deletions += int(removed) if removed != "-" else 0
    return {"additions": additions, "deletions": deletions, "total": additions + deletions}


def now() -> int:
    """Seconds since 1970, as git dates its objects."""
    return int(time.time())
