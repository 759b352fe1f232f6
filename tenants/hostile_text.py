"""Text that a stranger wrote, made fit to be read: whatever is not seen, or moves what is seen, is written out.

The one table for differences, pages and logs. Control characters, what has no glyph, spaces that are no space, what
turns the direction of writing, and code points that nobody has assigned are shown as `\\x1b`, `\\u202e`, `\\U000e0041`.
"""

import re

# Letters and marks that have no glyph of their own: fillers of Hangul, blank Braille, selectors of variants, and others
# that Unicode lets a program ignore. All other unseen characters are not printable for Python.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_ESCAPED_BYTE = range(0xDC80, 0xDD00)


def written_out(text: str, *, kept: str = "\t") -> str:
    """`text` with every character written out that is not seen as itself; those of `kept` stay."""
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(char if char in kept or _is_seen(char) else _escape(char) for char in text)


def shown_bytes(content: bytes, *, kept: str = "\t") -> str:
    """The same for bytes; those that are not UTF-8 become `\\xff`."""
    return written_out(content.decode(errors="backslashreplace"), kept=kept)


def shown_path(path: bytes) -> str:
    """A name in a repository. No two are shown alike: a backslash is doubled, a byte that is not UTF-8 is `\\xff`."""
    return "".join(_in_path(char) for char in path.decode(errors="surrogateescape"))


def _in_path(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if ord(char) in _ESCAPED_BYTE:
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if _is_seen(char) else _escape(char)


def _is_seen(char: str) -> bool:
    return char.isprintable() and not _UNSEEN.match(char)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
