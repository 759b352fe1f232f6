"""`/projects/:id/repository/branches`."""

from typing import Any

from provisioning.embedded_forge import access, protection
from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.entities import commits as shapes
from provisioning.embedded_forge.git import history, refs
from provisioning.embedded_forge.git.history import Commit
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import ApiError, bad_request, forbidden, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Project


def _shown(call: Call, project: Project, name: str, commit: Commit) -> dict[str, Any]:
    rules = protection.branch_rules(project, name)
    developers = any(rule.push_access_level == access.DEVELOPER for rule in rules)
    can_push = call.caller.user is not None and protection.may_push(call.caller, project, name)
    return shapes.branch(
        project, name, commit, is_protected=bool(rules), can_push=can_push, developers_can_push=developers
    )


@route("GET", "projects/:id/repository/branches", also={"read_repository"}, anonymous=True)
def index(call: Call) -> Reply:
    """By name; `search` takes `^start` and `end$` too."""
    project, path = code.readable(call)
    search = call.fields(search=Field(default=""))["search"]
    found = [(name, sha) for name, sha in refs.branches(path).items() if _is_wanted(name, search)]
    commits = history.by_sha(path, [sha for _name, sha in found])
    return paginate(call, found, lambda row: _shown(call, project, row[0], commits[row[1]]))


def _is_wanted(name: str, search: str) -> bool:
    if search.startswith("^"):
        return name.startswith(search[1:])
    if search.endswith("$"):
        return name.endswith(search[:-1])
    return search.lower() in name.lower()


@route("GET", "projects/:id/repository/branches/:branch", also={"read_repository"}, anonymous=True)
def show(call: Call) -> dict[str, Any]:
    project, path = code.readable(call)
    sha = refs.branch(path, call.path["branch"])
    if sha is None:
        raise not_found("Branch")
    return _shown(call, project, call.path["branch"], history.commit(path, sha))


@route("POST", "projects/:id/repository/branches")
def create(call: Call) -> dict[str, Any]:
    project, path = code.readable(call)
    values = call.fields(branch=Field(required=True), ref=Field(required=True))
    call.require(project, access.DEVELOPER)
    name = values["branch"]
    if not refs.is_valid_name(name) or refs.is_sha(name):
        raise bad_request(f"Branch name is invalid: {name[:255]}")
    if refs.branch(path, name) is not None:
        raise bad_request("Branch already exists")
    sha = refs.resolve(path, values["ref"])
    if sha is None:
        raise bad_request(f"Invalid reference name: {values['ref'][:255]}")
    if not protection.may_push(call.caller, project, name):
        raise forbidden("You are not allowed to create protected branches on this project.")
    if not refs.update(path, f"refs/heads/{name}", sha, refs.ZERO):
        raise bad_request("Branch already exists")
    code.moved(call, project, [(refs.ZERO, sha, f"refs/heads/{name}")])
    return _shown(call, project, name, history.commit(path, sha))


@route("DELETE", "projects/:id/repository/branches/:branch")
def delete(call: Call) -> None:
    """Neither the default branch nor a protected one."""
    project, path = code.readable(call)
    call.require(project, access.DEVELOPER)
    name = call.path["branch"]
    sha = refs.branch(path, name)
    if sha is None:
        raise not_found("Branch")
    if name == project.default_branch:
        raise ApiError(405, {"message": "405 Method Not Allowed"})
    if protection.is_protected(project, name, is_tag=False):
        raise ApiError(403, {"message": "Protected branch cannot be removed"})
    if not refs.update(path, f"refs/heads/{name}", refs.ZERO, sha):
        raise bad_request("Failed to remove branch")
    code.moved(call, project, [(sha, refs.ZERO, f"refs/heads/{name}")])
