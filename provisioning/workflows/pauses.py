"""How often a workload is repaired: what keeps dying must not keep everybody busy."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from provisioning.models import Workload

# A workload that keeps dying is started again at once, then after 2, 4, 8, … seconds, at most this many.
MAX_PAUSE = timedelta(minutes=5)
# A workload that ran for so long starts again at once, whatever it did before.
SETTLED = timedelta(minutes=10)


def may_repair(workload: Workload) -> bool:
    if workload.last_restart_at is None:
        return True
    since = timezone.now() - workload.last_restart_at
    if since > SETTLED:
        Workload.objects.filter(pk=workload.pk).update(restarts=0)
        return True
    return since > min(timedelta(seconds=2 ** min(workload.restarts, 10) - 2), MAX_PAUSE)


def repair_noted(workload: Workload) -> None:
    Workload.objects.filter(pk=workload.pk).update(restarts=F("restarts") + 1, last_restart_at=timezone.now())
