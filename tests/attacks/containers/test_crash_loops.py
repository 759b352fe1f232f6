"""D16: a plugin that dies whenever it is started costs less and less, and a plugin that died once costs no pause."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.models import WorkloadRepair
from provisioning.reconcile.backoff import is_due


def tried(tries: int, seconds_ago: float) -> WorkloadRepair:
    return WorkloadRepair(tries=tries, last_try_at=timezone.now() - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(("tries", "pause_s"), [(5, 30), (8, 254), (9, 300), (50, 300), (100_000, 300)])
def test_d16_the_pauses_grow_and_have_an_end(tries: int, pause_s: float) -> None:
    assert not is_due(tried(tries, pause_s / 2))
    assert is_due(tried(tries, pause_s + 1))


def test_d16_what_died_for_the_first_time_is_started_at_once() -> None:
    assert is_due(None)
    assert is_due(tried(1, 0.001))
