"""Makes a line of a plugin's output fit to be shown: secrets masked, control characters written out, length capped."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "[MASKED]"
MIN_SECRET = 4
# In characters. Longer lines are cut here and carry the mark.
MAX_LINE = 16 * 1024
CUT_MARK = " [CUT]"

# C0 but the tab, DEL, C1; what turns the direction of writing or is not seen; line ends that are not "\n".
_HARMFUL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Redactor:
    """Knows the secrets of one environment. The order matters: masked first, then cut, then made harmless."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        patterns: set[str] = set()
        for secret in secrets:
            patterns |= _appearances(secret)
        self._patterns = sorted(patterns, key=len, reverse=True)
        longest = len(self._patterns[0]) if self._patterns else 0
        # So many bytes of a line hold every secret that begins before the cut.
        self.keep_bytes = 4 * (MAX_LINE + longest)

    def line(self, content: bytes, *, is_longer: bool = False) -> str:
        """The line as it may be shown. `is_longer` says that more bytes followed than `content` has."""
        text = content.decode(errors="backslashreplace")
        shown = self._masked(text)
        if len(text) > MAX_LINE or is_longer:
            shown += CUT_MARK
        return _HARMFUL.sub(_written_out, shown)

    def _masked(self, text: str) -> str:
        """The first `MAX_LINE` characters, each stretch that secrets cover replaced. Overlapping ones are one."""
        covered = sorted(span for pattern in self._patterns if pattern in text for span in _spans(pattern, text))
        shown: list[str] = []
        position = 0
        for start, end in covered:
            if start >= MAX_LINE:
                break
            if start >= position:
                # Two secrets without anything between them get one mask.
                if start > position or not shown:
                    shown += [text[position:start], MASK]
                position = end
            else:
                position = max(position, end)
        shown.append(text[position:MAX_LINE])
        return "".join(shown)


def _appearances(secret: str) -> set[str]:
    """The secret as a log may show it: whole, each line of it, and as JSON, URL or base64 would write it."""
    found = set()
    for piece in {secret, *secret.splitlines(), *(line.strip() for line in secret.splitlines())}:
        # Shorter ones, and a bare mask, would black out half of every line.
        if len(piece.strip()) < MIN_SECRET:
            continue
        as_json = json.dumps(piece)[1:-1]
        found |= {
            piece,
            piece.strip(),
            as_json,
            as_json.replace("/", "\\/"),
            json.dumps(piece, ensure_ascii=False)[1:-1],
            quote(piece, safe=""),
            quote(piece),
            quote_plus(piece),
            base64.b64encode(piece.encode()).decode().rstrip("="),
            base64.urlsafe_b64encode(piece.encode()).decode().rstrip("="),
        }
    return found


def _spans(pattern: str, text: str) -> Iterable[tuple[int, int]]:
    start = text.find(pattern)
    while start >= 0:
        yield start, start + len(pattern)
        start = text.find(pattern, start + 1)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
