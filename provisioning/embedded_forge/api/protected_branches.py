"""`/projects/:id/protected_branches`."""

from typing import Any

from provisioning.embedded_forge import access
from provisioning.embedded_forge.git import refs
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import conflict, not_found, unprocessable
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Project, ProtectedBranch

DESCRIPTIONS = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers", 60: "Instance admins"}
LEVELS = tuple(DESCRIPTIONS)


def levels(row_id: int, level: int) -> list[dict[str, Any]]:
    return [
        {
            "id": row_id,
            "access_level": level,
            "access_level_description": DESCRIPTIONS[level],
            "deploy_key_id": None,
            "user_id": None,
            "group_id": None,
        }
    ]


def shown(row: ProtectedBranch) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "push_access_levels": levels(row.pk, row.push_access_level),
        "merge_access_levels": levels(row.pk, row.merge_access_level),
        "allow_force_push": row.allow_force_push,
        "unprotect_access_levels": [],
        "code_owner_approval_required": False,
        "inherited": False,
    }


def is_valid_pattern(name: str) -> bool:
    """A name as branches and tags have it, in which `*` may stand."""
    return refs.is_valid_name(name.replace("*", "x"))


@route("GET", "projects/:id/protected_branches")
def index(call: Call) -> Reply:
    project = call.project()
    search = call.fields(search=Field(default=""))["search"]
    call.require(project, access.MAINTAINER)
    return paginate(call, project.protected_branches.filter(name__icontains=search).order_by("pk"), shown)


@route("GET", "projects/:id/protected_branches/:name")
def show(call: Call) -> dict[str, Any]:
    project = call.project()
    call.require(project, access.MAINTAINER)
    return shown(_one(call, project))


@route("POST", "projects/:id/protected_branches")
def create(call: Call) -> dict[str, Any]:
    project = call.project()
    level = Field("integer", choices=LEVELS, default=access.MAINTAINER)
    values = call.fields(
        name=Field(required=True, filled=True), push_access_level=level, merge_access_level=level,
        unprotect_access_level=Field("integer", choices=LEVELS), allow_force_push=Field("boolean", default=False),
    )  # fmt: skip
    call.require(project, access.MAINTAINER)
    name = values["name"]
    if not is_valid_pattern(name):
        raise unprocessable(f"Protected branch name '{name[:255]}' is invalid")
    row, is_new = ProtectedBranch.objects.get_or_create(
        project=project, name=name,
        defaults={key: values[key] for key in ("push_access_level", "merge_access_level", "allow_force_push")},
    )  # fmt: skip
    if not is_new:
        raise conflict(f"Protected branch '{name}' already exists")
    return shown(row)


@route("PATCH", "projects/:id/protected_branches/:name")
def update(call: Call) -> dict[str, Any]:
    """Also takes `allowed_to_push` and `allowed_to_merge` with an access level, which is how GitLab changes them."""
    project = call.project()
    values = call.fields(
        allow_force_push=Field("boolean"), allowed_to_push=Field("list"), allowed_to_merge=Field("list"),
        push_access_level=Field("integer", choices=LEVELS), merge_access_level=Field("integer", choices=LEVELS),
    )  # fmt: skip
    call.require(project, access.MAINTAINER)
    row = _one(call, project)
    for what in ("push", "merge"):
        wanted = [item.get("access_level") for item in values.pop(f"allowed_to_{what}", []) if isinstance(item, dict)]
        if wanted and wanted[-1] in LEVELS:
            values[f"{what}_access_level"] = wanted[-1]
    for name, value in values.items():
        setattr(row, name, value)
    row.save(force_update=True)
    return shown(row)


@route("DELETE", "projects/:id/protected_branches/:name")
def delete(call: Call) -> None:
    project = call.project()
    call.require(project, access.MAINTAINER)
    _one(call, project).delete()


def _one(call: Call, project: Project) -> ProtectedBranch:
    row = project.protected_branches.filter(name=call.path["name"]).first()
    if row is None:
        raise not_found()
    return row
