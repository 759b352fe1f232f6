"""The stream itself, on an event loop of the test's own: what it sends while nothing is said, and what it leaves."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from provisioning.logs import events
from provisioning.logs.events import Denied, EventStream, FollowSlot
from provisioning.logs.positions import decode
from provisioning.logs.query import LogQuery
from provisioning.logs.sources import LogSource, log_source
from tests.provisioning.logs.conftest import Plugin

pytestmark = pytest.mark.docker


def stream_of(source: LogSource, slot: FollowSlot, recheck: Callable[[], Awaitable[LogSource]]) -> EventStream:
    return EventStream(
        source=source,
        query=LogQuery(grep="never said"),
        positions=None,
        slot=slot,
        recheck=recheck,
        recheck_interval_s=60,
        stamp=None,
    )


def test_silence_is_heartbeats_that_carry_the_position(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin.has_ended(plugin.run("echo something else"))
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    source = log_source(plugin.environment)

    async def recheck() -> LogSource:
        return source

    async def listen() -> bytes:
        slot = FollowSlot.take(user_id=1, limit=1)
        assert slot is not None
        async for event in stream_of(source, slot, recheck):
            if event.startswith(b": heartbeat") and b"~" in event:
                return event
        raise AssertionError("the stream ended")

    comment, identity, *_ = asyncio.run(listen()).decode().split("\n")
    assert comment == ": heartbeat"
    # It counts the line that `grep` left out.
    assert decode(identity.removeprefix("id: ")).marks


@pytest.mark.parametrize("half_way", [True, False])
def test_closing_ends_the_task_and_gives_the_slot_back(plugin: Plugin, half_way: bool) -> None:
    source = log_source(plugin.environment)

    async def recheck() -> LogSource:
        return source

    async def listen() -> None:
        slot = FollowSlot.take(user_id=2, limit=1)
        assert slot is not None
        assert FollowSlot.take(user_id=2, limit=1) is None
        stream = stream_of(source, slot, recheck)
        if half_way:
            # As Django leaves it where the client goes while a piece is being sent: suspended, and then closed.
            iterator = aiter(stream)
            assert await anext(iterator) == b"retry: 2000\n\n"
            assert len(asyncio.all_tasks()) > 1
        await asyncio.to_thread(stream.close)
        assert FollowSlot.take(user_id=2, limit=1) is not None
        async with asyncio.timeout(20):
            while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - no event tells the end of a task that nobody holds
                await asyncio.sleep(0.01)

    asyncio.run(listen())


def test_slot_of_a_stream_that_never_began_comes_back() -> None:
    slot = FollowSlot.take(user_id=3, limit=1)
    assert FollowSlot.take(user_id=3, limit=1) is None
    del slot
    assert FollowSlot.take(user_id=3, limit=1) is not None


def test_recheck_that_denies_ends_the_stream_and_says_so(plugin: Plugin) -> None:
    source = log_source(plugin.environment)

    async def recheck() -> LogSource:
        raise Denied

    async def listen() -> list[bytes]:
        slot = FollowSlot.take(user_id=4, limit=1)
        assert slot is not None
        stream = EventStream(
            source=source,
            query=LogQuery(),
            positions=None,
            slot=slot,
            recheck=recheck,
            recheck_interval_s=0.05,
            stamp=None,
        )
        return [event async for event in stream]

    assert b"permission_denied" in asyncio.run(listen())[-1]
