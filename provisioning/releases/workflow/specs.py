"""From rows to the frozen values that rendering and drivers take."""

from pathlib import PurePosixPath

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from provisioning.certificates.selectors import InstalledCertificates, installed_certificates
from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.models import Workload
from provisioning.edge import edge_spec_from_settings
from provisioning.inventory.choices import Transport, UidUse
from provisioning.inventory.leases import subnet_lease, uid_lease
from provisioning.inventory.models.host import Host
from provisioning.operations.models import Operation
from provisioning.rendering.specs import (
    FallbackSpec,
    InstanceSpec,
    ReleaseSpec,
    Role,
    SiteSpec,
    UpstreamServer,
    environment_name,
    parts_of,
)
from tenants.apps.choices import Fallback
from tenants.apps.models.environment import Environment
from tenants.names.selectors.domains import served_hostnames, with_served_hostnames
from tenants.releases.models.release import Release

DEFAULT_INSTALLATION = "berth"
LOCAL_ENGINE = "unix:///var/run/docker.sock"


def installation_prefix() -> str:
    return "" if settings.INSTALLATION == DEFAULT_INSTALLATION else settings.INSTALLATION


def release_home(release: Release, host: Host) -> PurePosixPath:
    app, environment = release.app.public_id, release.environment.name
    return PurePosixPath(host.releases_home) / app / environment / str(release.number)


def release_spec(deployment: Operation) -> ReleaseSpec:
    """How the deployment's release shall run: its snapshot, and what was leased for it."""
    release, environment = deployment.release, deployment.environment
    if release is None or environment is None:
        raise TypeError(f"operation {deployment.pk} deploys nothing")
    workloads = list(deployment.workloads.select_related("host").order_by("pk"))
    snapshot = release.configuration
    return ReleaseSpec(
        installation=installation_prefix(),
        app_id=release.app.public_id,
        environment=environment.name,
        number=release.number,
        deployment=deployment.pk,
        stack=release.app.stack,
        stack_version=release.stack_version,
        hostnames=tuple(snapshot["hostnames"]),
        memory_mib=snapshot["memory_mib"],
        cpu_millis=snapshot["cpu_millis"],
        pids=snapshot["pids"],
        disk_mib=snapshot["disk_mib"],
        health_check_path=snapshot["health_check_path"],
        uid=uid_lease(app=release.app),
        sidecar_uid=uid_lease(app=release.app, use=UidUse.SIDECAR),
        subnet=str(subnet_lease(environment=environment)),
        home=release_home(release, workloads[0].host),
        instances=tuple(
            InstanceSpec(role=role_of(workload), address=workload.host.address, port=workload.port)
            for workload in workloads
            if workload.role != WorkloadRole.FALLBACK
        ),
    )


def role_of(workload: Workload) -> Role:
    return "standby" if workload.role == WorkloadRole.STANDBY else "live"


def with_sites(environments: QuerySet[Environment]) -> QuerySet[Environment]:
    """The environments with all that `site_spec` reads: a fixed number of queries, however many environments."""
    serving = Workload.objects.filter(state=WorkloadState.SERVING).select_related("host")
    return with_served_hostnames(environments.select_related("app")).prefetch_related(
        Prefetch("workloads", queryset=serving, to_attr="serving_workloads")
    )


def site_spec(environment: Environment, certificates: InstalledCertificates | None = None) -> SiteSpec:
    """What the edge shall serve for the environment now: its serving workloads, the live one first.

    Whoever asks for many gives what `installed_certificates` says, which is then looked up once.
    """
    hostnames = served_hostnames(environment)
    serving = getattr(environment, "serving_workloads", None)
    if serving is None:
        serving = environment.workloads.filter(state=WorkloadState.SERVING).select_related("host")
    ordered = sorted(serving, key=lambda workload: workload.role != WorkloadRole.LIVE)
    fallback = next((workload for workload in ordered if workload.role == WorkloadRole.FALLBACK), None)
    return SiteSpec(
        app_id=environment.app.public_id,
        environment=environment.name,
        hostnames=hostnames,
        certificates=(certificates or installed_certificates()).of(hostnames),
        servers=tuple(_server(workload) for workload in ordered),
        fallback=fallback_spec(fallback) if fallback else None,
    )


def _server(workload: Workload) -> UpstreamServer:
    # The edge itself answers there, and for itself alone.
    address = "127.0.0.1" if workload.role == WorkloadRole.FALLBACK else workload.host.address
    return UpstreamServer(address=address, port=workload.port, is_backup=workload.role != WorkloadRole.LIVE)


def fallback_spec(workload: Workload) -> FallbackSpec:
    """How the edge's own machine serves the workload's release, within the limits that it was approved with."""
    release, snapshot = workload.release, workload.release.configuration
    return FallbackSpec(
        app_id=release.app.public_id,
        environment=workload.environment.name,
        deployment=workload.deployment_id,
        stack=release.app.stack,
        port=workload.port,
        uid=uid_lease(app=release.app),
        memory_mib=snapshot["memory_mib"],
        pids=snapshot["pids"],
        disk_mib=snapshot["disk_mib"],
        home=PurePosixPath(settings.FALLBACK_HOME),
        code=release_home(release, workload.host) / "code",
        worker_user=edge_spec_from_settings().user or "root",
    )


def roles_of(environment: Environment, *, can_fall_back: bool = True) -> tuple[WorkloadRole, ...]:
    """The live workload, and what answers while it does not: where the host can't, containers do as for others."""
    match environment.fallback:
        case Fallback.HOST if can_fall_back:
            return (WorkloadRole.LIVE, WorkloadRole.FALLBACK)
        case Fallback.HOST | Fallback.STANDBY:
            return (WorkloadRole.LIVE, WorkloadRole.STANDBY)
    return (WorkloadRole.LIVE,)


def container_names(spec: ReleaseSpec, role: Role) -> list[str]:
    return [spec.container(role, part) for part in parts_of(spec.stack)]


def target_line(release: Release, host: Host) -> str:
    """The host as `deploy.sh` takes it: `local HOME`, or `ssh USER@ADDRESS:PORT HOME`."""
    home = release_home(release, host)
    if host.transport == Transport.SSH:
        return f"ssh {host.ssh_user}@{host.address}:{host.ssh_port} {home}"
    return f"local {home}"


def engine_seen_from(host: Host) -> str:
    """The Docker Engine's URL for a command that runs on the host itself."""
    return host.docker_url if host.transport == Transport.LOCAL else LOCAL_ENGINE


def environment_docker_name(environment: Environment) -> str:
    """What `ReleaseSpec.environment_name` says, without a release."""
    return environment_name(installation_prefix(), environment.app.public_id, environment.name)
