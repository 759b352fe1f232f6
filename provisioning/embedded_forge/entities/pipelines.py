"""Pipelines and jobs."""

from typing import Any

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.entities.projects import web_url
from provisioning.embedded_forge.entities.times import moment, seconds_between
from provisioning.embedded_forge.models import Job, Pipeline

_LABELS = {"success": "passed", "canceled": "canceled", "manual": "blocked", "skipped": "skipped"}


def label(status: str) -> str:
    return _LABELS.get(status, status)


def basic(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "id": pipeline.pk,
        "iid": pipeline.iid,
        "project_id": pipeline.project_id,
        "sha": pipeline.sha,
        "ref": pipeline.ref,
        "status": pipeline.status,
        "source": pipeline.source,
        "created_at": moment(pipeline.created_at),
        "updated_at": moment(pipeline.updated_at),
        "web_url": f"{web_url(pipeline.project.full_path)}/-/pipelines/{pipeline.pk}",
        "name": pipeline.name or None,
    }


def full(pipeline: Pipeline) -> dict[str, Any]:
    text = label(pipeline.status)
    duration = seconds_between(pipeline.started_at, pipeline.finished_at)
    queued = seconds_between(pipeline.created_at, pipeline.started_at)
    details = f"{web_url(pipeline.project.full_path)}/-/pipelines/{pipeline.pk}"
    return {
        **basic(pipeline),
        "before_sha": pipeline.before_sha,
        "tag": pipeline.is_tag,
        "yaml_errors": None,
        "user": users.basic(pipeline.user),
        "started_at": moment(pipeline.started_at),
        "finished_at": moment(pipeline.finished_at),
        "committed_at": None,
        "duration": None if duration is None else round(duration),
        "queued_duration": None if queued is None else round(queued),
        "coverage": None,
        "detailed_status": {
            "icon": f"status_{pipeline.status}",
            "text": text.capitalize(),
            "label": text,
            "group": pipeline.status,
            "tooltip": text,
            "has_details": True,
            "details_path": details.removeprefix(configuration.external_url()),
        },
    }


def job(row: Job) -> dict[str, Any]:
    """`row` comes with its pipeline, project and user."""
    end = row.finished_at
    return {
        "id": row.pk,
        "status": row.status,
        "stage": row.stage,
        "name": row.name,
        "ref": row.pipeline.ref,
        "tag": row.pipeline.is_tag,
        "coverage": None,
        "allow_failure": row.allow_failure,
        "created_at": moment(row.created_at),
        "started_at": moment(row.started_at),
        "finished_at": moment(end),
        "erased_at": None,
        "duration": seconds_between(row.started_at, end),
        "queued_duration": seconds_between(row.queued_at, row.started_at),
        "user": users.basic(row.user),
        "commit": {"id": row.pipeline.sha, "short_id": row.pipeline.sha[:8]},
        "pipeline": basic(row.pipeline),
        "failure_reason": row.failure_reason or None,
        "web_url": f"{web_url(row.project.full_path)}/-/jobs/{row.pk}",
        "project": {"ci_job_token_scope_enabled": False},
        "artifacts": [],
        "runner": None,
        "artifacts_expire_at": None,
        "archived": False,
        "tag_list": [],
    }
