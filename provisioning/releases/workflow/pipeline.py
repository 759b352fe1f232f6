"""The pipeline of a deployment: made once for each attempt, waited for, ended, and made again if that may help."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from provisioning.containers.choices import WorkloadRole
from provisioning.containers.docker_engine import engine_for
from provisioning.containers.faults import is_port_taken, is_subnet_taken, name_taken, stranger_found
from provisioning.containers.rendering.compose import service_names
from provisioning.exceptions import (
    ManagementRepositoryChanged,
    OperatorError,
    PermanentError,
    ReleaseRefused,
    RetryableError,
)
from provisioning.forge import pipelines
from provisioning.forge.client import ForgeClient
from provisioning.forge.config import forge_from_settings
from provisioning.forge.types import Pipeline
from provisioning.inventory import leases
from provisioning.logs.sources import masked
from provisioning.operations.engine import Run, Wait
from provisioning.operations.subject import subject_of
from provisioning.releases.workflow.early_start import end_early_start
from provisioning.releases.workflow.publication import host_of, management_project
from provisioning.releases.workflow.specs import engine_seen_from, release_spec, target_line
from provisioning.repositories.deliveries import newest_delivery, wait_for_delivery
from provisioning.repositories.services.repositories import repository_of
from tenants.releases.models.release import Release

logger = logging.getLogger(__name__)


REFUSED = "berth: refused: "


FAILED = "berth: failed: "


# How `deploy.sh` begins the line that names a pointer to another commit.
POINTER = "codes points to "


# In characters: so much of a pipeline's output is kept with the step.
SHOWN_TRACE = 8000


# Each look is work for a forge that has the pipeline to run: it tells when there is something to see, or tells nothing.
PIPELINE_LOOK_S = 1.0


# A worker's thread watches a pipeline for so long before it lets go and comes back.
PIPELINE_WATCH_S = 10


PIPELINE_PAUSE_S = 2


CANCEL_LOOK_S = 0.15


# Ports and networks that strangers have are stepped around this often for one deployment.
MAX_PIPELINES = 20


# What a stranger was found to use is not tried again for so long.
STRANGERS_REST = timedelta(days=1)


def _attempt(run: Run) -> str:
    """What the variable BERTH_DEPLOYMENT of the present attempt's pipeline says."""
    return f"{run.operation.pk}.{run.operation.data.get('pipelines', 0)}"


def _find_pipeline(run: Run, forge: ForgeClient, project_id: int, *, ref: str) -> Pipeline | None:
    """The present attempt's pipeline, created by a worker that died before it could note the id."""
    return pipelines.find_pipeline(forge, project_id, ref=ref, key="BERTH_DEPLOYMENT", value=_attempt(run))


def ensure_pipeline(run: Run) -> None:
    """One pipeline for this attempt. After a crash it is found again by a variable that names the attempt."""
    release, environment = subject_of(run)
    if "pipeline_id" in run.operation.data:
        return
    project_id = management_project(repository_of(release.app))
    forge, spec = forge_from_settings(), release_spec(run.operation)
    step = run.operation.steps.get(name="ensure_pipeline")
    pipeline = None
    if step.attempts > 1:
        pipeline = _find_pipeline(run, forge, project_id, ref=environment.name)
    if pipeline is None:
        host = host_of(run)
        pipeline = pipelines.create_pipeline(
            forge,
            project_id,
            ref=environment.name,
            variables={
                "BERTH_INSTALLATION": settings.INSTALLATION,
                "BERTH_DEPLOYMENT": _attempt(run),
                "BERTH_RELEASE": str(release.number),
                "BERTH_ENVIRONMENT": environment.name,
                "BERTH_COMMIT": release.commit_sha,
                "BERTH_PROJECT": spec.project,
                "BERTH_NETWORK": spec.environment_name,
                "BERTH_SUBNET": spec.subnet,
                "BERTH_BRIDGE": spec.bridge,
                "BERTH_TARGETS": target_line(release, host),
                "BERTH_START": " ".join(service_names(spec.stack, WorkloadRole.LIVE)),
                "BERTH_MAX_FILES": str(settings.MAX_RELEASE_FILES),
                "BERTH_MAX_BYTES": str(settings.MAX_RELEASE_BYTES),
                "BERTH_DOCKER_HOST": engine_seen_from(host),
            },
        )
    run.remember(pipeline_id=pipeline.id, pipeline_since=timezone.now().isoformat())
    run.note(f"pipeline {pipeline.id} {pipeline.web_url}")


def ensure_pipeline_finished(run: Run) -> None:
    """Waits for the pipeline's end. Raises `ReleaseRefused` where `deploy.sh` refused the tree."""
    release, environment = subject_of(run)
    project_id = management_project(repository_of(release.app))
    forge, pipeline_id = forge_from_settings(), run.operation.data["pipeline_id"]
    until = time.monotonic() + PIPELINE_WATCH_S
    told = newest_delivery()
    pipeline = pipelines.get_pipeline(forge, project_id, pipeline_id)
    while not pipeline.is_finished and time.monotonic() < until and not run.lost.is_set():
        told = wait_for_delivery(told, PIPELINE_LOOK_S)
        pipeline = pipelines.get_pipeline(forge, project_id, pipeline_id)
    if not pipeline.is_finished:
        since = datetime.fromisoformat(run.operation.data["pipeline_since"])
        if timezone.now() - since > timedelta(seconds=settings.PIPELINE_DEADLINE_S):
            raise OperatorError(
                f"pipeline {pipeline_id} is still {pipeline.status} after {settings.PIPELINE_DEADLINE_S} s: "
                "an operator must see to the forge's runner"
            )
        raise Wait(f"pipeline {pipeline_id} is {pipeline.status}", seconds=PIPELINE_PAUSE_S)
    end_early_start(run)
    if pipeline.status == "success":
        run.note(f"pipeline {pipeline_id} succeeded")
        return
    trace, reason = pipelines.pipeline_trace(forge, project_id, pipeline_id)
    # Masked as a whole; what follows cuts only what may be shown.
    shown = masked(environment, trace, release=release)
    run.note(shown[-SHOWN_TRACE:])
    refused = [line.split(REFUSED, 1)[1] for line in shown.splitlines() if REFUSED in line]
    if refused:
        raise ReleaseRefused("\n".join([f"{refused[0]} (the developer must change the release)", *refused[1:]]))
    said = next((line for line in reversed(shown.splitlines()) if FAILED in line), "").split(FAILED, 1)[-1]
    tried = run.operation.data.get("pipelines", 0)
    if tried < MAX_PIPELINES:
        if reason == "runner_system_failure":
            _try_another_pipeline(run, "the forge's runner was stopped in the middle of the pipeline")
        if is_port_taken(trace):
            _lease_other_ports(run)
        if is_subnet_taken(trace):
            _lease_another_subnet(run, release)
    if tried < 2 and pipeline.status == "failed" and "berth: retry: " in trace:
        _try_another_pipeline(run, said)
    if name := name_taken(shown):
        raise stranger_found(name, where=f"on host {host_of(run).name}")
    if said.startswith(POINTER):
        raise ManagementRepositoryChanged(f"{said}: an operator must find out who wrote to the management repository")
    raise OperatorError(
        f"pipeline {pipeline_id} ended as {pipeline.status}: {said or reason or 'see the output of this step'} "
        "(an operator must look at the management repository's pipeline)"
    )


def ensure_output_kept(run: Run) -> None:
    """Keeps the output of a pipeline that succeeded. The release is live by then: nobody waits for this."""
    release, environment = subject_of(run)
    forge, project_id = forge_from_settings(), management_project(repository_of(release.app))
    trace, _reason = pipelines.pipeline_trace(forge, project_id, run.operation.data["pipeline_id"])
    run.note(masked(environment, trace, release=release)[-SHOWN_TRACE:])


def end_pipeline(run: Run) -> None:
    """Cancels what still runs of the deployment's pipeline, which would start containers after they were removed.

    Raises `RetryableError` until it has ended. A forge that refuses to tell keeps nobody from putting things back.
    """
    try:
        _end_pipeline(run)
    except PermanentError as error:
        logger.warning("the pipeline of operation %s was not ended: %s", run.operation.pk, error)


def _end_pipeline(run: Run) -> None:
    release = run.operation.release
    project_id = repository_of(release.app).management_project_id if release else None
    created = run.operation.steps.filter(name="ensure_pipeline", attempts__gt=0).exists()
    if release is None or project_id is None or not created:
        return
    forge, pipeline_id = forge_from_settings(), run.operation.data.get("pipeline_id")
    if pipeline_id is None:
        # The worker may have died before it could note the id.
        found = _find_pipeline(run, forge, project_id, ref=release.environment.name)
        if found is None:
            return
        pipeline_id = found.id
    pipeline = pipelines.get_pipeline(forge, project_id, pipeline_id)
    if pipeline.is_finished:
        return
    pipelines.cancel_pipeline(forge, project_id, pipeline_id)
    until = time.monotonic() + PIPELINE_WATCH_S
    while not pipeline.is_finished:
        if time.monotonic() > until or run.lost.is_set():
            raise RetryableError(f"pipeline {pipeline_id} is {pipeline.status}: Berth waits until it has ended")
        time.sleep(CANCEL_LOOK_S)
        pipeline = pipelines.get_pipeline(forge, project_id, pipeline_id)


def _try_another_pipeline(run: Run, why: str) -> None:
    """Has the next run of the earlier step create a new pipeline. Raises `RetryableError`."""
    data = {key: value for key, value in run.operation.data.items() if key != "pipeline_id"}
    run.operation.data = {**data, "pipelines": data.get("pipelines", 0) + 1}
    run.write(data=run.operation.data)
    run.repeat_from("ensure_pipeline")
    raise RetryableError(f"{why}: Berth starts another pipeline")


def _lease_another_subnet(run: Run, release: Release) -> None:
    """A stranger has the addresses: they rest for a day, and the next run leases others. Raises `RetryableError`."""
    leases.subnet_release(environment=release.environment, rest=STRANGERS_REST)
    leases.subnets_set_aside(engine_for(host_of(run).docker_url).subnets(), rest=STRANGERS_REST)
    run.repeat_from("ensure_leases")
    _try_another_pipeline(run, "a network of the pool is in use by somebody else on the host")


def _lease_other_ports(run: Run) -> None:
    """A stranger has one of the ports: they rest, and the next run leases others. Raises `RetryableError`."""
    with transaction.atomic():
        for workload in run.operation.workloads.select_related("port_lease"):
            leases.port_release(lease=workload.port_lease, rest=STRANGERS_REST)
            workload.delete()
    run.repeat_from("ensure_leases")
    _try_another_pipeline(run, "a port of the range is taken by a process that is not Berth's")
