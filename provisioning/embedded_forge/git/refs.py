"""Branches and tags: their names, what they point at, and changing them by compare-and-set."""

import re
from dataclasses import dataclass
from pathlib import Path

from provisioning.embedded_forge.git.process import GitError, run

ZERO = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}\Z")
_SHORT_SHA = re.compile(r"[0-9a-fA-F]{4,40}\Z")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


@dataclass(frozen=True)
class Tag:
    """`target` is the tag object of an annotated tag, else the commit; `commit` is always the commit."""

    name: str
    target: str
    commit: str
    message: str


def is_valid_name(name: str) -> bool:
    """The rules of `git check-ref-format --branch`, and GitLab's own: no leading dash, no bare SHA, not HEAD."""
    if not name or len(name) > 244 or _FORBIDDEN.search(name) or name in {"@", "HEAD"}:
        return False
    if name.startswith(("-", "/")) or name.endswith(("/", ".")):
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))


def is_sha(text: str) -> bool:
    return bool(_SHA.match(text))


def read(repository: Path, refname: str) -> str | None:
    """The object a full refname points at. The loose file first: packing writes the packed one before it goes."""
    try:
        text = (repository / refname).read_text().strip()
        if is_sha(text):
            return text
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, UnicodeDecodeError):
        pass
    return _packed(repository).get(refname)


def _packed(repository: Path) -> dict[str, str]:
    try:
        lines = (repository / "packed-refs").read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return {}
    found = (line.split(" ", 1) for line in lines if line[:1] not in {"#", "^", ""})
    return {name: sha for sha, name in found}


def branch(repository: Path, name: str) -> str | None:
    return read(repository, f"refs/heads/{name}") if is_valid_name(name) else None


def branches(repository: Path) -> dict[str, str]:
    """All branches and their commits, by name."""
    found = {
        name.removeprefix("refs/heads/"): sha
        for name, sha in _packed(repository).items()
        if name.startswith("refs/heads/")
    }
    base = repository / "refs" / "heads"
    for path in base.rglob("*"):
        if path.suffix != ".lock" and path.is_file() and (sha := read(repository, str(path.relative_to(repository)))):
            found[str(path.relative_to(base))] = sha
    return dict(sorted(found.items()))


def is_empty(repository: Path) -> bool:
    return not branches(repository)


def tags(repository: Path, name: str | None = None) -> list[Tag]:
    """All tags that point at commits, or the one called `name`; newest first."""
    pattern = f"refs/tags/{name}" if name else "refs/tags"
    fields = "%00".join(f"%({field})" for field in (
        "refname:lstrip=2", "objectname", "objecttype", "*objectname", "*objecttype", "contents"
    ))  # fmt: skip
    output = run(repository, "for-each-ref", "--sort=-creatordate", f"--format={fields}%00%01", pattern)
    found = []
    for record in output.decode("utf-8", "replace").split("\0\x01\n"):
        if not record:
            continue
        label, target, kind, peeled, peeled_kind, message = record.split("\0", 5)
        commit = peeled if kind == "tag" else target
        if "commit" in (kind, peeled_kind) and (name is None or label == name):
            found.append(Tag(label, target, commit, message.rstrip("\n") if kind == "tag" else ""))
    return found


def tag(repository: Path, name: str) -> Tag | None:
    if not is_valid_name(name) or read(repository, f"refs/tags/{name}") is None:
        return None
    return next(iter(tags(repository, name)), None)


def resolve(repository: Path, revision: str) -> str | None:
    """The commit that a branch, a tag, a full refname, HEAD or a SHA (short ones too) names, or None. Expressions like
    `main~1` or `main:path` are none of these."""
    if revision == "HEAD":
        revision = (repository / "HEAD").read_text().strip().removeprefix("ref: ")
    if revision.startswith(("refs/heads/", "refs/tags/")):
        candidates = [revision]
    else:
        candidates = [f"refs/tags/{revision}", f"refs/heads/{revision}"]
    if not is_sha(revision):
        if not is_valid_name(revision):
            return None
        for refname in candidates:
            sha = read(repository, refname)
            if sha is not None:
                return sha if refname.startswith("refs/heads/") else peel(repository, sha)
        if not _SHORT_SHA.match(revision):
            return None
    return peel(repository, revision.lower())


def peel(repository: Path, name: str) -> str | None:
    """The commit behind an object id, or None where there is none."""
    output = run(
        repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", accept=(0, 1, 128)
    )
    sha = output.decode().strip()
    return sha if is_sha(sha) else None


def update(repository: Path, refname: str, new: str, old: str) -> bool:
    """Moves `refname` from `old` to `new` (ZERO: is not there, shall not be there); False if it was not at `old`."""
    if new == ZERO:
        line = f"delete {refname}\0{old}\0"
    elif old == ZERO:
        line = f"create {refname}\0{new}\0"
    else:
        line = f"update {refname}\0{new}\0{old}\0"
    try:
        run(repository, "update-ref", "--stdin", "-z", stdin=line.encode())
    except GitError as error:
        if "cannot lock ref" in error.stderr or "unable to resolve" in error.stderr:
            return False
        raise
    return True


def is_ancestor(repository: Path, older: str, newer: str) -> bool:
    try:
        run(repository, "merge-base", "--is-ancestor", older, newer)
    except GitError as error:
        if error.status == 1:
            return False
        raise
    return True


def merge_base(repository: Path, one: str, other: str) -> str | None:
    return run(repository, "merge-base", one, other, accept=(0, 1)).decode().strip() or None
