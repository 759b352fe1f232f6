"""Makes a line of a plugin's output fit to be shown: secrets masked, control characters written out, length capped.

A secret is masked whole wherever it stands, and in part where a line was cut: at the beginning and the end of a line,
and where two frames of Docker's meet. Whatever split a line on its way here (php-fpm, nginx, a plugin that writes in
pieces), no piece of a secret that has `MIN_PIECE` bytes comes out.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from provisioning.logs.appearances import appearances
from tenants.hostile_text import written_out

MASK = "[MASKED]"
# In bytes. A shorter piece at the edge of a line is taken for chance.
MIN_PIECE = 8
# In characters. Longer lines are cut here and carry the mark.
MAX_LINE = 16 * 1024
CUT_MARK = " [CUT]"

# Beside the tab, spaces that are common in prose: a log is no code.
KEPT = "\t\u00a0\u202f\u3000"

_Span = tuple[int, int]


class Redactor:
    """Knows the secrets of one environment. The order matters: masked first, then cut, then made harmless."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        patterns: set[bytes] = set()
        for secret in secrets:
            patterns |= appearances(secret)
        self._patterns = sorted(patterns, key=len, reverse=True)
        self._long = [pattern for pattern in self._patterns if len(pattern) > MIN_PIECE]
        # One look tells most lines from those whose edge may be a piece of a secret.
        self._joined = b"\n".join(self._long)
        self._longest = len(self._patterns[0]) if self._patterns else 0
        # So many bytes of a line hold every secret that begins before the cut.
        self.keep_bytes = 4 * MAX_LINE + self._longest

    def line(self, content: bytes, *, is_longer: bool = False, seams: Sequence[int] = ()) -> str:
        """The line as it may be shown. `is_longer` says that more bytes followed than `content` has; `seams` are the
        positions in it at which pieces were put together."""
        shown: list[str] = []
        room = MAX_LINE
        is_cut = is_longer
        for text, is_secret in self._segments(content, seams):
            if room <= 0 and text:
                is_cut = True
                break
            shown.append(MASK if is_secret else text[:room])
            is_cut = is_cut or len(text) > room
            room -= len(text)
        if is_cut:
            shown.append(CUT_MARK)
        return written_out("".join(shown), kept=KEPT)

    def _segments(self, content: bytes, seams: Sequence[int]) -> Iterator[tuple[str, bool]]:
        """The line in pieces, and whether each is a stretch that secrets cover. Stretches that touch are one."""
        position = 0
        for start, end in _united(self._covered(content, seams)):
            yield content[position:start].decode(errors="backslashreplace"), False
            yield content[start:end].decode(errors="backslashreplace"), True
            position = end
        yield content[position:].decode(errors="backslashreplace"), False

    def _covered(self, content: bytes, seams: Sequence[int]) -> Iterator[_Span]:
        for pattern in [pattern for pattern in self._patterns if pattern in content]:
            start = content.find(pattern)
            while start >= 0:
                yield start, start + len(pattern)
                start = content.find(pattern, start + 1)
        edges = sorted({0, len(content), *seams})
        for edge in edges:
            yield from self._rests(content[edge:], edge)
            yield from self._beginnings(content[:edge])
        for begin, end in combinations(edges, 2):
            if end - begin < self._longest and self._is_within(content[begin:end]):
                yield begin, end

    def _rests(self, part: bytes, offset: int) -> Iterator[_Span]:
        """Stretches at the beginning of the part that are the rest of a secret."""
        if len(part) >= MIN_PIECE and part[:MIN_PIECE] in self._joined:
            for pattern in self._long:
                for length in _ends_that_begin(pattern, part):
                    yield offset, offset + length

    def _beginnings(self, part: bytes) -> Iterator[_Span]:
        """Stretches at the end of the part that are the beginning of a secret."""
        if len(part) >= MIN_PIECE and part[-MIN_PIECE:] in self._joined:
            for pattern in self._long:
                for length in _beginnings_that_end(pattern, part):
                    yield len(part) - length, len(part)

    def _is_within(self, part: bytes) -> bool:
        is_possible = len(part) >= MIN_PIECE and part[:MIN_PIECE] in self._joined
        return is_possible and any(part in pattern for pattern in self._long)


def _ends_that_begin(pattern: bytes, part: bytes) -> Iterator[int]:
    """Lengths of the ends of `pattern` with which `part` begins."""
    head = part[:MIN_PIECE]
    at = pattern.find(head, 1)
    while at >= 0:
        if part.startswith(pattern[at:]):
            yield len(pattern) - at
        at = pattern.find(head, at + 1)


def _beginnings_that_end(pattern: bytes, part: bytes) -> Iterator[int]:
    """Lengths of the beginnings of `pattern` with which `part` ends."""
    tail = part[-MIN_PIECE:]
    at = pattern.find(tail)
    while at >= 0 and at + MIN_PIECE < len(pattern):
        if part.endswith(pattern[: at + MIN_PIECE]):
            yield at + MIN_PIECE
        at = pattern.find(tail, at + 1)


def _united(spans: Iterable[_Span]) -> Iterator[_Span]:
    """In order, those that overlap or touch as one."""
    united: list[_Span] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    yield from united
