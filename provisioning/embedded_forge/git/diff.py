"""Differences between two trees, as GitLab lists them."""

import re
from dataclasses import dataclass
from pathlib import Path

from provisioning.embedded_forge.git.process import run_capped

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# Of all files of a difference together, and of one file; beyond it the file is listed without its text.
MAX_BYTES = 8 * 1024 * 1024
MAX_FILE_BYTES = 512 * 1024
_START = re.compile(rb"^diff --git ", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    status: str
    text: str
    is_too_large: bool


def changes(repository: Path, old: str, new: str, *, unified_headers: bool = False) -> list[Change]:
    """What changed from the tree or commit `old` to `new`, renames found. `text` begins at the first hunk."""
    output, complete = run_capped(
        repository, "diff-tree", "-r", "-M", "--raw", "-p", "-z", "--full-index", "--no-color", "--no-ext-diff",
        "--no-textconv", old, new, max_bytes=MAX_BYTES,
    )  # fmt: skip
    raw, patches = _split(output)
    starts = [match.start() for match in _START.finditer(patches)]
    chunks = [patches[start:end] for start, end in zip(starts, [*starts[1:], len(patches)], strict=False)]
    if not complete and chunks:
        chunks.pop()
    found = []
    for modes, status, old_path, new_path in raw:
        # A file that became a symlink is one record and two patches.
        mine, chunks = (chunks[:2], chunks[2:]) if status == "T" else (chunks[:1], chunks[1:])
        text = b"".join(_hunks(chunk, unified_headers) for chunk in mine)
        is_too_large = not mine or len(text) > MAX_FILE_BYTES
        shown = "" if is_too_large else text.decode("utf-8", "replace")
        found.append(Change(old_path, new_path, modes[0], modes[1], status, shown, is_too_large))
    return found


def _split(output: bytes) -> tuple[list[tuple[tuple[str, str], str, str, str]], bytes]:
    """The raw records (modes, status letter, old path, new path), and the patches after them."""
    records: list[tuple[tuple[str, str], str, str, str]] = []
    position = 0
    while output[position : position + 1] == b":":
        end = output.find(b"\0", position)
        if end < 0:
            break
        old_mode, new_mode, _old, _new, status = output[position + 1 : end].decode().split(" ")
        names = []
        position = end + 1
        for _ in range(2 if status[0] in "RC" else 1):
            end = output.find(b"\0", position)
            if end < 0:
                return records, b""
            names.append(output[position:end].decode("utf-8", "replace"))
            position = end + 1
        records.append(((old_mode, new_mode), status[0], names[0], names[-1]))
    return records, output[position:].lstrip(b"\0")


def _hunks(patch: bytes, unified_headers: bool) -> bytes:
    start = patch.find(b"\n--- " if unified_headers else b"\n@@")
    if start >= 0:
        return patch[start + 1 :]
    start = patch.find(b"\nBinary files")
    return patch[start + 1 :] if start >= 0 else b""
