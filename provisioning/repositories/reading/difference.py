"""The difference between two commits, in parts of a size that a page can hold: nothing is left out, and all is named.

Small files come first, so that none is pushed out by a large one. A file too long for a part is read piece by piece.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.repositories.reading.copy import ReadingCopy
from provisioning.repositories.reading.texts import Text, texts
from provisioning.repositories.reading.types import Change

PART_LINES, PART_BYTES = 10_000, 1024 * 1024
PIECE_LINES, PIECE_BYTES = 4_000, 512 * 1024
# The first part shows the beginnings of so many files that are too long for it.
HEAD_LINES, HEAD_BYTES, HEADS = 100, 16 * 1024, 40
LONG = "long"
OTHER_PART = "other_part"
_FORMAT = 1


@dataclass(frozen=True)
class Measured:
    """A change with the size of its text. `part` is the one that has it whole; 0 for none.

    `reason` says why no part has it: `binary`, `too_large`, `long`; empty if it is whole in its part.
    """

    change: Change
    lines: int
    size: int
    added: int
    removed: int
    reason: str
    part: int = 0

    @property
    def has_text(self) -> bool:
        return self.reason in ("", LONG)


class Difference:
    def __init__(self, copy: ReadingCopy, base: str | None, head: str) -> None:
        self.copy, self.base, self.head = copy, base, head
        self.files = _packed(_measured(copy, base, head))
        self.parts = max((file.part for file in self.files), default=1) or 1

    def part(self, number: int) -> dict[str, Text]:
        """The texts of one part by the changes' keys: whole ones, and in the first part the beginnings of long ones."""
        whole = [file.change for file in self.files if file.part == number and file.lines]
        found = {change.key: text for change, text in texts(self.copy, whole)}
        if number == 1:
            long = [file.change for file in self.files if file.reason == LONG][:HEADS]
            for change, text in texts(self.copy, long):
                found[change.key] = Text(fitting(text.lines, HEAD_LINES, HEAD_BYTES))
        return found

    def piece(self, change: Change, offset: int) -> tuple[Sequence[bytes], int | None]:
        """Lines of one file from `offset` on, at least one of them, and the offset of what follows; None at the end."""
        text = next(text for _, text in texts(self.copy, [change]))
        lines = fitting(text.lines[offset:])
        end = offset + len(lines)
        return lines, end if end < len(text.lines) else None

    def unshown(self) -> list[Measured]:
        """The files that the first part does not have whole: a decision has to cover each by name."""
        return [file for file in self.files if file.part != 1]

    def find(self, path: bytes) -> Measured | None:
        return next((file for file in self.files if path == file.change.new_path), None)


def fitting(lines: Sequence[bytes], most_lines: int = PIECE_LINES, most_bytes: int = PIECE_BYTES) -> Sequence[bytes]:
    """The first of them, at least one, up to that many lines and bytes."""
    size, count = 0, 0
    for line in lines[:most_lines]:
        size += len(line) + 1
        if count and size > most_bytes:
            break
        count += 1
    return lines[:count]


def _packed(files: Sequence[Measured]) -> list[Measured]:
    """Each file that has a text in the first part with room for it, the small ones first."""
    parts: dict[str, int] = {}
    part, lines, size = 1, 0, 0
    for file in sorted(files, key=lambda file: (file.lines, file.size, file.change.new_path)):
        if file.reason:
            continue
        if lines + file.lines > PART_LINES or size + file.size > PART_BYTES:
            part, lines, size = part + 1, 0, 0
        lines, size = lines + file.lines, size + file.size
        parts[file.change.key] = part
    return [
        Measured(
            file.change, file.lines, file.size, file.added, file.removed, file.reason, parts.get(file.change.key, 0)
        )
        for file in files
    ]


def _measured(copy: ReadingCopy, base: str | None, head: str) -> list[Measured]:
    changes = copy.changes(base, head)
    kept = copy.directory / "measured" / f"{base or 'nothing'}-{head}.{_FORMAT}.json"
    numbers = _read(kept, len(changes))
    if numbers is None:
        numbers = [_numbers(text) for text in _in_order(copy, changes)]
        _write(kept, numbers)
    return [Measured(change, *row) for change, row in zip(changes, numbers, strict=True)]


def _in_order(copy: ReadingCopy, changes: Sequence[Change]) -> Iterator[Text]:
    for _, text in texts(copy, changes):
        yield text


def _numbers(text: Text) -> tuple[int, int, int, int, str]:
    size = text.size
    is_long = len(text.lines) > PART_LINES or size > PART_BYTES
    return len(text.lines), size, text.added, text.removed, text.reason or (LONG if is_long else "")


def _read(path: Path, count: int) -> list[tuple[int, int, int, int, str]] | None:
    """Numbers of an earlier look; both commits never change, so it stays true."""
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) and len(rows) == count else None


def _write(path: Path, numbers: Sequence[object]) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(numbers, file)
    Path(file.name).replace(path)
