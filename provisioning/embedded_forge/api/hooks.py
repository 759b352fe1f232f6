"""`/projects/:id/hooks`: webhooks. Their tokens never come back."""

from typing import Any
from urllib.parse import urlsplit

from provisioning.embedded_forge import access, wake
from provisioning.embedded_forge.entities.times import moment
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, not_found, unprocessable
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import EVENTS, Delivery, Hook, Project
from provisioning.embedded_forge.webhooks import deliveries

_OPTIONS = {
    **{event: Field("boolean") for event in EVENTS},
    "enable_ssl_verification": Field("boolean"),
    "token": Field(),
    "name": Field(),
    "description": Field(),
    "push_events_branch_filter": Field(),
    "branch_filter_strategy": Field(choices=("wildcard", "regex", "all_branches")),
}
_COLUMNS = {"enable_ssl_verification": "is_ssl_verified", "push_events_branch_filter": "push_branch_filter"}


def shown(row: Hook) -> dict[str, Any]:
    return {
        "id": row.pk,
        "url": row.url,
        "name": row.name or None,
        "description": row.description or None,
        "created_at": moment(row.created_at),
        **{event: event in row.events for event in EVENTS},
        "enable_ssl_verification": row.is_ssl_verified,
        "alert_status": "executable",
        "disabled_until": None,
        "url_variables": [],
        "push_events_branch_filter": row.push_branch_filter or None,
        "branch_filter_strategy": "wildcard",
        "custom_webhook_template": None,
        "custom_headers": [],
        "project_id": row.project_id,
        "token_present": bool(row.token),
    }


@route("GET", "projects/:id/hooks")
def index(call: Call) -> Reply:
    return paginate(call, _administered(call).hooks.order_by("pk"), shown)


@route("GET", "projects/:id/hooks/:hook_id")
def show(call: Call) -> dict[str, Any]:
    return shown(_one(call, _administered(call)))


@route("POST", "projects/:id/hooks")
def create(call: Call) -> dict[str, Any]:
    """`push_events` is on unless it is sent as false, as in GitLab."""
    project = call.project()
    values = call.fields(url=Field(required=True), **_OPTIONS)
    call.require(project, access.MAINTAINER)
    row = Hook(project=project, events=["push_events"])
    _save(row, values)
    return shown(row)


@route("PUT", "projects/:id/hooks/:hook_id")
def update(call: Call) -> dict[str, Any]:
    project = call.project()
    values = call.fields(url=Field(), **_OPTIONS)
    call.require(project, access.MAINTAINER)
    row = _one(call, project)
    _save(row, values)
    return shown(row)


@route("DELETE", "projects/:id/hooks/:hook_id")
def delete(call: Call) -> None:
    _one(call, _administered(call)).delete()


@route("POST", "projects/:id/hooks/:hook_id/test/:trigger")
def test(call: Call) -> Reply:
    """Sends the event of the newest push or pipeline. The answer does not wait for the receiver."""
    project = _administered(call)
    row = _one(call, project)
    trigger = call.path["trigger"]
    if trigger == "pipeline_events":
        pipeline = project.pipelines.order_by("-pk").first()
        if pipeline is None:
            raise unprocessable("Ensure the project has CI pipelines.")
        deliveries.enqueue_for(row, trigger, {"pipeline": pipeline.pk})
    elif trigger in {"push_events", "tag_push_events"}:
        deliveries.enqueue_for(row, trigger, {"test": True, "user": call.user.pk})
    else:
        raise bad_request("trigger does not have a valid value")
    wake.runner()
    return Reply({"message": "201 Created"}, status=201)


@route("GET", "projects/:id/hooks/:hook_id/events")
def events(call: Call) -> Reply:
    """What was sent, newest first."""
    row = _one(call, _administered(call))
    return paginate(call, row.deliveries.select_related("hook").filter(state="sent").order_by("-pk"), _event)


def _event(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "url": row.hook.url,
        "trigger": row.event,
        "request_headers": {"Idempotency-Key": str(row.idempotency_key)},
        "request_data": row.subject,
        "response_status": row.response_status,
        "execution_duration": row.duration_s,
        "created_at": moment(row.created_at),
    }


def _administered(call: Call) -> Project:
    project = call.project()
    call.require(project, access.MAINTAINER)
    return project


def _one(call: Call, project: Project) -> Hook:
    row = project.hooks.filter(pk=call.number("hook_id")).first()
    if row is None:
        raise not_found()
    return row


def _save(row: Hook, values: dict[str, Any]) -> None:
    url = values.get("url", row.url)
    if not is_valid_url(url):
        raise unprocessable("Invalid url given")
    switched = {event: values.pop(event) for event in EVENTS if event in values}
    row.events = [event for event in EVENTS if switched.get(event, event in row.events)]
    values.pop("branch_filter_strategy", None)
    for name, value in values.items():
        setattr(row, _COLUMNS.get(name, name), value)
    row.save(force_update=row.pk is not None)


def is_valid_url(url: str) -> bool:
    if len(url) > 2048 or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
