"""One follow as server-sent events, and how many of them a user may have."""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from provisioning.exceptions import ProvisioningError
from provisioning.logs.following import Follow, Followed
from provisioning.logs.positions import Positions
from provisioning.logs.query import LogQuery
from provisioning.logs.sources import LogSource
from provisioning.logs.watching import Stamp, people_watch
from tenants.exceptions import TenantsError

HEARTBEAT_S = 10.0
# A client that has lost the connection comes back after so long.
RETRY_MS = 2000
# Lines that wait for a slow client; beyond it the engine waits too.
_QUEUE = 256

_open: Counter[int] = Counter()
_open_lock = threading.Lock()


class Denied(Exception):
    """The reader may not read on: signed out, lost the role, or the environment is gone."""


class FollowSlot:
    """One of the follows that a user may have open in this process. Given back once, at the latest when collected."""

    def __init__(self, user_id: int) -> None:
        self._user_id: int | None = user_id

    @classmethod
    def take(cls, *, user_id: int, limit: int) -> "FollowSlot | None":
        """None where the user has `limit` open already."""
        with _open_lock:
            if _open[user_id] >= limit:
                return None
            _open[user_id] += 1
        return cls(user_id)

    def release(self) -> None:
        with _open_lock:
            if self._user_id is not None:
                _open[self._user_id] -= 1
                if not _open[self._user_id]:
                    del _open[self._user_id]
                self._user_id = None

    def __del__(self) -> None:
        self.release()


class EventStream:
    """The body of the answer. Whoever ends it first, client or server, ends the follow and all its connections.

    `recheck` is awaited when anybody's rights have changed since `stamp` was read, and every `recheck_interval_s`: it
    answers the source as it is now, or raises `Denied`.
    """

    def __init__(
        self,
        *,
        source: LogSource,
        query: LogQuery,
        positions: Positions | None,
        slot: FollowSlot,
        recheck: Callable[[], Awaitable[LogSource]],
        recheck_interval_s: float,
        stamp: Stamp,
    ) -> None:
        self._slot = slot
        self._recheck = recheck
        self._recheck_interval_s = recheck_interval_s
        self._stamp = stamp
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        self._follow = Follow(source=source, query=query, positions=positions, deliver=self._deliver, renew=recheck)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        event = await self._queue.get()
                except TimeoutError:
                    event = self._heartbeat()
                if event is None:
                    return
                yield event
        finally:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._slot.release()

    def close(self) -> None:
        """Django calls it from any thread when the answer is over, also where the iteration was left half-way."""
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._slot.release()

    def _heartbeat(self) -> bytes:
        """With an id where every line was given: after a break, lines that `grep` left out are not read again."""
        position = f"id: {self._follow.positions.encode()}\n" if self._queue.empty() else ""
        return f": heartbeat\n{position}\n".encode()

    async def _run(self) -> None:
        """Follows and rechecks until one of them ends, and says why in a last event."""
        follow, recheck = asyncio.create_task(self._follow.run()), asyncio.create_task(self._recheck_all_the_time())
        try:
            await asyncio.wait({follow, recheck}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (follow, recheck):
                task.cancel()
            ends = await asyncio.gather(follow, recheck, return_exceptions=True)
        await self._queue.put(_end_event(ends))
        await self._queue.put(None)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, (Denied, TenantsError, ProvisioningError)):
                raise end

    async def _recheck_all_the_time(self) -> None:
        with people_watch().watching(self._stamp) as changed:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._recheck_interval_s):
                        await changed.wait()
                changed.clear()
                self._follow.use(await self._recheck())

    async def _deliver(self, followed: Followed) -> None:
        await self._queue.put(f"id: {followed.position}\ndata: {json.dumps(followed.line.as_dict())}\n\n".encode())


def _end_event(ends: Sequence[Any]) -> bytes:
    reason = next((end for end in ends if isinstance(end, Exception)), None)
    while isinstance(reason, ExceptionGroup):
        reason = reason.exceptions[0]
    match reason:
        case Denied():
            said = {"code": "permission_denied", "detail": "you may not read these logs any more"}
        case ProvisioningError():
            said = {"code": reason.code, "detail": str(reason)}
        case _:
            said = {"code": "server_error", "detail": "the stream broke off: connect again"}
    return f"event: end\ndata: {json.dumps(said)}\n\n".encode()
