"""What a deployment is about, read anew."""

from provisioning.operations.engine import Cancelled, Run
from tenants.apps.choices import AppState
from tenants.apps.models.environment import Environment
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release


def subject_of(run: Run) -> tuple[Release, Environment]:
    """The release and its environment. Raises `Cancelled` where the app is going."""
    operation = run.operation
    if operation.release is None or operation.environment is None:
        raise TypeError(f"operation {operation.pk} deploys nothing")
    operation.release.refresh_from_db()
    run.app.refresh_from_db()
    if run.app.state != AppState.ACTIVE or operation.release.state == ReleaseState.CANCELLED:
        raise Cancelled
    return operation.release, operation.environment
