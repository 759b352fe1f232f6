"""`/projects`: a repository with its settings."""

import re
from typing import Any

from django.db import IntegrityError, transaction

from provisioning.embedded_forge import access, protection, removal
from provisioning.embedded_forge.api import groups
from provisioning.embedded_forge.entities import projects
from provisioning.embedded_forge.git import commits, refs, repository
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, forbidden, invalid_parameters, not_found, validation
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Namespace, Project, User

ORDERS = {
    "id": "pk", "name": "name", "path": "path", "created_at": "created_at", "updated_at": "updated_at",
    "last_activity_at": "last_activity_at",
}  # fmt: skip
ROLES = ("no_one_allowed", "owner", "maintainer", "developer")
_SETTINGS = {
    "name": Field(),
    "path": Field(),
    "description": Field(),
    "visibility": Field(choices=groups.VISIBILITIES),
    "default_branch": Field(),
    "ci_config_path": Field(),
    "build_timeout": Field("integer"),
    "builds_access_level": Field(choices=("disabled", "private", "enabled")),
    "jobs_enabled": Field("boolean"),
}
# Only `PUT /projects/:id` takes these, as in GitLab.
_UPDATE_ONLY = {
    "ci_pipeline_variables_minimum_override_role": Field(choices=ROLES),
    "restrict_user_defined_variables": Field("boolean"),
}
# Kept and shown, without effect here.
_KEPT = {
    "only_allow_merge_if_pipeline_succeeds": Field("boolean"),
    "only_allow_merge_if_all_discussions_are_resolved": Field("boolean"),
    "merge_method": Field(choices=("ff", "rebase_merge", "merge")),
    "issues_enabled": Field("boolean"),
    "merge_requests_enabled": Field("boolean"),
    "wiki_enabled": Field("boolean"),
    "snippets_enabled": Field("boolean"),
    "lfs_enabled": Field("boolean"),
    "packages_enabled": Field("boolean"),
    "container_registry_enabled": Field("boolean"),
    "shared_runners_enabled": Field("boolean"),
    "request_access_enabled": Field("boolean"),
    "auto_devops_enabled": Field("boolean"),
    "ci_forward_deployment_enabled": Field("boolean"),
    "ci_forward_deployment_rollback_allowed": Field("boolean"),
    "ci_separated_caches": Field("boolean"),
    "keep_latest_artifact": Field("boolean"),
    "auto_cancel_pending_pipelines": Field(choices=("disabled", "enabled")),
    "build_git_strategy": Field(choices=("fetch", "clone")),
    "public_builds": Field("boolean"),
    "topics": Field("list"),
    **{
        f"{area}_access_level": Field(choices=("disabled", "private", "enabled", "public"))
        for area in (
            "issues", "merge_requests", "wiki", "snippets", "pages", "forking", "analytics", "releases", "environments",
            "feature_flags", "infrastructure", "monitor", "container_registry", "repository", "package_registry",
            "security_and_compliance", "model_experiments", "model_registry", "requirements",
        )
    },
}  # fmt: skip


@route("GET", "projects", anonymous=True)
def index(call: Call) -> Reply:
    values = call.fields(
        search=Field(), owned=Field("boolean"), membership=Field("boolean"), visibility=Field(),
        simple=Field("boolean"), archived=Field("boolean"), min_access_level=Field("integer"),
        search_namespaces=Field("boolean"), order_by=Field(choices=tuple(ORDERS), default="created_at"),
        sort=Field(choices=("asc", "desc"), default="desc"),
    )  # fmt: skip
    found = access.visible_projects(call.caller).select_related("namespace", "namespace__owner")
    if values.get("search"):
        column = "full_path" if values.get("search_namespaces") or "/" in values["search"] else "name"
        by_path = Project.objects.filter(path__icontains=values["search"])
        found = found.filter(**{f"{column}__icontains": values["search"]}) | found.filter(pk__in=by_path.values("pk"))
    if "visibility" in values:
        found = found.filter(visibility=values["visibility"])
    if "archived" in values:
        found = found.filter(is_archived=values["archived"])
    least = access.OWNER if values.get("owned") else values.get("min_access_level")
    if call.caller.user and (least or values.get("membership")):
        found = found.filter(pk__in=access.member_projects(call.user, least or access.GUEST).values("pk"))
    column = ORDERS[values["order_by"]]
    found = found.order_by(f"-{column}" if values["sort"] == "desc" else column, "-pk")
    return paginate(call, found, projects.basic if values.get("simple") else projects.full)


@route("POST", "projects")
def create(call: Call) -> dict[str, Any]:
    """In `namespace_id`, or in the caller's own namespace."""
    values = call.fields(
        **_SETTINGS, **_KEPT, namespace_id=Field("integer"), initialize_with_readme=Field("boolean"), import_url=Field()
    )
    if not values.get("name") and not values.get("path"):
        raise invalid_parameters(["name, path are missing, at least one parameter must be provided"])
    if values.get("import_url"):
        raise validation(import_url=["is not supported by this forge"])
    namespace = _namespace(call, values.get("namespace_id"))
    name = values.get("name") or values["path"]
    path = values.get("path") or re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.").lower()
    groups.check_path(path, name)
    visibility = values.get("visibility", namespace.visibility if namespace.is_group else "private")
    if namespace.is_group and groups.VISIBILITIES.index(visibility) > groups.VISIBILITIES.index(namespace.visibility):
        raise validation(visibility_level=[f"{visibility} is not allowed in a {namespace.visibility} group."])
    default_branch = values.get("default_branch") or "main"
    if not refs.is_valid_name(default_branch):
        raise validation(default_branch=["is not a valid branch name"])
    full_path = f"{namespace.full_path}/{path}"
    project = Project(
        namespace=namespace, name=name, path=path, full_path=full_path, visibility=visibility,
        default_branch=default_branch, creator=call.user,
    )  # fmt: skip
    _apply(project, values)
    try:
        with transaction.atomic():
            if groups.path_is_taken(full_path):
                raise IntegrityError
            project.save()
    except IntegrityError:
        if not Namespace.objects.filter(pk=namespace.pk).exists():
            raise not_found("Namespace") from None
        taken = ["has already been taken"]
        raise validation(name=taken, path=taken) from None
    where = repository.ensure(project)
    if values.get("initialize_with_readme"):
        readme = commits.Action("create", "README.md", content=f"# {name}\n".encode())
        who = commits.Identity(call.user.name, call.user.email)
        commits.make(
            where, branch=default_branch, message="Initial commit", actions=[readme], author=who, committer=who,
            parent=None, expected=None,
        )  # fmt: skip
        protection.settle_default_branch(project)
    return projects.full(project)


def _namespace(call: Call, namespace_id: int | None) -> Namespace:
    if namespace_id is None:
        own = Namespace.objects.filter(owner=call.user).first()
        if own is None or call.user.is_external:
            raise validation(namespace=["is not valid"])
        _check_limit(call.user, own)
        return own
    namespace = Namespace.objects.select_related("owner").filter(pk=namespace_id).first()
    if namespace is None:
        raise not_found("Namespace")
    least = {"developer": access.DEVELOPER, "maintainer": access.MAINTAINER, "owner": access.OWNER}
    if namespace.owner_id == call.user.pk:
        _check_limit(call.user, namespace)
    level = least.get(namespace.project_creation_level, access.ADMIN) if namespace.is_group else access.OWNER
    if call.level(namespace) < level:
        if namespace.is_group and not access.may_see_group(call.caller, namespace):
            raise not_found("Namespace")
        raise validation(namespace=["is not valid"])
    return namespace


def _check_limit(user: User, own: Namespace) -> None:
    limit = user.projects_limit
    if not user.is_admin and own.projects.count() >= limit:
        text = f"Your project limit is {limit} projects! Please contact your administrator to increase it"
        raise validation(limit_reached=[text])


def _apply(project: Project, values: dict[str, Any]) -> None:
    project.description = values.get("description", project.description)
    if "ci_config_path" in values:
        path = values["ci_config_path"]
        if path and (path.startswith("/") or ".." in path.split("/") or "@" in path or ":" in path):
            raise validation(ci_config_path=["must be the path of a file in this repository"])
        project.ci_config_path = path
    if "build_timeout" in values:
        if not 600 <= values["build_timeout"] <= 30 * 24 * 3600:
            raise validation(build_timeout=["needs to be between 10 minutes and 1 month"])
        project.build_timeout_s = values["build_timeout"]
    if "jobs_enabled" in values:
        project.builds_access_level = "enabled" if values["jobs_enabled"] else "disabled"
    project.builds_access_level = values.get("builds_access_level", project.builds_access_level)
    if "restrict_user_defined_variables" in values:
        project.variables_minimum_override_role = (
            "maintainer" if values["restrict_user_defined_variables"] else "developer"
        )
    project.variables_minimum_override_role = values.get(
        "ci_pipeline_variables_minimum_override_role", project.variables_minimum_override_role
    )
    project.attributes = project.attributes | {name: values[name] for name in _KEPT if name in values}


@route("GET", "projects/:id", anonymous=True, job_token=True)
def show(call: Call) -> dict[str, Any]:
    return projects.full(call.project())


@route("PUT", "projects/:id")
def update(call: Call) -> dict[str, Any]:
    project = call.project()
    before = _columns(project)
    values = call.fields(**_SETTINGS, **_UPDATE_ONLY, **_KEPT)
    call.require(project, access.MAINTAINER)
    name, path = values.get("name", project.name), values.get("path", project.path)
    visibility = values.get("visibility", project.visibility)
    if (name, path, visibility) != (project.name, project.path, project.visibility):
        groups.check_path(path, name)
        full_path = f"{project.namespace.full_path}/{path}"
        if full_path.lower() != project.full_path.lower() and groups.path_is_taken(full_path):
            raise validation(path=["has already been taken"])
        parent = project.namespace
        if parent.is_group and groups.VISIBILITIES.index(visibility) > groups.VISIBILITIES.index(parent.visibility):
            raise validation(visibility_level=[f"{visibility} is not allowed in a {parent.visibility} group."])
        project.name, project.path, project.full_path, project.visibility = name, path, full_path, visibility
    _apply(project, values)
    if "default_branch" in values and values["default_branch"] != project.default_branch:
        where = repository.ensure(project)
        if refs.branch(where, values["default_branch"]) is None:
            raise bad_request("Could not change HEAD: branch '" + values["default_branch"][:255] + "' does not exist")
        repository.set_head(where, values["default_branch"])
        project.default_branch = values["default_branch"]
    _save_changes(project, before)
    return projects.full(project)


@route("POST", "projects/:id/archive")
def archive(call: Call) -> dict[str, Any]:
    return _set_archived(call, True)


@route("POST", "projects/:id/unarchive")
def unarchive(call: Call) -> dict[str, Any]:
    return _set_archived(call, False)


def _set_archived(call: Call, is_archived: bool) -> dict[str, Any]:
    project = call.project()
    call.require(project, access.OWNER)
    before = _columns(project)
    project.is_archived = is_archived
    _save_changes(project, before)
    return projects.full(project)


def _columns(project: Project) -> dict[str, Any]:
    return {field.attname: getattr(project, field.attname) for field in Project._meta.concrete_fields}


def _save_changes(project: Project, before: dict[str, Any]) -> None:
    """What was changed and nothing else: pipelines and pushes write to the row at the same time. Raises `DatabaseError`
    where the row is gone, which must not come back."""
    changed = [name for name, value in before.items() if getattr(project, name) != value]
    try:
        with transaction.atomic():
            project.save(update_fields=[*changed, "updated_at"])
    except IntegrityError:
        raise validation(path=["has already been taken"]) from None


@route("DELETE", "projects/:id")
def delete(call: Call) -> Reply:
    """At once, as GitLab before 18 does."""
    project = call.project()
    if call.level(project) < access.OWNER:
        raise forbidden()
    removal.remove_project(project)
    return Reply({"message": "202 Accepted"}, status=202)
