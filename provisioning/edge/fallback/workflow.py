"""Environments that fall back to the host: made ready in a deployment, kept by the reconciler, taken away again.

None of it asks a Docker Engine anything: that one does not answer is what it is for.
"""

import contextlib
import json
import logging
import socket
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.instances import remove_workloads
from provisioning.containers.models import Workload
from provisioning.edge.fallback import HostFallback, fallback_from_settings, missing_extensions, refusal
from provisioning.exceptions import ProvisioningError
from provisioning.inventory import leases
from provisioning.inventory.choices import Transport
from provisioning.inventory.models.host import Host
from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.engine import Run
from provisioning.operations.models import Operation
from provisioning.operations.subject import subject_of
from provisioning.reconcile.backoff import may_repair, repair_failed, repair_noted, repairs_settled
from provisioning.releases.workflow.specs import fallback_spec
from tenants.apps.choices import AppState, Fallback
from tenants.apps.models.environment import Environment
from tenants.audit.services.record import audit_record
from tenants.releases.models.release import Release

logger = logging.getLogger(__name__)

# A port that a stranger was found on is not tried again for so long.
STRANGERS_REST = timedelta(days=1)
# After so long without a repair it starts at once again, whatever it lacks.
WHOLE_FOR = timedelta(seconds=30)


def fallback_refusal(release: Release, environment: Environment, host: Host) -> str:
    """Why the environment can't fall back to the host although it should; empty where it can, or need not."""
    if environment.fallback != Fallback.HOST:
        return ""
    if host.transport != Transport.LOCAL:
        return (
            f"{host.name} is not the edge's own machine: an operator must run the app there, or choose another fallback"
        )
    return refusal(release.app.stack)


def tell_refusal(release: Release, environment: Environment, why: str) -> None:
    audit_record(
        action="fallback.refused",
        message=f"a standby takes the place of the fallback to the host: {why}",
        organization=environment.app.organization,
        app=environment.app,
        environment=environment.name,
        release=release,
    )


def ensure_fallback(run: Run) -> None:
    """Tree and pool of the new release are there before the edge knows of them. One that is not keeps nothing back."""
    release, _environment = subject_of(run)
    workload = _rows().filter(deployment=run.operation, role=WorkloadRole.FALLBACK).first()
    if workload is None:
        run.note("nothing to do: this environment does not fall back to the host")
        return
    try:
        if workload.state == WorkloadState.STARTING:
            _avoid_strangers(workload)
        _ensure(workload)
    except ProvisioningError as error:
        run.note(f"the host can't serve the release yet: {error}; the reconciler tries again")
        _record(workload, "fallback.repair_failed", f"the host can't serve the release without containers: {error}")
        return
    run.note(f"127.0.0.1:{workload.port} serves the release without containers")
    missing = missing_extensions() if release.app.stack == "php" else []
    if missing:
        run.note(f"the host's PHP lacks what the containers' has: {', '.join(missing)}")


def reconcile_fallbacks() -> None:
    """Makes whole what should serve, and withdraws what should not any more. Says so on the app's timeline."""
    home = fallback_from_settings()
    present = home.names()
    serving = _rows().filter(role=WorkloadRole.FALLBACK, state=WorkloadState.SERVING).prefetch_related("repairs")
    for workload in serving.filter(~Exists(_busy()), environment__app__state=AppState.ACTIVE):
        if workload.environment.fallback != Fallback.HOST:
            Workload.objects.filter(pk=workload.pk, state=WorkloadState.SERVING).update(state=WorkloadState.DRAINING)
            _record(workload, "fallback.withdrawn", "the host serves the release no longer when its containers do not")
        else:
            _repair(workload, _lacking(home, workload))
    # What a worker that died in the middle has left behind.
    known = _rows().filter(role=WorkloadRole.FALLBACK).exclude(state=WorkloadState.REMOVED)
    strays = present - {fallback_spec(workload).name for workload in known}
    if strays:
        with _told("leftovers of fallbacks"):
            home.remove(sorted(strays))


def remove_withdrawn_fallbacks() -> None:
    """Once the edge knows nothing of them any more."""
    withdrawn = Workload.objects.filter(role=WorkloadRole.FALLBACK, state=WorkloadState.DRAINING)
    withdrawn = withdrawn.filter(~Exists(_busy()))
    if withdrawn.exists():
        with _told("withdrawn fallbacks"):
            remove_workloads(withdrawn)


def _rows() -> QuerySet[Workload]:
    return Workload.objects.select_related("host", "release__app", "environment__app__organization", "port_lease")


def _busy() -> QuerySet[Operation]:
    return Operation.objects.filter(
        environment=OuterRef("environment"), kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED
    )


def _ensure(workload: Workload) -> bool:
    return fallback_from_settings().ensure(fallback_spec(workload), json.loads(workload.release.variables))


def _lacking(home: HostFallback, workload: Workload) -> str:
    try:
        return home.lacking(fallback_spec(workload))
    except ProvisioningError:
        # What it is `ensure` says.
        return "home not readable"


def _repair(workload: Workload, cause: str) -> None:
    """Makes what is lacking, at once when it is found for the first time, and after growing pauses while it fails."""
    if not cause:
        # One that comes and goes is not settled.
        if all(timezone.now() - repair.last_try_at > WHOLE_FOR for repair in workload.repairs.all()):
            repairs_settled(workload)
        return
    if not may_repair(workload, cause):
        return
    repair_noted(workload, cause)
    try:
        _ensure(workload)
    except ProvisioningError as error:
        repair_failed(workload, cause, error=str(error))
        _record(
            workload, "fallback.repair_failed", f"{cause}: the host can't serve the release without containers: {error}"
        )
        return
    _record(workload, "fallback.repaired", f"{cause}: the host can serve the release without containers again")


def _avoid_strangers(workload: Workload) -> None:
    """Leases another port while a stranger listens on the one there is: nginx would refuse all of its configuration."""
    while not _is_free(workload.port):
        with transaction.atomic():
            leases.port_release(lease=workload.port_lease, rest=STRANGERS_REST)
            lease = leases.port_lease(host=workload.host, use=workload.port_lease.use)
            workload.port_lease, workload.port = lease, lease.port
            workload.save(update_fields=["port_lease", "port"])


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except ProvisioningError as error:
        logger.warning("%s can't be removed now: %s", what, error)


def _record(workload: Workload, action: str, message: str) -> None:
    app = workload.environment.app
    audit_record(
        action=action,
        message=message,
        organization=app.organization,
        app=app,
        environment=workload.environment.name,
        release=workload.release,
        data={"role": workload.role},
    )
