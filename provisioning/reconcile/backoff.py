"""How often a workload is repaired for one cause: a container that dies again and again must not keep Berth busy.

Each cause has its own count: a repair that fails delays no repair of another fault. All counts end when the workload
was found whole.
"""

from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from provisioning.containers.models import Workload, WorkloadRepair

# The first tries come at once, and further ones after 2, 6, 14, … seconds, at most this many.
MAX_PAUSE = timedelta(minutes=5)
# After so long without a repair for the cause its count begins anew.
SETTLED = timedelta(minutes=10)


def is_due(repair: WorkloadRepair | None, *, now: datetime | None = None) -> bool:
    """Whether the next try may be made now; `repair` is the count of its cause, `None` for one without any try."""
    if repair is None:
        return True
    since = (now or timezone.now()) - repair.last_try_at
    return since > min(timedelta(seconds=2 ** min(repair.tries, 10) - 2), MAX_PAUSE)


def may_repair(workload: Workload, cause: str) -> bool:
    return is_due(workload.repairs.filter(cause=cause).first())


def repair_noted(workload: Workload, cause: str) -> None:
    """Counts a try, and forgets why the last one failed."""
    now = timezone.now()
    repair, _is_new = WorkloadRepair.objects.get_or_create(
        workload=workload, cause=cause, defaults={"last_try_at": now}
    )
    tries = 1 if now - repair.last_try_at > SETTLED else F("tries") + 1
    WorkloadRepair.objects.filter(pk=repair.pk).update(tries=tries, last_try_at=now, error="")


def repair_failed(workload: Workload, cause: str, *, error: str) -> None:
    """The doctor shows why the last try has failed."""
    workload.repairs.filter(cause=cause).update(error=error)


def repairs_settled(workload: Workload) -> None:
    """The workload is whole: whatever breaks next is repaired at once."""
    workload.repairs.all().delete()
