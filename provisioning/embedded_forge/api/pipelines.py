"""`/projects/:id/pipelines`."""

import json
from typing import Any

from provisioning.embedded_forge import access, removal, wake
from provisioning.embedded_forge.api.code import resolved
from provisioning.embedded_forge.api.jobs import listing
from provisioning.embedded_forge.ci import creation, transitions
from provisioning.embedded_forge.ci.creation import PipelineRefused
from provisioning.embedded_forge.entities import pipelines
from provisioning.embedded_forge.git import repository
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import forbidden, invalid_parameters, not_found, validation
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import FINISHED, Pipeline, Project

STATUSES = (
    "created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success", "failed",
    "canceling", "canceled", "skipped", "manual", "scheduled",
)  # fmt: skip
ORDERS = {"id": "pk", "status": "status", "ref": "ref", "updated_at": "updated_at", "user_id": "user"}


@route("POST", "projects/:id/pipeline")
def create(call: Call) -> dict[str, Any]:
    """`ref` is a branch or a tag, not a SHA."""
    project = call.project()
    values = call.fields(ref=Field(required=True), variables=Field("any", default=[]), inputs=Field("mapping"))
    variables = _variables(values["variables"])
    if call.level(project) < access.DEVELOPER:
        raise forbidden()
    if values.get("inputs"):
        raise validation(base=["inputs are not supported by this forge"])
    try:
        pipeline = creation.create(
            project=project, user=call.user, ref=values["ref"], variables=variables, source="api",
            level=call.level(project),
        )  # fmt: skip
    except PipelineRefused as refusal:
        raise validation(base=refusal.reasons) from refusal
    wake.runner()
    return pipelines.full(pipeline)


def _variables(raw: Any) -> list[dict[str, str]]:
    if not isinstance(raw, list):
        raise invalid_parameters(["variables is invalid"])
    found = []
    for item in raw:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str):
            raise invalid_parameters(["variables is invalid"])
        value, kind = item.get("value", ""), item.get("variable_type", "env_var")
        if not isinstance(value, str | int | float) or isinstance(value, bool) or "\0" in str(value):
            raise invalid_parameters(["variables[value] is invalid"])
        if kind not in {"env_var", "file"}:
            raise invalid_parameters(["variables[variable_type] does not have a valid value"])
        found.append({"key": item["key"], "value": str(value), "variable_type": kind})
    return found


@route("GET", "projects/:id/pipelines")
def index(call: Call) -> Reply:
    project = _readable(call)
    values = call.fields(
        status=Field(choices=STATUSES), ref=Field(), sha=Field(), username=Field(), source=Field(), name=Field(),
        scope=Field(choices=("running", "pending", "finished", "branches", "tags")),
        updated_after=Field("moment"), updated_before=Field("moment"),
        order_by=Field(choices=tuple(ORDERS), default="id"), sort=Field(choices=("asc", "desc"), default="desc"),
    )  # fmt: skip
    found = project.pipelines.select_related("project", "user")
    for name in ("status", "ref", "sha", "source", "name"):
        if name in values:
            found = found.filter(**{name: values[name]})
    if "username" in values:
        found = found.filter(user__username=values["username"])
    scopes: dict[str, dict[str, Any]] = {
        "running": {"status": "running"}, "pending": {"status": "pending"}, "finished": {"status__in": FINISHED},
        "branches": {"is_tag": False}, "tags": {"is_tag": True},
    }  # fmt: skip
    found = found.filter(**scopes.get(values.get("scope", ""), {}))
    for name, lookup in (("updated_after", "updated_at__gt"), ("updated_before", "updated_at__lt")):
        if name in values:
            found = found.filter(**{lookup: values[name]})
    column = ORDERS[values["order_by"]]
    found = found.order_by(f"-{column}" if values["sort"] == "desc" else column)
    return paginate(call, found, pipelines.basic)


@route("GET", "projects/:id/pipelines/latest")
def latest(call: Call) -> dict[str, Any]:
    """The newest pipeline of the newest commit of `ref`. GitLab answers 403 where there is none."""
    project = _readable(call)
    ref = call.fields(ref=Field()).get("ref") or project.default_branch
    sha = resolved(project, repository.ensure(project), ref, "Ref")
    found = project.pipelines.select_related("project", "user").filter(ref=ref, sha=sha).order_by("-pk").first()
    if found is None:
        raise forbidden()
    return pipelines.full(found)


@route("GET", "projects/:id/pipelines/:pipeline_id")
def show(call: Call) -> dict[str, Any]:
    return pipelines.full(_one(call, _readable(call)))


@route("GET", "projects/:id/pipelines/:pipeline_id/variables")
def variables(call: Call) -> Any:
    project = call.project()
    call.require(project, access.DEVELOPER)
    found = json.loads(_one(call, project).variables or "[]")
    return [{**item, "raw": False} for item in found]


@route("GET", "projects/:id/pipelines/:pipeline_id/jobs", job_token=True)
def jobs(call: Call) -> Reply:
    pipeline = _one(call, _readable(call))
    return listing(call, pipeline.jobs.all())


@route("POST", "projects/:id/pipelines/:pipeline_id/cancel")
def cancel(call: Call) -> Reply:
    """A job that runs is `canceling` until its processes are gone."""
    project = call.project()
    call.require(project, access.DEVELOPER)
    pipeline = _one(call, project)
    transitions.cancel_pipeline(pipeline.pk)
    wake.runner()
    return Reply(pipelines.full(_one(call, project)), status=200)


@route("POST", "projects/:id/pipelines/:pipeline_id/retry")
def retry(call: Call) -> dict[str, Any]:
    """Runs again what failed or was canceled, and what was skipped after it."""
    project = call.project()
    call.require(project, access.DEVELOPER)
    pipeline = _one(call, project)
    transitions.retry_pipeline(pipeline.pk, user=call.user)
    wake.runner()
    return pipelines.full(_one(call, project))


@route("DELETE", "projects/:id/pipelines/:pipeline_id")
def delete(call: Call) -> None:
    project = call.project()
    call.require(project, access.OWNER)
    pipeline = _one(call, project)
    if not removal.remove_pipeline(pipeline):
        raise forbidden("The pipeline is running: cancel it first")


def _readable(call: Call) -> Project:
    project = call.project()
    call.require(project, access.REPORTER)
    return project


def _one(call: Call, project: Project) -> Pipeline:
    found = project.pipelines.select_related("project", "project__namespace", "user")
    row = found.filter(pk=call.number("pipeline_id", "Pipeline")).first()
    if row is None:
        raise not_found()
    return row
