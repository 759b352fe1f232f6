"""The only place that makes operations."""

from django.db import IntegrityError

from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.models import Deployment, Operation
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.people.models.user import User
from tenants.releases.models.release import Release


def operation_ensure(*, kind: OperationKind, app: PluginApp, release: Release | None = None) -> Operation:
    """The unfinished operation of this kind, made where there is none. Safe under concurrent callers."""
    unfinished = Operation.objects.filter(kind=kind, app=app, release=release, state__in=UNFINISHED)
    found = unfinished.first()
    if found is not None:
        return found
    try:
        with unit_of_work():
            operation = Operation.objects.create(
                kind=kind, app=app, release=release, environment=release.environment if release else None
            )
            audit_record(
                action="operation.requested",
                message=f"{operation.get_kind_display()} of {release or app} requested",
                app=app,
                release=release,
                obj=operation,
                after={"kind": kind, "state": operation.state},
            )
            return operation
    except IntegrityError:
        return unfinished.get()


def deployment_create(*, release: Release, requested_by: User | None, is_rollback: bool = False) -> Deployment | None:
    """A deployment of an approved release. None where another one is under way in its environment."""
    try:
        with unit_of_work():
            deployment = Deployment.objects.create(
                kind=OperationKind.DEPLOY_RELEASE,
                app=release.app,
                environment=release.environment,
                release=release,
                requested_by=requested_by,
                is_rollback=is_rollback,
            )
            audit_record(
                action="deployment.requested",
                message=f"Deployment of release {release.number} to {release.environment.name} requested"
                + (" as a rollback" if is_rollback else ""),
                actor=requested_by,
                organization=release.app.organization,
                app=release.app,
                environment=release.environment.name,
                release=release,
                obj=deployment,
                after={"release": release.number, "is_rollback": is_rollback, "state": deployment.state},
                data={"deployment": deployment.pk},
            )
            return deployment
    except IntegrityError:
        return None
