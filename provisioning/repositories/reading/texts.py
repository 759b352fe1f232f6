"""The change of a file as lines: a unified difference that hides no code from a reader.

Lines end at "\\n" and nowhere else. A NUL makes no file binary: only what is no text at all is summarised.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from provisioning.exceptions import RetryableError
from provisioning.repositories.reading import process
from provisioning.repositories.reading.copy import ReadingCopy
from provisioning.repositories.reading.types import LINK, SUBMODULE, Change

# A larger file is named, and can be read as a file.
MAX_TEXT_BYTES = 4 * 1024 * 1024
BINARY, TOO_LARGE = "binary", "too_large"
# Whatever is in a file of such a name, it is shown.
_CODE = re.compile(
    rb"\.(php\d?|phtml|phps|phar|inc|module|install|html?|xhtml|svg|xml|xsl|jsx?|mjs|cjs|tsx?|vue|css|scss|less|json|lock"
    rb"|ya?ml|toml|ini|conf|cfg|env|htaccess|sql|sh|bash|py|rb|pl|twig|tpl|blade|latte|md|txt|csv|po|neon|user\.ini)$",
    re.IGNORECASE,
)
_OPENS_PHP = re.compile(rb"<\?(php|=)", re.IGNORECASE)
# Control characters that no text has, but for a few.
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\x0b\x0c\r\x1b"})
_NO_NEWLINE = b"\\ No newline at end of file"


@dataclass(frozen=True)
class Text:
    """`lines` begin with `+`, `-`, a space, `@@` or a backslash. `reason` says why there are none: see above."""

    lines: Sequence[bytes] = ()
    reason: str = ""

    @property
    def added(self) -> int:
        return sum(line.startswith(b"+") for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.startswith(b"-") for line in self.lines)

    @property
    def size(self) -> int:
        return sum(map(len, self.lines)) + len(self.lines)


def is_text(path: bytes, content: bytes) -> bool:
    if _CODE.search(path) or _OPENS_PHP.search(content):
        return True
    controls = len(content) - len(content.translate(None, _CONTROLS))
    return controls * 100 <= len(content)


def texts(copy: ReadingCopy, changes: Sequence[Change]) -> Iterator[tuple[Change, Text]]:
    """Of each change, in their order. Holds one file at a time."""
    both = [change for change in changes if _has_two_texts(change)]
    small = [change for change in changes if max(change.old_size, change.new_size) <= MAX_TEXT_BYTES]
    wanted = {blob: None for change in small for blob in _contents(change)}
    # Twice: first to know what is text, then to show it. Only the kinds are kept of the first time.
    kinds = dict(_kinds(copy, small, list(wanted)))
    compared = [change for change in both if kinds.get(change.key) == ""]
    differences = iter(_unified(copy, compared))
    shown = {change.key for change in compared}
    with process.conversation(copy.directory, "cat-file", "--batch") as (question, answer):

        def read(blob: str) -> bytes:
            question.write(f"{blob}\n".encode())
            question.flush()
            fields = answer.readline().split()
            if len(fields) != 3:
                raise RetryableError(f"the reading copy has no object {blob}: Berth fetches it again")
            content = answer.read(int(fields[2]))
            answer.read(1)
            return content

        for change in changes:
            kind = kinds.get(change.key, TOO_LARGE)
            if change.key in shown:
                yield change, Text(next(differences))
            elif kind:
                yield change, Text(reason=kind)
            elif change.old_blob == change.new_blob and change.old_mode != SUBMODULE:
                yield change, Text()
            else:
                old = _side(change.old_blob, change.old_mode, read)
                new = _side(change.new_blob, change.new_mode, read)
                yield change, Text([*_whole(old, b"-"), *_whole(new, b"+")])


def _contents(change: Change) -> list[str]:
    """The blobs whose contents are files': a link's target is always text, a submodule has no blob here."""
    sides = ((change.old_blob, change.old_mode), (change.new_blob, change.new_mode))
    return [blob for blob, mode in sides if blob and mode not in (LINK, SUBMODULE)]


def _has_two_texts(change: Change) -> bool:
    return len(_contents(change)) == 2 and change.old_blob != change.new_blob


def _kinds(copy: ReadingCopy, changes: Sequence[Change], blobs: list[str]) -> Iterator[tuple[str, str]]:
    """For each change by its key: empty for text, or `BINARY`."""
    names: dict[str, set[bytes]] = {}
    for change in changes:
        for blob in _contents(change):
            names.setdefault(blob, set()).update((change.old_path, change.new_path))
    binary = {blob for blob, content in copy.blobs(blobs) if not any(is_text(name, content) for name in names[blob])}
    for change in changes:
        yield change.key, BINARY if binary.intersection(_contents(change)) else ""


def _side(blob: str, mode: str, read: Callable[[str], bytes]) -> bytes | None:
    if not blob:
        return None
    if mode == SUBMODULE:
        return f"Subproject commit {blob}\n".encode()
    return read(blob)


def _whole(content: bytes | None, sign: bytes) -> Iterator[bytes]:
    """All of one side: added, or removed."""
    if not content:
        return
    lines = content.split(b"\n")
    ends_in_newline = not lines[-1]
    if ends_in_newline:
        lines.pop()
    yield b"@@ -0,0 +1,%d @@" % len(lines) if sign == b"+" else b"@@ -1,%d +0,0 @@" % len(lines)
    for line in lines:
        yield sign + line
    if not ends_in_newline:
        yield _NO_NEWLINE


def _unified(copy: ReadingCopy, changes: Sequence[Change]) -> Iterator[list[bytes]]:
    """git's own difference of each pair, from one process: two trees whose names are numbers, so that this
    parser meets no name of a stranger's."""
    if not changes:
        return
    old, new = (
        copy.make_tree([(f"{at:08d}", side(change)) for at, change in enumerate(changes)])
        for side in (lambda change: change.old_blob, lambda change: change.new_blob)
    )
    options = ("-p", "--text", "-U3", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index")
    with process.reading(copy.directory, "diff-tree", *options, old, new) as stream:
        lines: list[bytes] | None = None
        header = 0
        for raw in stream:
            line = raw.removesuffix(b"\n")
            if header:
                header -= 1  # "index …", "--- …", "+++ …"
            elif line.startswith(b"diff --git "):
                if lines is not None:
                    yield lines
                lines, header = [], 3
            elif lines is not None:
                lines.append(line)
        if lines is not None:
            yield lines
