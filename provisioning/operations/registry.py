"""Which workflow does which kind of operation."""

from provisioning.apps.workflow import provision as provision_app
from provisioning.apps.workflow import retire as retire_app
from provisioning.operations import engine
from provisioning.operations.choices import OperationKind
from provisioning.operations.models import Operation
from provisioning.releases.workflow import check as check_release
from provisioning.releases.workflow import deploy as deploy_release

WORKFLOWS = {
    OperationKind.PROVISION_APP: provision_app.WORKFLOW,
    OperationKind.CHECK_RELEASE: check_release.WORKFLOW,
    OperationKind.DEPLOY_RELEASE: deploy_release.WORKFLOW,
    OperationKind.RETIRE_APP: retire_app.WORKFLOW,
}


def run(operation_id: int) -> float | None:
    """Runs the operation as far as it goes. Gives the seconds after which it wants to run again, or None."""
    kind = Operation.objects.filter(pk=operation_id).values_list("kind", flat=True).first()
    return engine.run(operation_id, WORKFLOWS[OperationKind(kind)]) if kind else None
