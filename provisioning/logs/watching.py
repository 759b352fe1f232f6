"""Notices in a second that somebody's rights have changed, with one query a second for all streams of a process.

What is watched is a stamp (`access.stamp_of`) that every change to memberships, roles, tokens, grants and accounts
renews. It says that something changed, not what: each stream then asks for itself whether its reader still may.
"""

import asyncio
import contextlib
import contextvars
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from django.db import Error, connection

from tenants import access
from tenants.access.in_force import PEOPLE

logger = logging.getLogger(__name__)

POLL_S = 1.0
Stamp = uuid.UUID | None


@dataclass(eq=False)
class Watcher:
    """One stream: the stamp under which its rights were last found, and the news that there is another."""

    seen: Stamp
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class PeopleWatch:
    """Polls while anybody watches. One for each event loop, which is one for each process that serves streams."""

    def __init__(self, read: Callable[[], Awaitable[Stamp]]) -> None:
        self._read = read
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def watching(self, seen: Stamp) -> Iterator[asyncio.Event]:
        """The event is set whenever the stamp is another than `seen`, or than at the last time; clear it before asking.

        `seen` must have been read before the rights that it stands for: a change between the two is then not missed.
        """
        watcher = Watcher(seen)
        self._watchers.add(watcher)
        if self._task is None:
            # In a context of its own: it outlives the request that came first.
            self._task = asyncio.get_running_loop().create_task(self._poll(), context=contextvars.Context())
        try:
            yield watcher.changed
        finally:
            self._watchers.discard(watcher)
            if not self._watchers and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                stamp = await self._read()
            except Error:
                # The streams ask for themselves too, if less often.
                logger.exception("whether anybody's rights have changed could not be read")
                continue
            for watcher in self._watchers:
                if watcher.seen != stamp:
                    watcher.seen = stamp
                    watcher.changed.set()


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, PeopleWatch] = WeakKeyDictionary()


def people_watch() -> PeopleWatch:
    """The watch of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = PeopleWatch(_read_in_thread)
    return _watches[loop]


def people_stamp() -> Stamp:
    return access.stamp_of(PEOPLE)


async def _read_in_thread() -> Stamp:
    return await asyncio.to_thread(_read)


def _read() -> Stamp:
    try:
        return people_stamp()
    finally:
        connection.close()
