"""Replaces secrets in a stream by `[MASKED]`, also those that arrive in two chunks, or of which the end never comes."""

from collections.abc import Iterable

MASK = b"[MASKED]"
# In bytes. A stream may end in the middle of a secret; a shorter beginning of one is taken for chance.
MIN_PIECE = 8


class Masker:
    """Holds back the end of what it was fed only while that could be the beginning of a secret.

    Secrets that overlap or touch get one mask. However the stream is cut into chunks, the result is the same.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret.encode() for secret in secrets if secret}, key=len, reverse=True)
        self._held = b""
        # So many bytes of what is held belong to a secret that began before them, and that has its mask already.
        self._covered = 0
        self._is_masked_before = False

    def feed(self, chunk: bytes) -> bytes:
        """The part of the stream that may be shown by now."""
        if not self._secrets:
            return chunk
        data = self._held + chunk
        return self._shown(data, len(data) - self._open_end(data))

    def flush(self) -> bytes:
        """The part that was held back, at the end of the stream. A beginning of a secret is masked as well."""
        data, masked = self._held, b""
        if len(data) - self._covered >= MIN_PIECE and self._open_end(data) >= MIN_PIECE:
            cut = len(data) - self._open_end(data)
            masked = self._shown(data, cut)
            masked += b"" if self._is_masked_before else MASK
        else:
            masked = self._shown(data, len(data))
        self._held, self._covered, self._is_masked_before = b"", 0, False
        return masked

    def whole(self, data: bytes) -> bytes:
        """The same for a text that is there at once, and no part of the stream."""
        masker = Masker(())
        masker._secrets = self._secrets
        return masker.feed(data) + masker.flush()

    def _shown(self, data: bytes, limit: int) -> bytes:
        """`data` up to `limit`, the secrets that begin there masked. Holds back the rest."""
        shown, position = [], 0
        for start, end in self._spans(data, limit):
            if start > position or not (position or self._is_masked_before):
                shown += [data[position:start], MASK]
            self._is_masked_before = True
            position = max(position, end)
        if position < limit:
            shown.append(data[position:limit])
            self._is_masked_before = False
        self._held, self._covered = data[limit:], max(0, position - limit)
        return b"".join(shown)

    def _spans(self, data: bytes, limit: int) -> list[tuple[int, int]]:
        """The stretches of secrets that begin before `limit`, in order; overlapping and touching ones are one."""
        found = [(0, self._covered)] if self._covered else []
        for secret in self._secrets:
            start = data.find(secret)
            while 0 <= start < limit:
                found.append((start, start + len(secret)))
                start = data.find(secret, start + 1)
        united: list[tuple[int, int]] = []
        for start, end in sorted(found):
            if united and start <= united[-1][1]:
                united[-1] = (united[-1][0], max(united[-1][1], end))
            else:
                united.append((start, end))
        return united

    def _open_end(self, data: bytes) -> int:
        """The length of the longest end of `data` with which a secret begins and goes on."""
        return max((_open_end(secret, data) for secret in self._secrets), default=0)


def _open_end(secret: bytes, data: bytes) -> int:
    head = secret[:MIN_PIECE]
    start = data.find(head, max(0, len(data) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(data[start:]):
            return len(data) - start
        start = data.find(head, start + 1)
    for length in range(min(len(head), len(secret), len(data) + 1) - 1, 0, -1):
        if data.endswith(secret[:length]):
            return length
    return 0
