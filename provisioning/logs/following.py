"""Follows an environment's logs: what is there, then what comes, over restarts and deployments, until it is cancelled.

Everything runs in one task of the event loop; cancelling it closes every connection to every engine.
"""

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from provisioning.exceptions import ProvisioningError
from provisioning.logs.docker_logs import ContainerGone, LogContainer, LogEngine
from provisioning.logs.frames import LineAssembler, RawLine
from provisioning.logs.positions import STREAMS, Positions
from provisioning.logs.query import LogQuery
from provisioning.logs.reading import LogLine, chosen, fit, read_container
from provisioning.logs.sources import LogSource

RECONNECT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A line, and the position right behind it."""

    line: LogLine
    position: str


class Follow:
    """One follow. `deliver` is awaited for each line and may hold it back: then the engines are read more slowly."""

    def __init__(
        self,
        *,
        source: LogSource,
        query: LogQuery,
        positions: Positions | None,
        deliver: Callable[[Followed], Awaitable[None]],
        renew: Callable[[], Awaitable[LogSource]],
    ) -> None:
        self.positions = positions or Positions(base_ns=query.since_ns or 0)
        self._is_resumed = positions is not None
        self._source = source
        self._query = query
        self._deliver = deliver
        self._renew = renew
        self._started: dict[str, asyncio.Event] = {}
        self._group: asyncio.TaskGroup
        self._watched: set[str] = set()

    async def run(self) -> None:
        """Runs until cancelled."""
        if not self._is_resumed:
            await self._deliver_tail()
        async with asyncio.TaskGroup() as self._group:
            self.use(self._source)
            # Holds the group open where there is no engine to watch yet.
            self._group.create_task(asyncio.Event().wait())

    def use(self, source: LogSource) -> None:
        """Goes on with other secrets, and watches engines that came to the environment."""
        self._source = source
        for url in source.docker_urls:
            if url not in self._watched:
                self._watched.add(url)
                self._group.create_task(self._watch(LogEngine(url)))

    async def _deliver_tail(self) -> None:
        found: list[tuple[LogContainer, list[LogLine]]] = []
        # Without `grep`, which would leave lines out: the position goes behind lines that do not fit as well.
        everything = replace(self._query, grep="")
        for engine in map(LogEngine, self._source.docker_urls):
            found += [
                (container, await read_container(engine, container, everything, self._source.redactor))
                for container in chosen(await engine.containers(self._source.labels), self._query)
            ]
        for container, lines in found:
            if lines:
                self.positions.begin(container.id, lines[0].time_ns)
        merged = list(heapq.merge(*(lines for _container, lines in found), key=lambda line: line.time_ns))
        for index, line in enumerate(merged):
            self.positions.advance(line.container_id, line.stream, line.time_ns)
            if index >= len(merged) - self._query.tail:
                await self._give(line)

    async def _watch(self, engine: LogEngine) -> None:
        """Reads every container of the environment on this engine, those that run and those that start later."""
        while True:
            try:
                async with engine.changes(self._source.labels) as ids:
                    for container in await engine.containers(self._source.labels):
                        await self._attach(engine, container)
                    async for container_id in ids:
                        found = await engine.containers(self._source.labels, container_id=container_id)
                        for container in found:
                            await self._attach(engine, container)
                        if not found and container_id in self._started:
                            self._started[container_id].set()
            except (ProvisioningError, ContainerGone):
                pass
            # The engine was restarted, say: everything is looked up again, and read on from its position.
            await asyncio.sleep(RECONNECT_S)

    async def _attach(self, engine: LogEngine, container: LogContainer) -> None:
        if not chosen([container], self._query):
            return
        if container.id in self._started:
            self._started[container.id].set()
            return
        self._started[container.id] = asyncio.Event()
        if container.release not in self._source.releases:
            # A new release has secrets of its own: they are known before its first line is shown.
            self.use(await self._renew())
        self._group.create_task(self._read(engine, container))

    async def _read(self, engine: LogEngine, container: LogContainer) -> None:
        started = self._started[container.id]
        while True:
            started.clear()
            try:
                await self._read_on(engine, container)
            except ContainerGone:
                del self._started[container.id]
                self.positions.forget(container.id)
                return
            except ProvisioningError:
                # The engine's watcher reconnects and sets the event.
                pass
            await started.wait()

    async def _read_on(self, engine: LogEngine, container: LogContainer) -> None:
        assembler = LineAssembler(self._source.redactor.keep_bytes)
        since_ns = self.positions.since_ns(container.id)
        read = engine.lines(container.id, assembler, since_ns=since_ns or None, is_follow=True)
        async with read as lines:
            async for raw in _unseen(lines, self.positions, container.id):
                self.positions.advance(container.id, raw.stream, raw.time_ns)
                await self._give(fit(raw, container, self._source.redactor))

    async def _give(self, line: LogLine) -> None:
        if self._query.grep in line.line:
            await self._deliver(Followed(line=line, position=self.positions.encode()))


async def _unseen(lines: AsyncIterator[RawLine], positions: Positions, container_id: str) -> AsyncIterator[RawLine]:
    """Leaves out what was given before. Once a stream has had one new line, all that follows is new."""
    marks = dict(positions.of(container_id))
    seen: Counter[str] = Counter()
    old = deque(STREAMS) if marks else deque()
    async for line in lines:
        if line.stream in old:
            mark = marks[line.stream]
            if line.time_ns < mark.time_ns:
                continue
            if line.time_ns == mark.time_ns and seen[line.stream] < mark.count:
                seen[line.stream] += 1
                continue
            old.remove(line.stream)
        yield line
