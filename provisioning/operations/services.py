"""The only place that makes operations."""

from django.db import IntegrityError

from provisioning.inventory.models.host import Host
from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.models import Deployment, Operation
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.models.zone import Zone
from tenants.people.models.user import User
from tenants.releases.models.release import Release


def operation_ensure(
    *,
    kind: OperationKind,
    app: PluginApp | None = None,
    release: Release | None = None,
    domain: CustomDomain | None = None,
    zone: Zone | None = None,
    host: Host | None = None,
) -> Operation:
    """The unfinished operation of this kind on the subject, made if there is none. Safe under concurrent callers.

    The subject is an app (or one of its releases), a domain, a zone or a host. Raises `TypeError` unless it is one.
    """
    if sum(one is not None for one in (app, domain, zone, host)) != 1 or (release is not None and app is None):
        raise TypeError("an operation has exactly one subject: an app, a domain, a zone or a host")
    environment = release.environment if release else None
    if domain is not None:
        environment = domain.environment
        app = environment.app
    subject = {"app": app, "release": release, "domain": domain, "zone": zone, "host": host}
    unfinished = Operation.objects.filter(kind=kind, state__in=UNFINISHED, **subject)
    found = unfinished.first()
    if found is not None:
        return found
    try:
        with unit_of_work():
            operation = Operation.objects.create(kind=kind, environment=environment, **subject)
            audit_record(
                action="operation.requested",
                message=f"{operation.get_kind_display()} of {release or domain or app or zone or host} requested",
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
