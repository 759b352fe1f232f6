"""Webhook bodies as GitLab's data builders make them."""

import json
from typing import Any

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.entities import pipelines, projects
from provisioning.embedded_forge.entities.projects import web_url
from provisioning.embedded_forge.entities.times import git_moment, hook_moment, seconds_between
from provisioning.embedded_forge.git import history, refs, repository
from provisioning.embedded_forge.git.history import Commit
from provisioning.embedded_forge.models import Job, Pipeline, Project, User

MAX_COMMITS = 20


def user(row: User | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"id": row.pk, "name": row.name, "username": row.username, "avatar_url": None, "email": "[REDACTED]"}


def _commit(project: Project, row: Commit) -> dict[str, Any]:
    return {
        "id": row.sha,
        "message": row.message,
        "title": row.title,
        "timestamp": git_moment(row.committed_at),
        "url": f"{web_url(project.full_path)}/-/commit/{row.sha}",
        "author": {"name": row.author_name, "email": row.author_email},
    }


def _build(job: Job) -> dict[str, Any]:
    environment = None
    if job.environment:
        facts = job.definition.get("environment", {})
        environment = {
            "name": job.environment,
            "action": facts.get("action", "start"),
            "deployment_tier": facts.get("deployment_tier"),
        }
    return {
        "id": job.pk,
        "stage": job.stage,
        "name": job.name,
        "status": job.status,
        "created_at": hook_moment(job.created_at),
        "started_at": hook_moment(job.started_at),
        "finished_at": hook_moment(job.finished_at),
        "duration": seconds_between(job.started_at, job.finished_at),
        "queued_duration": seconds_between(job.queued_at, job.started_at),
        "failure_reason": job.failure_reason or None,
        "when": job.when,
        "manual": job.when == "manual",
        "allow_failure": job.allow_failure,
        "user": user(job.user),
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": environment,
    }


def pipeline(row: Pipeline) -> dict[str, Any]:
    """The pipeline as it is now. Its variables go along in clear: secrets do not belong there."""
    project = row.project
    commits = history.by_sha(repository.ensure(project), [row.sha])
    jobs = row.jobs.filter(is_retried=False).select_related("user").order_by("stage_index", "pk")
    variables = [{"key": item["key"], "value": item["value"]} for item in json.loads(row.variables or "[]")]
    duration = seconds_between(row.started_at, row.finished_at)
    queued = seconds_between(row.created_at, row.started_at)
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": row.pk,
            "iid": row.iid,
            "name": row.name or None,
            "ref": row.ref,
            "tag": row.is_tag,
            "sha": row.sha,
            "before_sha": row.before_sha,
            "source": row.source,
            "status": row.status,
            "detailed_status": pipelines.label(row.status),
            "stages": row.stages,
            "created_at": hook_moment(row.created_at),
            "finished_at": hook_moment(row.finished_at),
            "duration": None if duration is None else round(duration),
            "queued_duration": None if queued is None else round(queued),
            "protected_ref": row.is_ref_protected,
            "variables": variables,
            "url": f"{web_url(project.full_path)}/-/pipelines/{row.pk}",
        },
        "merge_request": None,
        "user": user(row.user),
        "project": projects.of_webhook(project),
        "commit": _commit(project, commits[row.sha]) if row.sha in commits else None,
        "builds": [_build(job) for job in jobs],
    }


def push(project: Project, actor: User | None, *, before: str, after: str, ref: str) -> dict[str, Any]:
    """For a branch or a tag; `after` is all zeros when it was deleted."""
    path = repository.ensure(project)
    head = refs.peel(path, after) if after != refs.ZERO else None
    found: list[Commit] = []
    total = 0
    if head is not None:
        span = f"{before}..{head}" if before != refs.ZERO and refs.peel(path, before) else head
        total = history.count(path, span) if span != head else 1
        found = history.walk(path, span, limit=MAX_COMMITS if span != head else 1)[::-1]
    is_tag = ref.startswith("refs/tags/")
    return {
        "object_kind": "tag_push" if is_tag else "push",
        "event_name": "tag_push" if is_tag else "push",
        "before": before,
        "after": after,
        "ref": ref,
        "ref_protected": False,
        "checkout_sha": head,
        "message": None,
        "user_id": actor.pk if actor else None,
        "user_name": actor.name if actor else None,
        "user_username": actor.username if actor else None,
        "user_email": None,
        "user_avatar": None,
        "project_id": project.pk,
        "project": {**projects.of_webhook(project), "homepage": web_url(project.full_path)},
        "commits": [{**_commit(project, row), "added": [], "modified": [], "removed": []} for row in found],
        "total_commits_count": total,
        "push_options": {},
        "repository": {
            "name": project.name,
            "url": projects.ssh_url(project),
            "description": project.description,
            "homepage": f"{configuration.external_url()}/{project.full_path}",
        },
    }
