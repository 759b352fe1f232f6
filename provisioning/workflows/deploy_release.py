"""Makes an approved release live, and leaves the old one serving where that fails.

Management repository and pipeline, new containers beside the old ones, health check, edge, a look through the edge,
standby, and then the old containers go. Does not decide whether a release may go live: a review did, and the first
step holds the release against it.
"""

import base64
import hmac
import json
import time

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from provisioning import leases, probes
from provisioning.choices import WorkloadRole, WorkloadState
from provisioning.containers.engine import engine_for
from provisioning.containers.images import image_tags
from provisioning.edge import edge_from_settings
from provisioning.exceptions import (
    DigestChanged,
    OperatorError,
    PermanentError,
    ReleaseRefused,
    ReleaseUnhealthy,
    RetryableError,
)
from provisioning.forge import contents, pipelines
from provisioning.forge.client import forge_from_settings
from provisioning.models import Workload
from provisioning.placement import choose_host
from provisioning.rendering.compose import render_variables_override
from provisioning.rendering.edge import render_edge_site
from provisioning.rendering.pipeline import render_deploy_script, render_gitlab_ci
from provisioning.rendering.release import configuration_sha256, render_release
from provisioning.services.repositories import repository_of
from provisioning.workflows.engine import Cancelled, Run, Wait, Workflow, steps
from provisioning.workflows.instances import ensure_instance, remove_workloads
from provisioning.workflows.provision_app import renew_pipeline_credential
from provisioning.workflows.specs import (
    container_names,
    release_spec,
    roles_of,
    service_names,
    site_spec,
    target_line,
)
from tenants.choices import AppState, ReleaseState, ReviewDecision
from tenants.models import Environment, Release
from tenants.services import releases

PIPELINE_LOOK_S = 0.15
# A worker's thread watches a pipeline for so long before it lets go and comes back.
PIPELINE_WATCH_S = 10
PIPELINE_PAUSE_S = 2
HEALTH_DEADLINE_S = 30
HEALTH_LOOK_S = 0.05
# Requests that the old edge workers took before the switch still find the old containers.
DRAIN_S = 2


def _subject(run: Run) -> tuple[Release, Environment]:
    """The release and its environment. Raises `Cancelled` where the app is going."""
    operation = run.operation
    if operation.release is None or operation.environment is None:
        raise TypeError(f"operation {operation.pk} deploys nothing")
    operation.release.refresh_from_db()
    operation.app.refresh_from_db()
    if operation.app.state != AppState.ACTIVE or operation.release.state == ReleaseState.CANCELLED:
        raise Cancelled
    return operation.release, operation.environment


def ensure_approved(run: Run) -> None:
    """Holds what would be deployed against what a reviewer approved: commit, stack, configuration, variables."""
    release, _environment = _subject(run)
    review = release.reviews.filter(decision=ReviewDecision.APPROVE).first()
    if review is None:
        raise DigestChanged("nobody approved this release: ask a reviewer")
    snapshot = release.configuration
    digest = releases.release_digest(
        commit_sha=release.commit_sha,
        stack=snapshot["stack"],
        stack_version=release.stack_version,
        configuration_sha256=configuration_sha256(
            app_id=release.app.public_id,
            environment=release.environment.name,
            stack=snapshot["stack"],
            stack_version=release.stack_version,
            hostnames=tuple(snapshot["hostnames"]),
            memory_mib=snapshot["memory_mib"],
            cpu_millis=snapshot["cpu_millis"],
            pids=snapshot["pids"],
            disk_mib=snapshot["disk_mib"],
            health_check_path=snapshot["health_check_path"],
        ),
        variables=json.loads(release.variables),
    )
    if not hmac.compare_digest(digest, review.digest):
        raise DigestChanged(
            "what would be deployed is not what was approved (its stack or configuration changed since): "
            "ask for a new release of the same commit"
        )
    if release.state != ReleaseState.DEPLOYING:
        releases.release_deploying(release=release)
    run.note(f"digest {digest}, approved by {review.reviewer.username}")


def ensure_leases(run: Run) -> None:
    """The ports of the new workloads; network and user id of the app."""
    release, environment = _subject(run)
    host = choose_host(environment)
    for role in roles_of(environment):
        if run.operation.workloads.filter(role=role).exists():
            continue
        with transaction.atomic():
            lease = leases.port_lease(host=host, use=f"{release} {role}")
            Workload.objects.create(
                environment=environment,
                release=release,
                deployment=run.operation,
                host=host,
                role=role,
                port_lease=lease,
                port=lease.port,
            )
    spec = release_spec(run.operation)
    ports = ", ".join(f"{instance.role} {instance.address}:{instance.port}" for instance in spec.instances)
    run.note(f"host {host.name}, {ports}, network {spec.subnet}, uid {spec.uid}")


def ensure_configuration_committed(run: Run) -> None:
    """Rendered files and the pointer to the approved commit, on the environment's branch at the forge."""
    release, environment = _subject(run)
    repository = repository_of(release.app)
    forge, project_id, branch = forge_from_settings(), repository.management_project_id, environment.name
    if project_id is None:
        raise OperatorError("the app has no management repository: an operator must provision the app again")
    renew_pipeline_credential(repository)
    spec = release_spec(run.operation)
    override = render_variables_override(spec, json.loads(release.variables))
    forge.ensure_variable(
        project_id,
        f"BERTH_VARIABLES_{environment.name.upper()}",
        base64.b64encode(override.encode()).decode(),
        is_masked=True,
    )
    files = {
        ".gitlab-ci.yml": render_gitlab_ci(),
        "deploy.sh": render_deploy_script(),
        **render_release(spec, image_tags()),
    }
    message = f"Release {release.number} to {environment.name} (deployment {run.operation.pk})"
    present = contents.read_branch(forge, project_id, branch)
    if present is None or "codes" not in present:
        contents.push_branch(
            url=f"{forge.url}/{repository.management_path}.git",
            token=forge.token,
            branch=branch,
            files=files,
            submodule=("codes", f"../../{repository.code_path}.git", release.commit_sha),
            message=message,
        )
        run.note(f"branch {branch} made")
        return
    if contents.ensure_files(forge, project_id, branch=branch, present=present, files=files, message=message):
        run.note("configuration committed")
    if present["codes"] != release.commit_sha:
        contents.move_gitlink(
            forge, project_id, branch=branch, path="codes", commit_sha=release.commit_sha, message=message
        )
        run.note(f"codes -> {release.commit_sha}")


def ensure_pipeline(run: Run) -> None:
    """One pipeline for this attempt. After a crash it is found again by a variable that names the attempt."""
    release, environment = _subject(run)
    if "pipeline_id" in run.operation.data:
        return
    project_id = repository_of(release.app).management_project_id
    if project_id is None:
        raise OperatorError("the app has no management repository: an operator must provision the app again")
    forge, spec = forge_from_settings(), release_spec(run.operation)
    attempt = f"{run.operation.pk}.{run.operation.data.get('pipelines', 0)}"
    step = run.operation.steps.get(name="ensure_pipeline")
    pipeline = None
    if step.attempts > 1:
        pipeline = pipelines.find_pipeline(
            forge, project_id, ref=environment.name, key="BERTH_DEPLOYMENT", value=attempt
        )
    if pipeline is None:
        hosts = {workload.host for workload in run.operation.workloads.select_related("host")}
        pipeline = pipelines.create_pipeline(
            forge,
            project_id,
            ref=environment.name,
            variables={
                "BERTH_DEPLOYMENT": attempt,
                "BERTH_RELEASE": str(release.number),
                "BERTH_ENVIRONMENT": environment.name,
                "BERTH_COMMIT": release.commit_sha,
                "BERTH_PROJECT": spec.project,
                "BERTH_NETWORK": spec.environment_name,
                "BERTH_SUBNET": spec.subnet,
                "BERTH_BRIDGE": spec.bridge,
                "BERTH_TARGETS": "\n".join(target_line(release, host) for host in hosts),
                "BERTH_START": " ".join(service_names(spec.stack, WorkloadRole.LIVE)),
                "BERTH_MAX_FILES": str(settings.MAX_RELEASE_FILES),
                "BERTH_MAX_BYTES": str(settings.MAX_RELEASE_BYTES),
                "BERTH_DOCKER_HOST": settings.DOCKER_URL,
            },
        )
    run.remember(pipeline_id=pipeline.id)
    run.note(f"pipeline {pipeline.id} {pipeline.web_url}")


def ensure_pipeline_finished(run: Run) -> None:
    """Waits for the pipeline's end. Raises `ReleaseRefused` where `deploy.sh` refused the tree."""
    release, _environment = _subject(run)
    project_id = repository_of(release.app).management_project_id or 0
    forge, pipeline_id = forge_from_settings(), run.operation.data["pipeline_id"]
    until = time.monotonic() + PIPELINE_WATCH_S
    pipeline = pipelines.get_pipeline(forge, project_id, pipeline_id)
    while not pipeline.is_finished and time.monotonic() < until and not run.lost.is_set():
        time.sleep(PIPELINE_LOOK_S)
        pipeline = pipelines.get_pipeline(forge, project_id, pipeline_id)
    if not pipeline.is_finished:
        raise Wait(f"pipeline {pipeline_id} is {pipeline.status}", seconds=PIPELINE_PAUSE_S)
    trace, reason = pipelines.pipeline_trace(forge, project_id, pipeline_id)
    run.note(trace)
    if pipeline.status == "success":
        return
    refused = next((line for line in trace.splitlines() if "berth: refused: " in line), None)
    if refused is not None:
        raise ReleaseRefused(refused.split("berth: refused: ", 1)[1] + " (the developer must change the release)")
    said = next((line for line in reversed(trace.splitlines()) if "berth: failed: " in line), "")
    if reason == "runner_system_failure":
        _try_another_pipeline(run, "the forge's runner was stopped in the middle of the pipeline")
    if "port is already allocated" in trace or "address already in use" in trace:
        _lease_other_ports(run)
    if run.operation.data.get("pipelines", 0) < 2 and pipeline.status == "failed" and "berth: retry: " in trace:
        _try_another_pipeline(run, said)
    raise OperatorError(
        f"pipeline {pipeline_id} ended as {pipeline.status}: "
        f"{said.split('berth: failed: ', 1)[-1] or reason or 'see the output of this step'} "
        "(an operator must look at the management repository's pipeline)"
    )


def _try_another_pipeline(run: Run, why: str) -> None:
    """Has the next run of the earlier step create a new pipeline. Raises `RetryableError`."""
    data = {key: value for key, value in run.operation.data.items() if key != "pipeline_id"}
    run.operation.data = {**data, "pipelines": data.get("pipelines", 0) + 1}
    run.write(data=run.operation.data)
    run.repeat_from("ensure_pipeline")
    raise RetryableError(f"{why}: Berth starts another pipeline")


def _lease_other_ports(run: Run) -> None:
    """A stranger has one of the ports: they rest, and the next run leases others. Raises `RetryableError`."""
    with transaction.atomic():
        for workload in run.operation.workloads.select_related("port_lease"):
            leases.port_release(lease=workload.port_lease)
            workload.delete()
    run.repeat_from("ensure_leases")
    _try_another_pipeline(run, "a port of the range is taken by a process that is not Berth's")


def ensure_healthy(run: Run) -> None:
    """The new live workload answers its health check, or the deployment fails with its containers' last words."""
    _release, _environment = _subject(run)
    spec = release_spec(run.operation)
    live = next(instance for instance in spec.instances if instance.role == "live")
    names = container_names(spec, "live")
    started = time.monotonic()
    workload = run.operation.workloads.select_related("host").get(role=WorkloadRole.LIVE)
    engine = engine_for(workload.host.docker_url)
    answer, looked = "no answer", started
    while time.monotonic() - started < HEALTH_DEADLINE_S and not run.lost.is_set():
        answer, healthy = probes.probe(
            address=live.address, port=live.port, hostname=spec.hostnames[0], path=spec.health_check_path
        )
        if healthy:
            run.note(f"GET {spec.health_check_path}: {answer} after {time.monotonic() - started:.2f} s")
            return
        if time.monotonic() - looked > 1:
            looked = time.monotonic()
            if any(state in {"exited", "dead", "missing"} for state in engine.states(names).values()):
                answer = "a container ended"
                break
        time.sleep(HEALTH_LOOK_S)
    raise ReleaseUnhealthy(
        f"GET {spec.health_check_path} of the new containers: {answer} "
        f"(the developer must make the plugin answer 2xx or 3xx within {HEALTH_DEADLINE_S} s).\n"
        f"{engine.inspect_failure(names)}"
    )


def ensure_edge_switched(run: Run) -> None:
    """Points the edge at the new workloads. nginx takes the whole configuration or keeps the old one."""
    _release, environment = _subject(run)
    with transaction.atomic():
        run.write()
        environment.workloads.filter(state=WorkloadState.SERVING).exclude(deployment=run.operation).update(
            state=WorkloadState.DRAINING
        )
        run.operation.workloads.filter(state=WorkloadState.STARTING).update(state=WorkloadState.SERVING)
    _apply_site(environment)


def ensure_reachable(run: Run) -> None:
    """The page answers at its own hostname, through the edge."""
    release, environment = _subject(run)
    path = release.configuration["health_check_path"]
    for hostname in environment.subdomains.values_list("hostname", flat=True):
        answer = "no answer"
        for _look in range(20):
            answer, healthy = probes.probe(
                address=settings.EDGE_PROBE_ADDRESS, port=settings.EDGE_PORT, hostname=hostname, path=path
            )
            if healthy:
                break
            time.sleep(HEALTH_LOOK_S)
        else:
            raise OperatorError(f"{hostname} did not answer through the edge: {answer}; look at the edge's error log")
        run.note(f"http://{hostname}:{settings.EDGE_PORT}{path}: {answer}")


def ensure_live(run: Run) -> None:
    release, _environment = _subject(run)
    if release.state != ReleaseState.LIVE:
        releases.release_went_live(release=release, is_rollback=run.operation.is_rollback)


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


def remove_old_containers(run: Run) -> None:
    """Old containers finish their requests and go; their ports rest."""
    environment = run.operation.environment
    if environment is None:
        return
    old = environment.workloads.filter(state=WorkloadState.DRAINING)
    if not old.exists():
        return
    if "drain_from" not in run.operation.data:
        run.remember(drain_from=timezone.now().isoformat())
        raise Wait("the old containers finish their requests", seconds=DRAIN_S)
    for workload in remove_workloads(old):
        run.note(f"{workload} removed")


def succeeded(_run: Run) -> None:
    """`ensure_live` said so already."""


def failed(run: Run, error: PermanentError) -> None:
    """Puts the edge back to what served before, removes the new containers, and says why on the release."""
    _put_back(run)
    release = run.operation.release
    if release is not None:
        release.refresh_from_db()
        if release.state == ReleaseState.DEPLOYING:
            releases.release_deployment_failed(release=release, error=str(error))
        elif release.state == ReleaseState.APPROVED:
            releases.release_deploying(release=release)
            releases.release_deployment_failed(release=release, error=str(error))


def cancelled(run: Run) -> None:
    _put_back(run)


def _put_back(run: Run) -> None:
    operation, environment, release = run.operation, run.operation.environment, run.operation.release
    if environment is None or release is None:
        return
    release.refresh_from_db()
    if release.state == ReleaseState.LIVE:
        return
    with transaction.atomic():
        run.write()
        switched = operation.workloads.filter(state=WorkloadState.SERVING).update(state=WorkloadState.STARTING)
        environment.workloads.filter(state=WorkloadState.DRAINING).exclude(deployment=operation).update(
            state=WorkloadState.SERVING
        )
    if switched:
        _apply_site(environment)
    remove_workloads(operation.workloads.exclude(state=WorkloadState.REMOVED))


def _apply_site(environment: Environment) -> None:
    site = site_spec(environment)
    edge_from_settings().apply({site.name: render_edge_site(site) if site.servers else None})


WORKFLOW = Workflow(
    steps=steps(
        ensure_approved,
        ensure_leases,
        ensure_configuration_committed,
        ensure_pipeline,
        ensure_pipeline_finished,
        ensure_healthy,
        ensure_edge_switched,
        ensure_reachable,
        ensure_live,
        ensure_standby,
        remove_old_containers,
    ),
    succeeded=succeeded,
    failed=failed,
    cancelled=cancelled,
)
