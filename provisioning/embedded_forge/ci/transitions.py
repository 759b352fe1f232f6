"""How jobs and pipelines move from status to status. Every move is a compare-and-set; what follows from it, the next
stage and the webhooks, is settled in the same transaction."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from provisioning.embedded_forge.ci import status
from provisioning.embedded_forge.locks import hold_project
from provisioning.embedded_forge.models import FINISHED, Hook, Job, Pipeline, User
from provisioning.embedded_forge.webhooks import deliveries

RETRYABLE = ("failed", "canceled", "success")


def announce(pipeline_id: int, project_id: int, state: str) -> None:
    """Queues the pipeline's event for the project's hooks."""
    for hook in Hook.objects.filter(project_id=project_id):
        if "pipeline_events" in hook.events:
            deliveries.enqueue_for(hook, "pipeline_events", {"pipeline": pipeline_id, "status": state})


def _hold(pipeline_id: int) -> None:
    """One mover in a project at a time. Two jobs that end at once would otherwise each see the other one still running,
    and nobody would end the pipeline."""
    hold_project(pipelines=pipeline_id)


def _hold_of(job_id: int) -> int | None:
    """Holds the job's project and returns its pipeline's id; None where the job was deleted with its project."""
    hold_project(jobs=job_id)
    return Job.objects.filter(pk=job_id).values_list("pipeline_id", flat=True).first()


def advance(pipeline_id: int) -> None:
    """Starts what may start, skips what can't, and gives the pipeline the status that follows. Idempotent."""
    with transaction.atomic():
        _hold(pipeline_id)
        jobs = list(Job.objects.filter(pipeline_id=pipeline_id, is_retried=False).order_by("stage_index", "pk"))
        now = timezone.now()
        moved = True
        while moved:
            moved = False
            for job in jobs:
                if job.status == "created" and (target := _next(job, jobs)) is not None:
                    _move(job, target, now)
                    moved = True
        _settle(pipeline_id, jobs, now)


def _next(job: Job, jobs: list[Job]) -> str | None:
    """Where a created job goes now; None while it waits."""
    if job.needs is not None:
        before = [other for other in jobs if other.name in job.needs]
    else:
        before = [other for other in jobs if other.stage_index < job.stage_index]
    if any(other.status in {"created", "pending", "running", "canceling"} for other in before):
        return None
    if any(other.status == "manual" and not other.allow_failure for other in before):
        return None
    if job.needs is not None and any(other.status == "manual" for other in before):
        return None
    has_failed = any(other.status in {"failed", "canceled"} and not other.allow_failure for other in before)
    is_skipped = job.needs is not None and any(other.status == "skipped" for other in before)
    if job.when == "manual":
        return "skipped" if has_failed else "manual"
    if job.when == "always":
        return "pending"
    if job.when == "on_failure":
        return "pending" if any(other.status == "failed" and not other.allow_failure for other in before) else "skipped"
    return "skipped" if has_failed or is_skipped else "pending"


def _move(job: Job, target: str, now: datetime) -> None:
    changes: dict[str, Any] = {"status": target}
    if target == "pending":
        changes["queued_at"] = now
    Job.objects.filter(pk=job.pk, status="created").update(**changes)
    job.status = target


def _settle(pipeline_id: int, jobs: list[Job], now: datetime) -> None:
    pipeline = Pipeline.objects.filter(pk=pipeline_id).first()
    if pipeline is None:
        return  # deleted with its project
    state = status.compose((job.status, job.allow_failure) for job in jobs)
    if state == pipeline.status:
        return
    changes: dict[str, Any] = {"status": state, "updated_at": now}
    if pipeline.started_at is None and any(job.started_at for job in jobs):
        changes["started_at"] = min(job.started_at for job in jobs if job.started_at)
    changes["finished_at"] = now if state in FINISHED else None
    if Pipeline.objects.filter(pk=pipeline_id, status=pipeline.status).update(**changes):
        announce(pipeline_id, pipeline.project_id, state)


def start_job(job_id: int, *, token_digest: str) -> bool:
    """pending -> running; False if somebody was faster or it was canceled."""
    with transaction.atomic():
        pipeline_id = _hold_of(job_id)
        changed = Job.objects.filter(pk=job_id, status="pending").update(
            status="running", started_at=timezone.now(), token_digest=token_digest
        )
        if changed and pipeline_id is not None:
            advance(pipeline_id)
    return bool(changed)


def finish_job(job_id: int, *, exit_code: int | None, failure_reason: str = "") -> None:
    """running -> success or failed; canceling -> canceled. The job's token is good no longer."""
    with transaction.atomic():
        _hold_of(job_id)
        job = Job.objects.filter(pk=job_id).first()
        if job is None:
            return  # deleted with its project while it ran
        ended = {"finished_at": timezone.now(), "exit_code": exit_code, "pid": None, "token_digest": ""}
        if Job.objects.filter(pk=job_id, status="canceling").update(status="canceled", **ended):
            pass
        elif failure_reason:
            allowed = job.allow_failure or exit_code in job.definition.get("allow_failure_codes", ())
            Job.objects.filter(pk=job_id, status="running").update(
                status="failed", failure_reason=failure_reason, allow_failure=allowed, **ended
            )
        else:
            Job.objects.filter(pk=job_id, status="running").update(status="success", **ended)
        advance(job.pipeline_id)


def cancel_job(job_id: int) -> None:
    with transaction.atomic():
        _hold_of(job_id)
        job = Job.objects.get(pk=job_id)
        _cancel([job_id])
        advance(job.pipeline_id)


def cancel_pipeline(pipeline_id: int) -> None:
    with transaction.atomic():
        _hold(pipeline_id)
        _cancel(list(Job.objects.filter(pipeline_id=pipeline_id, is_retried=False).values_list("pk", flat=True)))
        advance(pipeline_id)


def _cancel(job_ids: list[int]) -> None:
    """What waits is canceled at once; what runs is when its processes are gone."""
    found = Job.objects.filter(pk__in=job_ids)
    found.filter(status__in=("created", "pending", "manual")).update(status="canceled", finished_at=timezone.now())
    found.filter(status="running").update(status="canceling")


def retry_pipeline(pipeline_id: int, *, user: User) -> None:
    """Fresh runs of what failed or was canceled; what was skipped waits again."""
    with transaction.atomic():
        _hold(pipeline_id)
        jobs = Job.objects.filter(pipeline_id=pipeline_id, is_retried=False)
        for job in jobs.filter(status__in=("failed", "canceled")).order_by("pk"):
            _again(job, user)
        jobs.filter(status="skipped").update(status="created")
        advance(pipeline_id)


def retry_job(job_id: int, *, user: User) -> int | None:
    """The id of the fresh run, or None where the job has not ended."""
    with transaction.atomic():
        _hold_of(job_id)
        job = Job.objects.get(pk=job_id)
        if job.status not in RETRYABLE or job.is_retried:
            return None
        fresh = _again(job, user)
        Job.objects.filter(
            pipeline_id=job.pipeline_id, is_retried=False, status="skipped", stage_index__gt=job.stage_index
        ).update(status="created")
        advance(job.pipeline_id)
    return fresh


def _again(job: Job, user: User) -> int:
    Job.objects.filter(pk=job.pk).update(is_retried=True)
    fresh = Job.objects.create(
        pipeline_id=job.pipeline_id, project_id=job.project_id, user=user, name=job.name, stage=job.stage,
        stage_index=job.stage_index, when="on_success" if job.when == "manual" else job.when, needs=job.needs,
        allow_failure=job.allow_failure, definition=job.definition, environment=job.environment,
        timeout_s=job.timeout_s, created_at=timezone.now(),
    )  # fmt: skip
    return fresh.pk


def play_job(job_id: int, *, user: User) -> bool:
    """manual -> pending."""
    with transaction.atomic():
        pipeline_id = _hold_of(job_id)
        changed = Job.objects.filter(pk=job_id, status="manual").update(
            status="pending", queued_at=timezone.now(), user=user
        )
        if changed and pipeline_id is not None:
            advance(pipeline_id)
    return bool(changed)
