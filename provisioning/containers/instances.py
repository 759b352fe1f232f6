"""The containers of one workload: started again where they are missing, removed where they are no longer wanted."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet

from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.docker_engine import engine_for
from provisioning.containers.models import Workload
from provisioning.containers.rendering.compose import service_names
from provisioning.containers.start import start_containers
from provisioning.edge.fallback import fallback_from_settings
from provisioning.inventory import leases
from provisioning.inventory.choices import Transport
from provisioning.inventory.models.host import Host
from provisioning.inventory.transport import TargetSpec, transport_for
from provisioning.releases.workflow.specs import engine_seen_from, fallback_spec, release_spec, role_of


def target_of(host: Host) -> TargetSpec:
    return TargetSpec(
        name=host.name,
        transport="ssh" if host.transport == Transport.SSH else "local",
        address=host.address,
        ssh_user=host.ssh_user,
        ssh_port=host.ssh_port,
        ssh_known_host=host.ssh_known_host,
        ssh_key_path=settings.SSH_KEY_PATH,
    )


def ensure_instance(workload: Workload) -> None:
    """Makes what is missing of the workload's containers, and starts what does not run.

    Labels decide there, too: a stranger's container under one of the names is not started, but an error.
    """
    spec = release_spec(workload.deployment)
    engine_for(workload.host.docker_url).ensure_network(
        spec.environment_name, spec.subnet, spec.bridge, settings.INSTALLATION
    )
    start_containers(
        target_of(workload.host),
        spec,
        services=service_names(spec.stack, role_of(workload)),
        docker_url=engine_seen_from(workload.host),
    )


def remove_workloads(workloads: QuerySet[Workload]) -> Iterable[Workload]:
    """Stops and removes what serves the workloads, gives their ports back. Requests under way are finished."""
    removed = []
    rows = workloads.select_related("host", "port_lease", "deployment", "release__app", "environment")
    for deployment in {workload.deployment for workload in rows}:
        mine = [workload for workload in rows if workload.deployment_id == deployment.pk]
        fallbacks = [fallback_spec(workload).name for workload in mine if workload.role == WorkloadRole.FALLBACK]
        if fallbacks:
            fallback_from_settings().remove(fallbacks)
        # The containers of the deployment are all of them: a fallback alone goes without touching those.
        if len(mine) > len(fallbacks):
            engine_for(mine[0].host.docker_url).remove_deployment(settings.INSTALLATION, deployment.pk)
        for workload in mine:
            leases.port_release(lease=workload.port_lease)
            Workload.objects.filter(pk=workload.pk).update(state=WorkloadState.REMOVED)
            removed.append(workload)
    return removed


def remove_release_trees(host: Host, paths: Iterable[str]) -> None:
    transport = transport_for(target_of(host))
    for path in paths:
        transport.remove_tree(path)
