"""Holds what runs against what should run, and starts again what died. Says so on the app's timeline.

Does not touch environments in which a deployment or a retirement is under way: those look after their own.
"""

import logging
from collections.abc import Collection, Mapping
from functools import partial

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from provisioning.certificates.selectors import installed_certificates
from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.docker_engine import engine_for
from provisioning.containers.models import Workload, WorkloadRepair
from provisioning.edge import edge_from_settings, probes
from provisioning.edge.fallback.workflow import reconcile_fallbacks, remove_withdrawn_fallbacks
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.exceptions import LeaseLost, ProvisioningError
from provisioning.inventory.models.host import Host
from provisioning.operations.choices import UNFINISHED, OperationKind, RoundKind
from provisioning.operations.lease import Lease
from provisioning.operations.models import Operation
from provisioning.operations.rounds import Round, round_held
from provisioning.reconcile.backoff import is_due, repairs_settled
from provisioning.reconcile.examination import Seen, by_place, close_look, first_look, is_settled, strangers_named
from provisioning.reconcile.repair_table import Finding
from provisioning.reconcile.repairs import repair
from provisioning.releases.workflow.specs import site_spec, with_sites
from tenants.apps.choices import AppState
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp

logger = logging.getLogger(__name__)

# Every workload gets a close look in one of so many rounds: once a minute, with a round every three seconds.
CLOSE_LOOK_EACH = 20
# A standby that takes longer serves all the same, and live is stopped for a repair in a later round.
ANSWER_TIMEOUT_S = 10


def run() -> None:
    """One round over all hosts, then the edge. A host, or the edge, that another worker is at is left to that one."""
    for host in Host.objects.filter(is_enabled=True):
        with round_held(RoundKind.RECONCILE_HOST, host=host) as lease:
            if lease is not None:
                _reconcile(host, lease)
    with round_held(RoundKind.RECONCILE_EDGE) as lease:
        if lease is not None:
            _reconcile_edge(lease)


def _reconcile(host: Host, lease: Lease[Round]) -> None:
    try:
        reconcile_host(host, lease)
    except LeaseLost:
        logger.warning("another worker reconciles host %s", host.name)
    except ProvisioningError as error:
        logger.warning("host %s can't be reconciled now: %s", host.name, error)


def _reconcile_edge(lease: Lease[Round]) -> None:
    try:
        try:
            reconcile_fallbacks()
        except ProvisioningError as error:
            logger.warning("what falls back to the host can't be reconciled now: %s", error)
        lease.write()
        try:
            reconcile_edge()
            lease.write()
            remove_withdrawn_fallbacks()
        except ProvisioningError as error:
            logger.warning("the edge can't be reconciled now: %s", error)
    except LeaseLost:
        logger.warning("another worker reconciles the edge")


def reconcile_host(host: Host, lease: Lease[Round], *, closely: bool | None = None) -> None:
    """Mends the containers of serving workloads. One call to the engine where all are as they should be.

    Each round looks closely at a share of them, and at each of them about once a minute. With `closely` it looks so at
    all, or at none. Raises `LeaseLost`: a worker that lost the host mends nothing more.
    """
    wanted = list(_serving(host))
    if not wanted:
        return
    containers = by_place(engine_for(host.docker_url).list_workload_containers(settings.INSTALLATION))
    turn = lease.fence % CLOSE_LOOK_EACH
    seen = {workload.pk: first_look(workload, containers) for workload in wanted}
    for workload in wanted:
        found = seen[workload.pk]
        counts = {repair.cause: repair for repair in workload.repairs.all()}
        try:
            if counts and is_settled(workload, found):
                repairs_settled(workload)
            strangers_named(workload, found)
            is_turn = closely is None and workload.pk % CLOSE_LOOK_EACH == turn
            if closely or is_turn or _due(found, counts):
                close_look(workload, found)
        except ProvisioningError as error:
            logger.warning("%s can't be looked at closely now: %s", workload, error)
        due = _due(found, counts)
        # A deployment may have begun, or ended, since the list was read: its containers are none to mend.
        if due and _serving(host).filter(pk=workload.pk).exists():
            lease.write()
            repair(workload, found, due, may_interrupt=partial(_may_interrupt, workload, wanted, seen))


def _due(seen: Seen, counts: Mapping[str, WorkloadRepair]) -> list[Finding]:
    return [finding for finding in seen.findings if is_due(counts.get(finding.cause))]


def _may_interrupt(workload: Workload, all_: Collection[Workload], seen: Mapping[int, Seen]) -> bool:
    """Live is stopped for a repair only while its standby answers, if it has one, or if it does not answer itself."""
    if workload.role != WorkloadRole.LIVE:
        return True
    others = [one for one in all_ if one.environment_id == workload.environment_id and one.pk != workload.pk]
    return all(not seen[other.pk].findings and _answers(other) for other in others) or not _answers(workload)


def _answers(workload: Workload) -> bool:
    snapshot = workload.release.configuration
    _answer, is_good = probes.probe(
        address=workload.host.address,
        port=workload.port,
        hostname=snapshot["hostnames"][0],
        path=snapshot["health_check_path"],
        timeout_s=ANSWER_TIMEOUT_S,
    )
    return is_good


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
        .prefetch_related("repairs")
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
