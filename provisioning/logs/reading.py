"""The last lines of an environment's containers, in the order of their times."""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioning.logs.docker_logs import ContainerGone, LogContainer, LogEngine
from provisioning.logs.frames import LineAssembler, RawLine
from provisioning.logs.query import ROLES, LogQuery
from provisioning.logs.redaction import Redactor
from provisioning.logs.sources import LogSource
from tenants.exceptions import InvalidInput

# Docker counts the pieces of long lines one by one: how many times as many to ask for where there were too few lines.
_MORE = 8


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line, fit to be shown. `time_ns` is nanoseconds since 1970."""

    container_id: str
    container: str
    release: int
    stream: str
    time: str
    time_ns: int
    line: str

    def as_dict(self) -> dict[str, Any]:
        """`time` (RFC 3339, nanoseconds), `container`, `stream`, `release` (its number; null if unknown), `line`."""
        return {
            "time": self.time,
            "container": self.container,
            "stream": self.stream,
            "release": self.release or None,
            "line": self.line,
        }


def fit(raw: RawLine, container: LogContainer, redactor: Redactor) -> LogLine:
    return LogLine(
        container_id=container.id,
        container=container.name,
        release=container.release,
        stream=raw.stream,
        time=raw.time,
        time_ns=raw.time_ns,
        line=redactor.line(raw.content, is_longer=raw.is_longer, seams=raw.seams),
    )


def chosen(containers: Iterable[LogContainer], query: LogQuery) -> list[LogContainer]:
    """Those that the query names: all, a role's, or one. Nothing but an environment's own comes in here."""
    if not query.container:
        return list(containers)
    return [found for found in containers if query.container in (found.role, found.name)]


def check_container(known: Sequence[LogContainer], query: LogQuery) -> None:
    """Raises `InvalidInput` where the query names neither a role nor one of `known`."""
    if query.container and query.container not in ROLES and not chosen(known, query):
        names = ", ".join(sorted(container.name for container in known)) or "(there is none now)"
        raise InvalidInput.field("container", f"is none of this environment's: use live, standby or one of {names}")


async def check_source(source: LogSource, query: LogQuery) -> None:
    """What `read_tail` would refuse, before anything is read."""
    listed = await asyncio.gather(*(LogEngine(url).containers(source.labels) for url in source.docker_urls))
    check_container([container for containers in listed for container in containers], query)


async def read_tail(source: LogSource, query: LogQuery) -> list[LogLine]:
    """The last `query.tail` lines that fit the query, over all containers of the environment, the oldest first.

    Raises `InvalidInput` for a container that is not the environment's, `ServiceUnavailable` where an engine does not
    answer. A container's log goes with the container: what a deployment removed can't be read any more.
    """
    engines = [LogEngine(url) for url in source.docker_urls]
    listed = await asyncio.gather(*(engine.containers(source.labels) for engine in engines))
    check_container([container for containers in listed for container in containers], query)
    reads = [
        read_container(engine, container, query, source.redactor)
        for engine, containers in zip(engines, listed, strict=True)
        for container in chosen(containers, query)
    ]
    read = await asyncio.gather(*reads)
    merged = heapq.merge(*(lines for lines in read), key=lambda line: line.time_ns)
    return list(deque(merged, maxlen=query.tail))


async def read_container(
    engine: LogEngine, container: LogContainer, query: LogQuery, redactor: Redactor
) -> list[LogLine]:
    """The last `query.tail` lines of one container that fit; none where it is gone."""
    # Docker takes the tail before it looks at `until`, and knows no `grep`: then all has to be read here.
    frames = None if query.grep or query.until_ns is not None else query.tail + 1
    try:
        while True:
            assembler = LineAssembler(redactor.keep_bytes)
            lines = await _read(engine, container, assembler, replace(query, tail=query.tail + 1), redactor, frames)
            if frames is None or assembler.frames < frames:
                break
            # The first line may lack its beginning, and with it the beginning of a secret.
            lines = lines[1:]
            if len(lines) >= query.tail:
                break
            frames *= _MORE
    except ContainerGone:
        return []
    return lines[-query.tail :]


async def _read(
    engine: LogEngine,
    container: LogContainer,
    assembler: LineAssembler,
    query: LogQuery,
    redactor: Redactor,
    frames: int | None,
) -> list[LogLine]:
    found: deque[LogLine] = deque(maxlen=query.tail)
    read = engine.lines(container.id, assembler, since_ns=query.since_ns, until_ns=query.until_ns, tail=frames)
    async with read as lines:
        async for raw in lines:
            line = fit(raw, container, redactor)
            if query.grep in line.line:
                found.append(line)
    return list(found)
