"""Replaces secrets in a stream by `[MASKED]`, also those that arrive in two chunks."""

import re
from collections.abc import Iterable

MASK = b"[MASKED]"


class Masker:
    """Holds back the end of what it was fed only while that could be the beginning of a secret."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = sorted({secret.encode() for secret in secrets if secret}, key=len, reverse=True)
        self._secrets = found
        self._pattern = re.compile(b"|".join(map(re.escape, found))) if found else None
        self._longest = len(found[0]) if found else 0
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown by now."""
        if self._pattern is None:
            return chunk
        data = self._held + chunk
        shown, position = [], 0
        limit = len(data) - self._open_end(data)
        for match in self._pattern.finditer(data):
            # A secret that is whole but could go on as a longer one waits for what comes.
            if match.start() >= limit:
                break
            shown += [data[position : match.start()], MASK]
            position = match.end()
        limit = max(limit, position)
        shown.append(data[position:limit])
        self._held = data[limit:]
        return b"".join(shown)

    def _open_end(self, data: bytes) -> int:
        """The length of the longest end of `data` with which a secret begins and goes on."""
        for length in range(min(self._longest - 1, len(data)), 0, -1):
            end = data[-length:]
            if any(len(secret) > length and secret.startswith(end) for secret in self._secrets):
                return length
        return 0

    def flush(self) -> bytes:
        rest, self._held = self._held, b""
        return self.whole(rest)

    def whole(self, data: bytes) -> bytes:
        return self._pattern.sub(MASK, data) if self._pattern else data
