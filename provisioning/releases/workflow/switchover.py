"""The part of a deployment on host and edge: health check, switch, a look from outside, standby, the old ones' end."""

from functools import partial

from django.conf import settings
from django.db import transaction

from provisioning.certificates.selectors import installed_certificates
from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.containers.docker_engine import engine_for
from provisioning.containers.instances import ensure_instance, remove_release_trees, remove_workloads
from provisioning.edge import edge_from_settings, probes
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.exceptions import (
    OperatorError,
    PageUnhealthy,
    PermanentError,
    ReleaseUnhealthy,
)
from provisioning.operations.engine import Run
from provisioning.operations.failures import failure_text
from provisioning.operations.subject import subject_of
from provisioning.releases.workflow.draining import drain_old_workloads, drained_by
from provisioning.releases.workflow.health import look_until_healthy
from provisioning.releases.workflow.reachability import ensure_names_answer
from provisioning.releases.workflow.specs import container_names, release_home, release_spec, site_spec
from tenants.apps.models.environment import Environment
from tenants.releases.choices import ReleaseState

# An answer of the edge that is bad for so long stays so.
EDGE_PATIENCE_S = 2.0
# What the edge answers by itself where it does not know the name, or reaches no container.
EDGE_STATUSES = {404, 421, 429, 502, 503, 504}


def ensure_healthy(run: Run) -> None:
    """The new live workload answers its health check, or the deployment fails with its containers' last words."""
    subject_of(run)
    spec = release_spec(run.operation)
    live = next(instance for instance in spec.instances if instance.role == "live")
    names = container_names(spec, "live")
    workload = run.operation.workloads.select_related("host", "environment__app", "release").get(role=WorkloadRole.LIVE)
    engine = engine_for(workload.host.docker_url)

    def ask(timeout_s: float) -> tuple[str, bool]:
        return probes.probe(
            address=live.address,
            port=live.port,
            hostname=spec.hostnames[0],
            path=spec.health_check_path,
            timeout_s=timeout_s,
        )

    def has_ended() -> bool:
        return any(state in {"exited", "dead", "missing"} for state in engine.states(names).values())

    limit_s = settings.HEALTH_DEADLINE_S
    health = look_until_healthy(ask, deadline_s=limit_s, has_ended=has_ended, is_over=run.lost.is_set)
    if health.is_healthy:
        run.note(f"GET {spec.health_check_path}: {health.answer} after {health.took_s:.2f} s")
        return
    run.write()  # a worker that lost its lease judges nobody
    summary = (
        f"GET {spec.health_check_path} of the new containers: {health.answer} "
        f"(the developer must make the plugin answer 2xx or 3xx within {limit_s} s)"
    )
    # The plugin's own container speaks first: what the sidecar says is mostly that the other one is not there.
    raise ReleaseUnhealthy(failure_text(summary, workload, names[::-1]))


def ensure_edge_switched(run: Run) -> None:
    """Points the edge at the new workloads. nginx takes the whole configuration or keeps the old one."""
    _release, environment = subject_of(run)
    with transaction.atomic():
        run.write()
        drain_old_workloads(run, environment)
        run.operation.workloads.filter(state=WorkloadState.STARTING).update(state=WorkloadState.SERVING)
    _apply_site(environment)


def ensure_reachable(run: Run) -> None:
    """Its names are found as the zone's policy asks, and the page answers at each, through the edge."""
    release, environment = subject_of(run)
    path = release.configuration["health_check_path"]
    certificates = installed_certificates()
    public = ensure_names_answer(run, environment)
    addresses = list(dict.fromkeys([settings.EDGE_PROBE_ADDRESS, *public]))
    for hostname in environment.subdomains.values_list("hostname", flat=True):
        # Where HTTP is sent to HTTPS, its answer says nothing of the page. Whose certificate it is, others look at.
        is_https = settings.EDGE_HTTPS_REDIRECT and certificates.has(hostname)
        port, tls = (settings.EDGE_TLS_PORT, probes.trusting_any()) if is_https else (settings.EDGE_PORT, None)
        for address in addresses:
            ask = partial(probes.probe, address=address, port=port, hostname=hostname, path=path, tls=tls)
            health = look_until_healthy(
                lambda timeout_s, ask=ask: ask(timeout_s=timeout_s),  # type: ignore[misc]
                deadline_s=settings.HEALTH_DEADLINE_S,
                patience_s=EDGE_PATIENCE_S,
                is_over=run.lost.is_set,
            )
            where = f"{'https' if is_https else 'http'}://{hostname}:{port}{path} at {address}"
            if not health.is_healthy:
                run.write()  # as above
                raise _unreachable(run, where, hostname, health.answer)
            run.note(f"{where}: {health.answer}")


def _unreachable(run: Run, where: str, hostname: str, answer: str) -> PermanentError:
    """Whose move it is. The same is asked of the container itself: an answer that only the edge gives is the edge's."""
    workload = run.operation.workloads.select_related("host", "environment__app", "release").get(role=WorkloadRole.LIVE)
    spec = release_spec(run.operation)
    direct, is_healthy = probes.probe(
        address=workload.host.address,
        port=workload.port,
        hostname=hostname,
        path=spec.health_check_path,
        timeout_s=settings.HEALTH_DEADLINE_S,
    )
    status = probes.status_of(answer)
    if is_healthy and (status is None or status in EDGE_STATUSES):
        return OperatorError(
            f"{where}: {answer}, though the container answers {direct}: "
            "an operator must look at the edge's error log, then deploy the release again"
        )
    summary = (
        f"{where}: {answer} (the container answers {direct}; "
        "the developer must make the plugin answer 2xx or 3xx at each of its hostnames)"
    )
    return PageUnhealthy(failure_text(summary, workload, container_names(spec, "live")[::-1]))


def ensure_standby(run: Run) -> None:
    """The standby of the same release runs beside the live workload. The reconciler keeps both from now on."""
    standby = run.operation.workloads.filter(role=WorkloadRole.STANDBY, state=WorkloadState.SERVING).first()
    if standby is None:
        run.note("this environment has no standby")
        return
    try:
        ensure_instance(standby)
    except PermanentError as error:
        run.note(f"the standby did not start: {error}; the reconciler tries again")


def put_back(run: Run) -> None:
    operation, environment, release = run.operation, run.operation.environment, run.operation.release
    if environment is None or release is None:
        return
    release.refresh_from_db()
    if release.state == ReleaseState.LIVE:
        return
    with transaction.atomic():
        run.write()
        switched = operation.workloads.filter(state=WorkloadState.SERVING).update(state=WorkloadState.STARTING)
        if switched:
            drained_by(operation, environment).exclude(deployment=operation).update(state=WorkloadState.SERVING)
    if switched:
        _apply_site(environment)
    new = operation.workloads.exclude(state=WorkloadState.REMOVED)
    hosts = [workload.host for workload in new.select_related("host")]
    remove_workloads(new)
    for host in hosts[:1]:
        remove_release_trees(host, [str(release_home(release, host))])


def _apply_site(environment: Environment) -> None:
    site = site_spec(environment)
    edge_from_settings().apply({site.name: render_edge_site(site) if site.servers else None})
