"""Rounds that come again and again: one worker at a time, one row each. A worker that was overtaken writes nothing."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from provisioning.certificates.services import certificates_refresh
from provisioning.dns.services.moves import move_advance
from provisioning.dns.workflow import drift
from provisioning.dns.workflow.sync import advance, sync, zone_held
from provisioning.exceptions import LeaseLost
from provisioning.inventory.services import host_register_local
from provisioning.models import Certificate, HostedZone, Round
from provisioning.operations.choices import RoundKind
from provisioning.operations.rounds import round_held
from provisioning.reconcile import workflow as reconciler
from tests.provisioning.dns.fixtures import hosted_zone, memory

__all__ = ["memory"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memory")]


def overtake(row: Any) -> None:
    """Another worker claims the row after its lease has lapsed."""
    type(row)._base_manager.filter(pk=row.pk).update(fence=row.fence + 1, lease_owner="another worker")


def test_of_workers_that_begin_a_round_at_once_one_is_at_it() -> None:
    start, end, found = threading.Barrier(4), threading.Barrier(4), list[bool]()

    def worker() -> None:
        start.wait()
        try:
            with round_held(RoundKind.RECONCILE_EDGE) as lease:
                found.append(lease is not None)
                end.wait()
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, False, False, True]
    assert Round.objects.get().lease_until is None


def test_a_round_has_one_row_however_often_it_comes() -> None:
    host, hosted = host_register_local(), hosted_zone()
    for _ in range(3):
        for kind, subject in (
            (RoundKind.RECONCILE_HOST, {"host": host}),
            (RoundKind.COMPARE_ZONE, {"hosted_zone": hosted}),
            (RoundKind.RENEW_CERTIFICATES, {}),
        ):
            with round_held(kind, **subject) as lease:
                assert lease is not None
    assert sorted(Round.objects.values_list("kind", "fence")) == [
        ("compare_zone", 3),
        ("reconcile_host", 3),
        ("renew_certificates", 3),
    ]


@pytest.mark.parametrize("kind", [RoundKind.RECONCILE_HOST, RoundKind.COMPARE_ZONE])
def test_a_round_without_its_subject_is_refused(kind: RoundKind) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Round.objects.create(kind=kind)


def test_a_round_about_a_subject_that_it_has_not_is_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Round.objects.create(kind=RoundKind.RECONCILE_EDGE, host=host_register_local())


def test_a_host_that_another_worker_reconciles_is_left_to_that_one_until_its_lease_lapses() -> None:
    host = host_register_local()
    with round_held(RoundKind.RECONCILE_HOST, host=host), round_held(RoundKind.RECONCILE_EDGE):
        reconciler.run()
        assert set(Round.objects.values_list("fence", flat=True)) == {1}
        Round.objects.filter(kind=RoundKind.RECONCILE_HOST).update(lease_until=timezone.now() - timedelta(seconds=1))
        reconciler.run()
    assert Round.objects.get(kind=RoundKind.RECONCILE_HOST).fence == 2
    assert Round.objects.get(kind=RoundKind.RECONCILE_EDGE).fence == 1


def test_a_zone_that_another_worker_compares_is_left_to_that_one(memory: Any) -> None:
    hosted = hosted_zone()
    with round_held(RoundKind.COMPARE_ZONE, hosted_zone=hosted):
        drift.compare_all()
        assert memory.log == []
        assert sync(hosted.pk), "who compares a zone keeps no writer waiting"
    drift.compare_all()
    assert [name for name, _ in memory.log] == ["list"]


def test_a_worker_that_was_overtaken_while_it_listed_a_zone_tells_nothing(memory: Any) -> None:
    hosted = hosted_zone()
    HostedZone.objects.filter(pk=hosted.pk).update(last_error="told by the other worker")
    memory.before_call = staticmethod(lambda _name, _n: overtake(Round.objects.get()))
    drift.compare_all()
    assert HostedZone.objects.get().last_error == "told by the other worker"


def test_a_move_waits_for_the_worker_that_writes_the_zone_and_a_stale_one_moves_nothing() -> None:
    hosted = hosted_zone()
    HostedZone.objects.filter(pk=hosted.pk).update(
        next_targets=["192.0.2.99"], move_at=timezone.now() - timedelta(hours=1), lowered_at=timezone.now()
    )
    with zone_held(hosted.pk) as lease:
        assert lease is not None
        assert not advance(hosted.pk)
        overtake(lease.row)
        with pytest.raises(LeaseLost):
            move_advance(lease=lease)
    assert HostedZone.objects.get().next_targets == ["192.0.2.99"]


def test_certificates_that_another_worker_renews_are_left_to_that_one() -> None:
    with round_held(RoundKind.RENEW_CERTIFICATES):
        assert not certificates_refresh()
    assert not Certificate.objects.exists()
