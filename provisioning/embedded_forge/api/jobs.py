"""`/projects/:id/jobs`."""

from typing import Any

from django.db.models import QuerySet

from provisioning.embedded_forge import access, wake
from provisioning.embedded_forge.ci import transitions
from provisioning.embedded_forge.entities import pipelines
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request_prefixed, forbidden, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Job, Project
from provisioning.embedded_forge.runner import traces

_RELATED = ("pipeline", "pipeline__project", "project", "user")


def listing(call: Call, found: QuerySet[Job]) -> Reply:
    """Newest first; retried ones only with `include_retried`."""
    values = call.fields(scope=Field("list", default=[]), include_retried=Field("boolean", default=False))
    if values["scope"]:
        found = found.filter(status__in=[str(item) for item in values["scope"]])
    if not values["include_retried"]:
        found = found.filter(is_retried=False)
    return paginate(call, found.select_related(*_RELATED).order_by("-pk"), pipelines.job)


@route("GET", "projects/:id/jobs")
def index(call: Call) -> Reply:
    project = _readable(call)
    return listing(call, project.jobs.all())


@route("GET", "projects/:id/jobs/:job_id")
def show(call: Call) -> dict[str, Any]:
    return pipelines.job(_one(call, _readable(call)))


@route("GET", "projects/:id/jobs/:job_id/trace")
def trace(call: Call) -> Reply:
    """What the job printed so far, secrets masked."""
    row = _one(call, _readable(call))
    return Reply(raw=traces.read(row.pk), content_type="text/plain; charset=utf-8")


@route("POST", "projects/:id/jobs/:job_id/cancel")
def cancel(call: Call) -> dict[str, Any]:
    project = _writable(call)
    row = _one(call, project)
    transitions.cancel_job(row.pk)
    wake.runner()
    return pipelines.job(_one(call, project))


@route("POST", "projects/:id/jobs/:job_id/retry")
def retry(call: Call) -> dict[str, Any]:
    project = _writable(call)
    row = _one(call, project)
    fresh = transitions.retry_job(row.pk, user=call.user)
    if fresh is None:
        raise forbidden("Job is not retryable")
    wake.runner()
    return pipelines.job(Job.objects.select_related(*_RELATED).get(pk=fresh))


@route("POST", "projects/:id/jobs/:job_id/play")
def play(call: Call) -> Reply:
    project = _writable(call)
    row = _one(call, project)
    if not transitions.play_job(row.pk, user=call.user):
        raise bad_request_prefixed("Unplayable Job")
    wake.runner()
    return Reply(pipelines.job(_one(call, project)), status=200)


def _readable(call: Call) -> Project:
    project = call.project()
    call.require(project, access.REPORTER)
    return project


def _writable(call: Call) -> Project:
    project = call.project()
    call.require(project, access.DEVELOPER)
    return project


def _one(call: Call, project: Project) -> Job:
    row = project.jobs.select_related(*_RELATED).filter(pk=call.number("job_id")).first()
    if row is None:
        raise not_found()
    return row
