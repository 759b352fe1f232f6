"""Changed rights are noticed by all streams of a process with one query a turn."""

import asyncio
import uuid
from collections.abc import Callable

import pytest
from django.db import DatabaseError

from provisioning.logs import watching
from provisioning.logs.watching import PeopleWatch, people_stamp
from tests.factories import make_member, make_organization


class Stamps:
    """What the database says, turn by turn; the last one stays."""

    def __init__(self, *answers: uuid.UUID | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def read(self) -> uuid.UUID:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_S", 0.01)


OLD, NEW = uuid.uuid4(), uuid.uuid4()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def test_every_stream_hears_of_a_change_and_all_ask_the_database_as_one() -> None:
    async def follow() -> None:
        stamps = Stamps(OLD, OLD, NEW)
        watch = PeopleWatch(stamps.read)
        with watch.watching(OLD) as one, watch.watching(OLD) as other:
            await until(lambda: stamps.asked == 2)
            assert not one.is_set()
            await until(lambda: one.is_set() and other.is_set())
            assert stamps.asked == 3
            one.clear()
            await until(lambda: stamps.asked > 5)
            assert not one.is_set()

    asyncio.run(follow())


def test_a_change_before_the_stream_began_to_watch_is_not_missed() -> None:
    async def follow() -> None:
        watch = PeopleWatch(Stamps(NEW).read)
        with watch.watching(NEW) as early:
            with watch.watching(OLD) as late:
                await until(late.is_set)
            assert not early.is_set()

    asyncio.run(follow())


def test_a_database_that_is_away_for_a_while_is_asked_again() -> None:
    async def follow() -> None:
        watch = PeopleWatch(Stamps(DatabaseError("away"), NEW).read)
        with watch.watching(OLD) as changed:
            await until(changed.is_set)

    asyncio.run(follow())


def test_nobody_asks_when_nobody_follows() -> None:
    async def follow() -> None:
        stamps = Stamps(OLD)
        watch = PeopleWatch(stamps.read)
        with watch.watching(OLD):
            await until(lambda: stamps.asked > 0)
        await until(lambda: len(asyncio.all_tasks()) == 1)

    asyncio.run(follow())


@pytest.mark.django_db
def test_a_new_member_is_another_stamp() -> None:
    organization = make_organization()
    before = people_stamp()
    make_member(organization)
    assert people_stamp() not in (before, None)
