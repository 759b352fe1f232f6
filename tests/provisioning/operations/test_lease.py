"""One worker at a time has a row, whatever the row is. A worker that lost it writes nothing more."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from provisioning.exceptions import LeaseLost
from provisioning.models import HostedZone, Operation, Step
from provisioning.operations import heartbeat
from provisioning.operations.choices import OperationKind, StepState
from provisioning.operations.lease import Lease, Leased, claim, holding
from tests.factories import make_app
from tests.provisioning.dns.fixtures import hosted_zone, memory

__all__ = ["memory"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memory")]


def make_operation() -> Operation:
    return Operation.objects.create(kind=OperationKind.CHECK_RELEASE, app=make_app())


@pytest.fixture(params=[make_operation, hosted_zone], ids=["operation", "zone"])
def row(request: pytest.FixtureRequest, memory: Any) -> Leased:
    made: Leased = request.param()
    return made


def rows_of(row: Leased) -> Any:
    return type(row)._base_manager.filter(pk=row.pk)


def lapse(row: Leased) -> None:
    """As if the worker had not renewed its lease in time."""
    rows_of(row).update(lease_until=timezone.now() - timedelta(seconds=1))


def at_once(count: int, call: Callable[[], Any]) -> list[Any]:
    found: list[Any] = []
    start = threading.Barrier(count)

    def worker() -> None:
        start.wait()
        try:
            found.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_workers_that_claim_at_once_one_has_the_row(row: Leased) -> None:
    found = at_once(6, lambda: claim(rows_of(row)))
    assert len(found) == 6
    assert [one.fence for one in found if one is not None] == [row.fence + 1]


def test_of_workers_that_find_a_lapsed_lease_at_once_one_takes_it_over(row: Leased) -> None:
    dead = claim(rows_of(row))
    assert dead is not None
    lapse(row)
    found = at_once(6, lambda: claim(rows_of(row)))
    assert [one.fence for one in found if one is not None] == [dead.fence + 1]


def test_a_killed_worker_keeps_the_row_until_its_lease_lapses(row: Leased) -> None:
    assert claim(rows_of(row)) is not None
    with holding(rows_of(row)) as early:
        assert early is None
    lapse(row)
    with holding(rows_of(row)) as late:
        assert late is not None
    assert rows_of(row).get().lease_until is None


def test_the_database_refuses_what_a_stale_worker_writes(row: Leased) -> None:
    held = claim(rows_of(row))
    assert held is not None
    stale = Lease(held, held.fence)
    stale.write()
    lapse(row)
    successor = claim(rows_of(row))
    assert successor is not None
    for write in (stale.write, lambda: stale.write(lease_owner="stale"), stale.fenced().__enter__):
        with pytest.raises(LeaseLost):
            write()
    stale.release()
    found = rows_of(row).get()
    assert (found.fence, found.lease_owner) == (successor.fence, successor.lease_owner)
    assert found.lease_until is not None


def test_other_rows_that_a_stale_worker_writes_under_its_fence_stay_as_they_were() -> None:
    operation = make_operation()
    step = operation.steps.create(position=0, name="first")
    held = claim(rows_of(operation))
    assert held is not None
    stale = Lease(held, held.fence)
    lapse(operation)
    assert claim(rows_of(operation)) is not None
    with pytest.raises(LeaseLost), stale.fenced():
        Step.objects.update(state=StepState.SUCCEEDED)
    step.refresh_from_db()
    assert step.state == StepState.PENDING


def test_a_worker_that_fails_gives_the_row_back(row: Leased) -> None:
    def fail() -> None:
        with holding(rows_of(row)) as lease:
            assert lease is not None
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert claim(rows_of(row)) is not None


def test_the_heartbeat_renews_a_lease_and_notices_its_loss(row: Leased, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT_S", 0.01)
    with holding(rows_of(row)) as lease:
        assert lease is not None
        lapse(row)
        while rows_of(row).get().lease_until < timezone.now():
            pass
        rows_of(row).update(fence=99)
        assert lease.lost.wait(60)
        with pytest.raises(LeaseLost):
            lease.write()


def test_a_late_heartbeat_renews_no_lease_that_was_released(row: Leased, monkeypatch: pytest.MonkeyPatch) -> None:
    held = claim(rows_of(row))
    assert held is not None
    lease, stop = Lease(held, held.fence), threading.Event()
    lease.release()
    monkeypatch.setattr(heartbeat, "HEARTBEAT_S", 0.01)
    beat = threading.Thread(target=heartbeat._beat, args=(lease, "row", stop))
    beat.start()
    assert lease.lost.wait(60)
    stop.set()
    beat.join()
    assert rows_of(row).get().lease_until is None
    assert isinstance(row, HostedZone | Operation)
