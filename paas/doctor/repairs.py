"""What the reconciler could not mend, with whose move it is, as it was told when it was tried last."""

from collections.abc import Sequence

from paas.doctor.check import Check, Failed
from provisioning.containers.choices import WorkloadState
from provisioning.containers.models import WorkloadRepair

SHOWN = 5


def checks() -> Sequence[Check]:
    return [Check("repairs", _repairs)]


def _repairs() -> str:
    failed = (
        WorkloadRepair.objects.filter(workload__state=WorkloadState.SERVING)
        .exclude(error="")
        .select_related("workload__release__app", "workload__environment")
    )
    said = [_said(repair) for repair in failed[:SHOWN]]
    if said:
        more = failed.count() - len(said)
        raise Failed("; ".join(said) + (f"; and {more} more" if more else ""))
    return "nothing that serves waits for one"


def _said(repair: WorkloadRepair) -> str:
    workload = repair.workload
    where = f"{workload.release.app.public_id} {workload.environment.name}, {workload.role}"
    return f"{where}: {repair.cause}: {repair.error}"
