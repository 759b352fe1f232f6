"""D16: a plugin that dies whenever it is started costs less and less, and a plugin that died once costs no pause."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.models import Workload
from provisioning.workflows.pauses import may_repair


def started(restarts: int, seconds_ago: float) -> Workload:
    return Workload(restarts=restarts, last_restart_at=timezone.now() - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(("restarts", "pause_s"), [(5, 30), (8, 254), (9, 300), (50, 300), (100_000, 300)])
def test_d16_the_pauses_grow_and_have_an_end(restarts: int, pause_s: float) -> None:
    assert not may_repair(started(restarts, pause_s / 2))
    assert may_repair(started(restarts, pause_s + 1))


def test_d16_what_died_for_the_first_time_is_started_at_once() -> None:
    assert may_repair(Workload(restarts=0, last_restart_at=None))
    assert may_repair(started(1, 0.001))
