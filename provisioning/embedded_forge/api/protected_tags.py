"""`/projects/:id/protected_tags`."""

from typing import Any

from provisioning.embedded_forge import access
from provisioning.embedded_forge.api.protected_branches import LEVELS, is_valid_pattern, levels
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import ApiError, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Project, ProtectedTag


def shown(row: ProtectedTag) -> dict[str, Any]:
    return {"name": row.name, "create_access_levels": levels(row.pk, row.create_access_level)}


@route("GET", "projects/:id/protected_tags")
def index(call: Call) -> Reply:
    project = call.project()
    call.require(project, access.MAINTAINER)
    return paginate(call, project.protected_tags.order_by("pk"), shown)


@route("GET", "projects/:id/protected_tags/:name")
def show(call: Call) -> dict[str, Any]:
    project = call.project()
    call.require(project, access.MAINTAINER)
    return shown(_one(call, project))


@route("POST", "projects/:id/protected_tags")
def create(call: Call) -> dict[str, Any]:
    project = call.project()
    values = call.fields(
        name=Field(required=True, filled=True),
        create_access_level=Field("integer", choices=LEVELS, default=access.MAINTAINER),
    )
    call.require(project, access.MAINTAINER)
    if not is_valid_pattern(values["name"]):
        raise ApiError(422, {"message": ["Name is invalid"]})
    row, is_new = ProtectedTag.objects.get_or_create(
        project=project, name=values["name"], defaults={"create_access_level": values["create_access_level"]}
    )
    if not is_new:
        raise ApiError(422, {"message": ["Name has already been taken"]})
    return shown(row)


@route("DELETE", "projects/:id/protected_tags/:name")
def delete(call: Call) -> None:
    project = call.project()
    call.require(project, access.MAINTAINER)
    _one(call, project).delete()


def _one(call: Call, project: Project) -> ProtectedTag:
    row = project.protected_tags.filter(name=call.path["name"]).first()
    if row is None:
        raise not_found()
    return row
