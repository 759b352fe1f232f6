"""Which workflow does which kind of operation."""

from provisioning.choices import OperationKind
from provisioning.models import Operation
from provisioning.operations import engine
from provisioning.workflows import check_release, deploy_release, provision_app, retire_app

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
