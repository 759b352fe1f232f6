"""`/groups`: where teams and their projects live."""

import re
from typing import Any

from django.db import IntegrityError, transaction

from provisioning.embedded_forge import access, removal
from provisioning.embedded_forge.entities import projects
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, forbidden, not_found, validation
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Member, Namespace, Project

PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(?<![.-])\Z")
PATH_TEXT = (
    "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or end in '.', '.git' or '.atom'."
)
# First segments that are routes of a GitLab.
RESERVED = {"api", "admin", "dashboard", "explore", "groups", "help", "projects", "users", "uploads", "-", "assets"}
VISIBILITIES = ("private", "internal", "public")
_FIELDS = {
    "name": Field(),
    "path": Field(),
    "description": Field(),
    "visibility": Field(choices=VISIBILITIES),
    "default_branch_protection": Field("integer", choices=(0, 1, 2, 3, 4)),
    "default_branch_protection_defaults": Field("mapping"),
    "project_creation_level": Field(choices=("noone", "owner", "maintainer", "developer", "administrator")),
    "subgroup_creation_level": Field(choices=("owner", "maintainer")),
}


def protection_of(defaults: dict[str, Any]) -> int:
    """The number for GitLab's newer way of saying it: who may push, merge, and make the first push."""
    push = min((int(item.get("access_level", 40)) for item in defaults.get("allowed_to_push", [])), default=40)
    merge = min((int(item.get("access_level", 40)) for item in defaults.get("allowed_to_merge", [])), default=40)
    if defaults.get("developer_can_initial_push"):
        return 4
    if push <= access.DEVELOPER:
        return 0 if defaults.get("allow_force_push") else 1
    return 3 if merge <= access.DEVELOPER else 2


@route("GET", "groups", anonymous=True)
def index(call: Call) -> Reply:
    values = call.fields(
        search=Field(), owned=Field("boolean"), top_level_only=Field("boolean"), min_access_level=Field("integer")
    )
    found = access.visible_groups(call.caller).order_by("name", "pk")
    if values.get("search"):
        found = found.filter(full_path__icontains=values["search"])
    if values.get("top_level_only"):
        found = found.filter(parent=None)
    least = access.OWNER if values.get("owned") else values.get("min_access_level")
    if least and call.caller.user:
        mine = access.valid_members().filter(user=call.user, access_level__gte=least)
        found = found.filter(pk__in=mine.values("namespace"))
    return paginate(call, found, projects.group)


@route("POST", "groups")
def create(call: Call) -> dict[str, Any]:
    required = {"name": Field(required=True), "path": Field(required=True), "parent_id": Field("integer")}
    values = call.fields(**(_FIELDS | required))
    parent = None
    if "parent_id" in values:
        parent = Namespace.objects.filter(owner=None, pk=values["parent_id"]).first()
        if parent is None or not access.may_see_group(call.caller, parent):
            raise not_found("Group")
        least = access.OWNER if parent.subgroup_creation_level == "owner" else access.MAINTAINER
        call.require(parent, least)
    elif not (call.is_admin or call.user.can_create_group):
        raise forbidden()
    check_path(values["path"], values["name"], is_top=parent is None)
    visibility = values.get("visibility", parent.visibility if parent else "private")
    if parent and VISIBILITIES.index(visibility) > VISIBILITIES.index(parent.visibility):
        raise validation(
            visibility_level=[
                f"{visibility} is not allowed since the parent group has a {parent.visibility} visibility."
            ]
        )
    full_path = f"{parent.full_path}/{values['path']}" if parent else values["path"]
    group = Namespace(
        name=values["name"], path=values["path"], full_path=full_path, parent=parent, visibility=visibility,
        full_name=f"{parent.full_name} / {values['name']}" if parent else values["name"],
    )  # fmt: skip
    if parent:
        group.default_branch_protection = parent.default_branch_protection
    _apply(group, values)
    try:
        with transaction.atomic():
            if path_is_taken(full_path):
                raise IntegrityError
            group.save()
            Member.objects.create(user=call.user, namespace=group, access_level=access.OWNER, created_by=call.user)
    except IntegrityError:
        if parent and not Namespace.objects.filter(pk=parent.pk).exists():
            raise not_found("Group") from None
        raise bad_request('Failed to save group {:path=>["has already been taken"]}') from None
    return projects.group(group)


def check_path(path: str, name: str, *, is_top: bool = False) -> None:
    problems: dict[str, list[str]] = {}
    if not PATH.match(path) or path.endswith((".git", ".atom")) or len(path) > 255:
        problems["path"] = [PATH_TEXT]
    elif is_top and path.lower() in RESERVED:
        problems["path"] = [f"{path} is a reserved name"]
    if not name.strip() or len(name) > 255 or any(ord(char) < 32 for char in name):
        problems["name"] = ["can't be blank"]
    if problems:
        raise validation(**problems)


def path_is_taken(full_path: str) -> bool:
    """Groups, people and projects share one tree of names."""
    if Namespace.objects.filter(full_path__iexact=full_path).exists():
        return True
    return Project.objects.filter(full_path__iexact=full_path).exists()


def _apply(group: Namespace, values: dict[str, Any]) -> None:
    for name in ("description", "project_creation_level", "subgroup_creation_level", "default_branch_protection"):
        if name in values:
            setattr(group, name, values[name])
    if "default_branch_protection_defaults" in values:
        group.default_branch_protection = protection_of(values["default_branch_protection_defaults"])


@route("GET", "groups/:id", anonymous=True)
def show(call: Call) -> dict[str, Any]:
    group = call.group()
    values = call.fields(with_projects=Field("boolean", default=True))
    shown = projects.group(group)
    if values["with_projects"]:
        rows = access.visible_projects(call.caller).filter(namespace=group)
        shown["projects"] = [projects.basic(row) for row in rows.select_related("namespace")[:100]]
    return shown


@route("PUT", "groups/:id")
def update(call: Call) -> dict[str, Any]:
    """Name, description, visibility and levels. The path stays."""
    group = call.group()
    values = call.fields(**_FIELDS)
    call.require(group, access.OWNER)
    if values.get("path", group.path) != group.path:
        raise validation(path=["can't be changed on this forge"])
    if "name" in values:
        check_path(group.path, values["name"])
        group.name = values["name"]
        group.full_name = " / ".join([*group.full_name.split(" / ")[:-1], group.name])
    group.visibility = values.get("visibility", group.visibility)
    _apply(group, values)
    group.save(force_update=True)
    return projects.group(group)


@route("DELETE", "groups/:id")
def delete(call: Call) -> Reply:
    """With everything in it, at once."""
    group = call.group()
    call.require(group, access.OWNER)
    removal.remove_group(group)
    return Reply({"message": "202 Accepted"}, status=202)


@route("GET", "groups/:id/subgroups", anonymous=True)
def subgroups(call: Call) -> Reply:
    group = call.group()
    return paginate(call, access.visible_groups(call.caller).filter(parent=group).order_by("name"), projects.group)


@route("GET", "groups/:id/projects", anonymous=True)
def group_projects(call: Call) -> Reply:
    group = call.group()
    values = call.fields(include_subgroups=Field("boolean"), search=Field(), simple=Field("boolean"))
    found = access.visible_projects(call.caller).select_related("namespace", "namespace__owner").order_by("-pk")
    if values.get("include_subgroups"):
        found = found.filter(full_path__startswith=f"{group.full_path}/")
    else:
        found = found.filter(namespace=group)
    if values.get("search"):
        found = found.filter(name__icontains=values["search"])
    return paginate(call, found, projects.basic if values.get("simple") else projects.full)
