"""Holds what runs against what should run, and starts again what died. Says so on the app's timeline.

Does not touch environments in which a deployment or a retirement is under way: those look after their own.
"""

import logging
import threading
from collections.abc import Collection

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from provisioning.choices import UNFINISHED, OperationKind, WorkloadRole, WorkloadState
from provisioning.containers.engine import engine_for
from provisioning.edge import edge_from_settings
from provisioning.exceptions import ProvisioningError
from provisioning.models import Host, Operation, Workload
from provisioning.rendering.edge import render_edge_site
from provisioning.rendering.specs import parts_of
from provisioning.selectors.certificates import installed_certificates
from provisioning.workflows.fallbacks import reconcile_fallbacks, remove_withdrawn_fallbacks
from provisioning.workflows.instances import ensure_instance
from provisioning.workflows.pauses import may_repair, repair_noted
from provisioning.workflows.specs import container_names, release_spec, role_of, site_spec, with_sites
from tenants.choices import AppState
from tenants.models import Environment, PluginApp
from tenants.services.audit import audit_record

logger = logging.getLogger(__name__)

_one_at_a_time = threading.Lock()


def run() -> None:
    """One round over all hosts. A round that finds another one under way in this process leaves it to that."""
    if not _one_at_a_time.acquire(blocking=False):
        return
    try:
        for host in Host.objects.filter(is_enabled=True):
            try:
                reconcile_host(host)
            except ProvisioningError as error:
                logger.warning("host %s can't be reconciled now: %s", host.name, error)
        try:
            reconcile_fallbacks()
        except ProvisioningError as error:
            logger.warning("what falls back to the host can't be reconciled now: %s", error)
        try:
            reconcile_edge()
            remove_withdrawn_fallbacks()
        except ProvisioningError as error:
            logger.warning("the edge can't be reconciled now: %s", error)
    finally:
        _one_at_a_time.release()


def reconcile_host(host: Host) -> None:
    """Starts the containers of serving workloads that do not run. One call to the engine where all do."""
    wanted = list(_serving(host))
    if not wanted:
        return
    containers = engine_for(host.docker_url).list_workload_containers(settings.INSTALLATION)
    states = {
        container.name: "unhealthy" if container.health == "unhealthy" else container.state for container in containers
    }
    running = {(c.deployment, c.role, c.part) for c in containers if states[c.name] == "running"}
    for workload in wanted:
        # Names and specs are looked up for what is broken alone: this round comes every few seconds.
        parts = parts_of(workload.release.app.stack)
        if all((workload.deployment_id, workload.role, part) in running for part in parts):
            continue
        names = container_names(release_spec(workload.deployment), role_of(workload))
        broken = {name: states.get(name, "missing") for name in names if states.get(name, "missing") != "running"}
        if broken and may_repair(workload):
            _repair(workload, broken)


def _serving(host: Host) -> QuerySet[Workload]:
    busy = Operation.objects.filter(
        environment=OuterRef("environment"), kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED
    )
    return (
        Workload.objects.filter(host=host, state=WorkloadState.SERVING, environment__app__state=AppState.ACTIVE)
        .exclude(role=WorkloadRole.FALLBACK)
        .filter(~Exists(busy))
        .select_related(
            "host",
            "deployment__release__app",
            "deployment__environment__app",
            "release__app",
            "environment__app__organization",
        )
    )


def _repair(workload: Workload, broken: dict[str, str]) -> None:
    started = timezone.now()
    repair_noted(workload)
    found = ", ".join(f"{name} was {state}" for name, state in broken.items())
    app = workload.environment.app
    try:
        ensure_instance(workload, restart_unhealthy=True)
    except ProvisioningError as error:
        message = f"{found}; it could not be started again: {error}"
        action = "workload.repair_failed"
    else:
        took = (timezone.now() - started).total_seconds()
        message = f"{found}; started again in {took:.1f} s"
        action = "workload.repaired"
    audit_record(
        action=action,
        message=message,
        organization=app.organization,
        app=app,
        environment=workload.environment.name,
        release=workload.release,
        data={"role": workload.role, "containers": broken},
    )


def reconcile_edge(environment_id: int | None = None) -> None:
    """Writes the edge's entries that are missing or not what should be served. Unchanged text reloads nothing.

    One of a retired app is removed: who read before the app went, and wrote after it, has put it back. With
    `environment_id` that environment's alone, where something of it is served.
    """
    serving = Workload.objects.filter(environment=OuterRef("pk"), state=WorkloadState.SERVING)
    environments = Environment.objects.filter(Exists(serving), app__state=AppState.ACTIVE)
    if environment_id is not None:
        environments = environments.filter(pk=environment_id)
    certificates = installed_certificates()
    sites: dict[str, str | None] = {}
    for environment in with_sites(environments):
        site = site_spec(environment, certificates)
        sites[site.name] = render_edge_site(site)
    edge = edge_from_settings()
    if environment_id is None:
        sites |= dict.fromkeys(_of_retired(edge.sites() - sites.keys()))
    edge.apply(sites)


def _of_retired(sites: Collection[str]) -> list[str]:
    numbers = {site: site.removeprefix("app").partition("-")[0] for site in sites}
    known = {site: int(number) for site, number in numbers.items() if number.isdecimal()}
    retired = PluginApp.objects.filter(state=AppState.RETIRED, number__in=set(known.values()))
    gone = set(retired.values_list("number", flat=True)) if known else set()
    return sorted(site for site, number in known.items() if number in gone)
