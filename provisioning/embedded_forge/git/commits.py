"""Commits without a work tree: one `git fast-import` writes the objects and moves the branch, or does neither."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.embedded_forge.git import history, refs, tree
from provisioning.embedded_forge.git.process import GitError, run
from provisioning.embedded_forge.git.tree import Entry

REGULAR, EXECUTABLE = "100644", "100755"
MAX_PATH_BYTES = 4096


class CommitRefused(Exception):
    """The commit can't be made; the message is for the caller, in GitLab's words."""


@dataclass(frozen=True)
class Action:
    """`action`: create, update, move, delete, chmod, or gitlink (`content` is then the commit's SHA)."""

    action: str
    path: str
    previous_path: str = ""
    content: bytes | None = None
    is_executable: bool | None = None
    last_commit_id: str = ""


@dataclass(frozen=True)
class Identity:
    """Who wrote a commit. Characters that would end the field in git's own format are left out."""

    name: str
    email: str

    def line(self, when: int) -> bytes:
        name, email = (
            "".join(char for char in text if char not in "<>\n\0").strip() for text in (self.name, self.email)
        )
        return f"{name or 'unknown'} <{email}> {when} +0000".encode()


@dataclass
class _Tree:
    """What stands at the touched paths while the actions are applied one after another."""

    files: dict[str, Entry | None]
    commands: list[bytes] = field(default_factory=list)


def check_path(path: str) -> str:
    """The path without slashes at its start. Raises `CommitRefused` for one that git or a work tree would trip over."""
    cleaned = path.lstrip("/")
    parts = cleaned.split("/")
    bad = not cleaned or len(cleaned.encode()) > MAX_PATH_BYTES or any(char in cleaned for char in "\0\n\r")
    if bad or any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts):
        raise CommitRefused("Path cannot include directory traversal" if ".." in parts else f"Invalid path: {path}")
    return cleaned


def make(
    repository: Path, *, branch: str, message: str, actions: list[Action], author: Identity, committer: Identity,
    parent: str | None, expected: str | None, force: bool = False,
) -> str:  # fmt: skip
    """Commits `actions` on `parent` (None: no parent) and moves `branch`, which must still be at `expected` (None: not
    there). Returns the SHA. Raises `CommitRefused`, and then nothing has changed."""
    state = _look(repository, parent, actions)
    for action in actions:
        _APPLY[action.action](state, action)
    now = history.now()
    text = message.encode()
    lines = [
        b"feature done",
        b"commit refs/heads/" + branch.encode(),
        b"mark :1",
        b"author " + author.line(now),
        b"committer " + committer.line(now),
        b"data %d\n%s" % (len(text), text),
    ]
    if parent is not None:
        lines.append(b"from " + parent.encode())
    elif expected is not None:
        lines.append(b"deleteall")
    stream = b"\n".join([*lines, *state.commands, b"", b"get-mark :1", b"done", b""])
    if refs.branch(repository, branch) != expected:
        raise CommitRefused(f"Could not update refs/heads/{branch}. Please refresh and try again.")
    options = ["--quiet", "--date-format=raw", *(["--force"] if force else [])]
    try:
        output = run(repository, "fast-import", *options, stdin=stream)
    except GitError as error:
        if "not updating" in error.stderr.lower() or "lock" in error.stderr.lower():
            raise CommitRefused(f"Could not update refs/heads/{branch}. Please refresh and try again.") from error
        raise
    return output.decode().strip()


def _look(repository: Path, parent: str | None, actions: list[Action]) -> _Tree:
    """Reads what stands at every touched path and above it, and checks `last_commit_id`s."""
    wanted: set[str] = set()
    for action in actions:
        for path in filter(None, (action.path, action.previous_path)):
            parts = path.split("/")
            wanted.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    found = tree.entries(repository, parent, sorted(wanted)) if parent else {}
    for action in actions:
        touched = action.previous_path or action.path
        if action.last_commit_id and action.action in {"update", "move", "delete"} and parent:
            last = history.last_to_touch(repository, parent, touched)
            if last is not None and last != action.last_commit_id:
                raise CommitRefused(f"The file has changed since you started editing it: {touched}")
    return _Tree({path: found.get(path) for path in wanted})


def _existing(state: _Tree, path: str) -> Entry:
    entry = state.files.get(path)
    if entry is None or entry.kind == "tree":
        raise CommitRefused("A file with this name doesn't exist")
    return entry


def _free(state: _Tree, path: str) -> None:
    entry = state.files.get(path)
    if entry is not None:
        what = "directory" if entry.kind == "tree" else "file"
        raise CommitRefused(f"A {what} with this name already exists")
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = state.files.get("/".join(parts[:count]))
        if above is not None and above.kind != "tree":
            raise CommitRefused("A file with this name already exists")


def _write(state: _Tree, path: str, content: bytes, mode: str) -> None:
    state.commands.append(b"M %s inline %s\ndata %d\n%s" % (mode.encode(), _quoted(path), len(content), content))
    _place(state, path, Entry(mode, "blob", "", path))


def _place(state: _Tree, path: str, entry: Entry) -> None:
    state.files[path] = entry
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = "/".join(parts[:count])
        state.files[above] = Entry("040000", "tree", "", above)


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode()


def _mode(action: Action, before: str) -> str:
    if action.is_executable is None:
        return before
    return EXECUTABLE if action.is_executable else REGULAR


def _create(state: _Tree, action: Action) -> None:
    _free(state, action.path)
    _write(state, action.path, action.content or b"", _mode(action, REGULAR))


def _update(state: _Tree, action: Action) -> None:
    entry = _existing(state, action.path)
    before = entry.mode if entry.mode in {REGULAR, EXECUTABLE} else REGULAR
    _write(state, action.path, action.content or b"", _mode(action, before))


def _delete(state: _Tree, action: Action) -> None:
    _existing(state, action.path)
    state.commands.append(b"D " + _quoted(action.path))
    state.files[action.path] = None


def _move(state: _Tree, action: Action) -> None:
    entry = _existing(state, action.previous_path)
    if action.path != action.previous_path:
        _free(state, action.path)
        state.commands.append(b"R " + _quoted(action.previous_path) + b" " + _quoted(action.path))
        state.files[action.previous_path] = None
        _place(state, action.path, Entry(entry.mode, entry.kind, entry.sha, action.path))
    if action.content is not None:
        _write(state, action.path, action.content, _mode(action, entry.mode))


def _chmod(state: _Tree, action: Action) -> None:
    entry = _existing(state, action.path)
    if not entry.sha:
        raise CommitRefused("A file can't be written and have its mode changed in one commit")
    mode = _mode(action, entry.mode)
    state.commands.append(f"M {mode} {entry.sha} ".encode() + _quoted(action.path))
    state.files[action.path] = Entry(mode, entry.kind, entry.sha, action.path)


def _gitlink(state: _Tree, action: Action) -> None:
    state.commands.append(b"M 160000 " + (action.content or b"") + b" " + _quoted(action.path))


_APPLY: dict[str, Callable[[_Tree, Action], None]] = {
    "create": _create, "update": _update, "delete": _delete, "move": _move, "chmod": _chmod, "gitlink": _gitlink,
}  # fmt: skip
