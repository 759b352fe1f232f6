"""Where a reader of several containers' logs stands, as a text that a client sends back to go on from there.

A position is a time in nanoseconds and how many lines of that very time were given already, for each output stream of
each container: lines of different containers arrive in no common order, so one time for all would lose or double some.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tenants.exceptions import InvalidInput

HEADER = "Last-Event-ID"
STREAMS = ("stdout", "stderr")
MAX_CONTAINERS = 200
ID_LENGTH = 12
# How much earlier than a stream's first line the other stream of that container may have one that is still to come.
_SLACK_NS = 10**9

_MARK = r"[0-9a-f]{1,16}-[0-9]{1,7}"
_TEXT = re.compile(rf"1\.[0-9a-f]{{1,16}}(?:\.[0-9a-f]{{12}}~{_MARK}~{_MARK})*")


@dataclass(frozen=True)
class Mark:
    """`count` lines with the time `time_ns` were given, and all before."""

    time_ns: int
    count: int

    def after(self, time_ns: int) -> "Mark":
        return Mark(time_ns, self.count + 1 if time_ns == self.time_ns else 1)


@dataclass
class Positions:
    """`base_ns`: a container that is not in `marks` is read from then on."""

    base_ns: int = 0
    marks: dict[str, dict[str, Mark]] = field(default_factory=dict)

    def of(self, container_id: str) -> Mapping[str, Mark]:
        return self.marks.get(container_id[:ID_LENGTH], {})

    def since_ns(self, container_id: str) -> int:
        """From when on the container must be read so that nothing is missed."""
        return min((mark.time_ns for mark in self.of(container_id).values()), default=self.base_ns)

    def begin(self, container_id: str, time_ns: int) -> None:
        """The container is known from `time_ns` on, with nothing of that time given yet."""
        self.marks.setdefault(container_id[:ID_LENGTH], {stream: Mark(time_ns, 0) for stream in STREAMS})

    def advance(self, container_id: str, stream: str, time_ns: int) -> None:
        self.begin(container_id, max(self.base_ns, time_ns - _SLACK_NS))
        marks = self.marks[container_id[:ID_LENGTH]]
        marks[stream] = marks[stream].after(time_ns)

    def forget(self, container_id: str) -> None:
        self.marks.pop(container_id[:ID_LENGTH], None)

    def encode(self) -> str:
        parts = [f"1.{self.base_ns:x}"]
        for container_id, marks in self.marks.items():
            parts.append("~".join([container_id, *(f"{marks[s].time_ns:x}-{marks[s].count}" for s in STREAMS)]))
        return ".".join(parts)


def decode(text: str) -> Positions:
    """Raises `InvalidInput` naming the header."""
    if not _TEXT.fullmatch(text) or text.count("~") > 2 * MAX_CONTAINERS:
        raise InvalidInput.field(HEADER, "is no id that this stream gave out: leave the header out to begin anew")
    _version, base, *containers = text.split(".")
    positions = Positions(base_ns=int(base, 16))
    for container in containers:
        container_id, *marks = container.split("~")
        positions.marks[container_id] = {stream: _mark(mark) for stream, mark in zip(STREAMS, marks, strict=True)}
    return positions


def _mark(text: str) -> Mark:
    time_ns, _, count = text.partition("-")
    return Mark(int(time_ns, 16), int(count))
