"""`/projects/:id/repository/submodules/:submodule`: moves a submodule that exists. Making one needs a push, as in
GitLab."""

from typing import Any

from provisioning.embedded_forge import access
from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.entities import commits as shapes
from provisioning.embedded_forge.git import history, refs, tree
from provisioning.embedded_forge.git.commits import Action
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.routing import route


@route("PUT", "projects/:id/repository/submodules/:submodule")
def update(call: Call) -> dict[str, Any]:
    project, path = code.readable(call)
    values = call.fields(branch=Field(required=True), commit_sha=Field(required=True), commit_message=Field(default=""))
    call.require(project, access.DEVELOPER)
    submodule, target = call.path["submodule"].strip("/"), values["commit_sha"].lower()
    if refs.is_empty(path):
        raise bad_request("The repository is empty")
    if not refs.is_sha(target):
        raise bad_request("Invalid parameters")
    head = refs.branch(path, values["branch"])
    if head is None:
        raise bad_request("You can only create or edit files when you are on a branch")
    entry = tree.entry(path, head, submodule)
    if entry is None or entry.kind != "commit":
        raise bad_request("Invalid submodule path")
    if entry.sha == target:
        raise bad_request(f"The submodule {submodule} is already at {target}")
    message = values["commit_message"] or f"Update submodule {submodule} with oid {target}"
    action = Action("gitlink", submodule, content=target.encode())
    sha = code.commit(call, project, branch=values["branch"], message=message, actions=[action])
    return shapes.detail(project, history.commit(path, sha), history.stats(path, sha))
