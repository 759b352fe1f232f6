"""`/projects/:id/repository/tags`."""

import re
from typing import Any

from provisioning.embedded_forge import access, protection
from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.entities import commits as shapes
from provisioning.embedded_forge.git import history, refs
from provisioning.embedded_forge.git.commits import Identity
from provisioning.embedded_forge.git.process import run
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, forbidden, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route


def _version(name: str) -> list[tuple[int, int | str]]:
    parts = re.findall(r"\d+|[^\d]+", name.removeprefix("v"))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


@route("GET", "projects/:id/repository/tags", also={"read_repository"}, anonymous=True)
def index(call: Call) -> Reply:
    """Newest first; `order_by` name, updated or version."""
    project, path = code.readable(call)
    values = call.fields(
        search=Field(default=""), order_by=Field(choices=("name", "updated", "version"), default="updated"),
        sort=Field(choices=("asc", "desc"), default="desc"),
    )  # fmt: skip
    text = values["search"]
    found = [
        row for row in refs.tags(path)
        if (row.name.startswith(text[1:]) if text.startswith("^") else text.lower() in row.name.lower())
    ]  # fmt: skip
    if values["order_by"] == "updated":
        found = found if values["sort"] == "desc" else found[::-1]
    else:
        key = (lambda row: _version(row.name)) if values["order_by"] == "version" else (lambda row: row.name)
        found.sort(key=key, reverse=values["sort"] == "desc")
    commits = history.by_sha(path, [row.commit for row in found])
    return paginate(
        call, found,
        lambda row: shapes.tag(
            project, row, commits.get(row.commit), is_protected=protection.is_protected(project, row.name, is_tag=True)
        ),
    )  # fmt: skip


@route("GET", "projects/:id/repository/tags/:tag_name", also={"read_repository"}, anonymous=True)
def show(call: Call) -> dict[str, Any]:
    project, path = code.readable(call)
    row = refs.tag(path, call.path["tag_name"])
    if row is None:
        raise not_found("Tag")
    is_protected = protection.is_protected(project, row.name, is_tag=True)
    return shapes.tag(project, row, history.commit(path, row.commit), is_protected=is_protected)


@route("POST", "projects/:id/repository/tags")
def create(call: Call) -> dict[str, Any]:
    """Annotated where a `message` is sent, else a plain pointer."""
    project, path = code.readable(call)
    values = call.fields(tag_name=Field(required=True), ref=Field(required=True), message=Field(default=""))
    call.require(project, access.DEVELOPER)
    name = values["tag_name"]
    if not refs.is_valid_name(name):
        raise bad_request("Tag name invalid")
    if refs.read(path, f"refs/tags/{name}") is not None:
        raise bad_request(f"Tag {name} already exists")
    sha = refs.resolve(path, values["ref"])
    if sha is None:
        raise bad_request(f"Target {values['ref'][:255]} is invalid")
    if not protection.may_create_tag(call.caller, project, name):
        raise forbidden("You are not allowed to create this tag as it is protected.")
    target = sha
    if values["message"]:
        target = _annotate(call, path, name, sha, values["message"])
    if not refs.update(path, f"refs/tags/{name}", target, refs.ZERO):
        raise bad_request(f"Tag {name} already exists")
    code.moved(call, project, [(refs.ZERO, target, f"refs/tags/{name}")])
    row = refs.Tag(name, target, sha, values["message"])
    is_protected = protection.is_protected(project, name, is_tag=True)
    return shapes.tag(project, row, history.commit(path, sha), is_protected=is_protected)


def _annotate(call: Call, path: Any, name: str, sha: str, message: str) -> str:
    tagger = Identity(call.user.name, call.user.email).line(history.now()).decode()
    text = f"object {sha}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message.rstrip()}\n"
    return run(path, "mktag", stdin=text.encode()).decode().strip()


@route("DELETE", "projects/:id/repository/tags/:tag_name")
def delete(call: Call) -> None:
    project, path = code.readable(call)
    call.require(project, access.DEVELOPER)
    name = call.path["tag_name"]
    row = refs.tag(path, name)
    if row is None:
        raise not_found("Tag")
    if protection.is_protected(project, name, is_tag=True) and call.level(project) < access.MAINTAINER:
        raise forbidden("Protected tags cannot be deleted")
    if not refs.update(path, f"refs/tags/{name}", refs.ZERO, row.target):
        raise bad_request("Failed to remove tag")
    code.moved(call, project, [(row.target, refs.ZERO, f"refs/tags/{name}")])
