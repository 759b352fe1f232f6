"""`/projects/:id/events`. Pushes are the only events that this forge keeps."""

from datetime import UTC, datetime, time, timedelta

from provisioning.embedded_forge import access
from provisioning.embedded_forge.entities import events as shapes
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import PushEvent
from provisioning.embedded_forge.webhooks import events

TARGETS = ("issue", "milestone", "merge_request", "note", "project", "snippet", "user", "wiki", "design")


@route("GET", "projects/:id/events", also={"read_user"})
def index(call: Call) -> Reply:
    """Newest first. `before` and `after` are days, both excluded. Of another `action` or `target_type` there are none;
    only callers that may read the code see pushes."""
    project = call.project()
    values = call.fields(
        action=Field(), target_type=Field(choices=TARGETS), before=Field("date"), after=Field("date"),
        sort=Field(choices=("asc", "desc"), default="desc"),
    )  # fmt: skip
    is_asked = values.get("action", "pushed") == "pushed" and "target_type" not in values
    rows = PushEvent.objects.none()
    if is_asked and access.may_download(call.caller, project):
        events.take_pending(project)
        rows = PushEvent.objects.filter(project=project).select_related("user")
    if "before" in values:
        rows = rows.filter(created_at__lt=datetime.combine(values["before"], time(), UTC))
    if "after" in values:
        rows = rows.filter(created_at__gte=datetime.combine(values["after"] + timedelta(days=1), time(), UTC))
    return paginate(call, rows.order_by("pk" if values["sort"] == "asc" else "-pk"), shapes.event)
