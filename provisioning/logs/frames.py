"""Docker's log stream into lines: frames, time stamps, and the pieces that a long line comes in.

A frame is eight bytes (stream, three zeros, length) and a payload, `TIME TEXT`. Docker splits a line of more than 16
KiB into several frames with the same time; all but the last lack the line end.
"""

import calendar
import re
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from provisioning.logs.positions import STREAMS

_HEADER = struct.Struct(">BxxxI")
_STREAM_NAMES = {1: STREAMS[0], 2: STREAMS[1]}
_TIME = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{9})Z ")
_TIME_LENGTH = 31
# Docker's own pieces are 16 KiB: a length beyond this is no frame of its logs.
_MAX_FRAME = 2 * 1024 * 1024


class BrokenStream(Exception):
    """The bytes are no log stream of Docker's."""


@dataclass(frozen=True)
class RawLine:
    """A whole line as the plugin wrote it, without its end; `is_longer` if bytes beyond the limit were dropped.

    `seams` are the positions in `content` at which Docker's pieces of it were put together: an engine whose buffer is
    full may have dropped one there.
    """

    stream: str
    time_ns: int
    content: bytes
    is_longer: bool
    seams: tuple[int, ...] = ()

    @property
    def time(self) -> str:
        return format_time(self.time_ns)


@dataclass
class _Pending:
    time_ns: int
    content: bytearray = field(default_factory=bytearray)
    is_longer: bool = False
    seams: list[int] = field(default_factory=list)


class LineAssembler:
    """Frames in, whole lines out. A line whose end has not come yet is not given."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._buffer = bytearray()
        self._pending: dict[str, _Pending] = {}
        self.frames = 0

    def feed(self, data: bytes) -> list[RawLine]:
        self._buffer += data
        lines = []
        while len(self._buffer) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer)
            if kind not in _STREAM_NAMES or length > _MAX_FRAME:
                raise BrokenStream
            end = _HEADER.size + length
            if len(self._buffer) < end:
                break
            line = self._piece(_STREAM_NAMES[kind], bytes(self._buffer[_HEADER.size : end]))
            del self._buffer[:end]
            if line is not None:
                lines.append(line)
        return lines

    def _piece(self, stream: str, payload: bytes) -> RawLine | None:
        self.frames += 1
        pending = self._pending.setdefault(stream, _Pending(_time_ns(payload)))
        text, is_end = payload[_TIME_LENGTH:], payload.endswith(b"\n")
        if pending.content and not pending.is_longer:
            pending.seams.append(len(pending.content))
        pending.content += text
        if len(pending.content) > self._keep_bytes:
            pending.is_longer = True
            del pending.content[self._keep_bytes :]
        if not is_end:
            return None
        del self._pending[stream]
        content = bytes(pending.content)
        if not pending.is_longer:
            content = content.removesuffix(b"\n").removesuffix(b"\r")
        return RawLine(stream, pending.time_ns, content, pending.is_longer, tuple(pending.seams))


async def read_lines(chunks: AsyncIterator[bytes], assembler: LineAssembler) -> AsyncIterator[RawLine]:
    async for chunk in chunks:
        for line in assembler.feed(chunk):
            yield line


def format_time(time_ns: int) -> str:
    """RFC 3339 with nine digits, as Docker writes it."""
    seconds, nanoseconds = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"


def _time_ns(payload: bytes) -> int:
    match = _TIME.match(payload)
    if match is None:
        raise BrokenStream
    *moment, nanoseconds = (int(group) for group in match.groups())
    return calendar.timegm((*moment, 0, 0, 0)) * 10**9 + nanoseconds
