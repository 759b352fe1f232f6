"""`/projects/:id/repository/commits`."""

from pathlib import Path
from typing import Any

from provisioning.embedded_forge import access
from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.entities import commits as shapes
from provisioning.embedded_forge.git import diff, history
from provisioning.embedded_forge.git.commits import Action, CommitRefused, check_path
from provisioning.embedded_forge.http import parameters
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, invalid_parameters
from provisioning.embedded_forge.http.pagination import MAX_PER_PAGE, page_of, paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Project

ACTIONS = ("create", "update", "move", "delete", "chmod")
_ACTION = {
    "action": Field(required=True, choices=ACTIONS),
    "file_path": Field(required=True),
    "previous_path": Field(),
    "content": Field(),
    "encoding": Field(choices=("text", "base64")),
    "last_commit_id": Field(),
    "execute_filemode": Field("boolean"),
}
AUTHOR = {"author_name": Field(), "author_email": Field()}


@route("POST", "projects/:id/repository/commits")
def create(call: Call) -> dict[str, Any]:
    """Several files in one commit, or nothing at all."""
    project = call.project()
    values = call.fields(
        branch=Field(required=True, filled=True), commit_message=Field(required=True, filled=True),
        actions=Field("list", required=True), start_branch=Field(), start_sha=Field(),
        force=Field("boolean", default=False), stats=Field("boolean", default=True), **AUTHOR,
    )  # fmt: skip
    if values.get("start_branch") and values.get("start_sha"):
        raise invalid_parameters(["start_branch, start_sha are mutually exclusive"])
    actions = [_action(item) for item in values["actions"]]
    call.require(project, access.DEVELOPER)
    sha = code.commit(
        call, project, branch=values["branch"], message=values["commit_message"], actions=actions,
        start_branch=values.get("start_branch"), start_sha=values.get("start_sha"), force=values["force"],
        author_name=values.get("author_name"), author_email=values.get("author_email"),
    )  # fmt: skip
    _project, path = code.readable(call)
    return _detail(project, path, sha, with_stats=values["stats"])


def _action(raw: Any) -> Action:
    if not isinstance(raw, dict):
        raise invalid_parameters(["actions is invalid"])
    values = parameters.check(raw, _ACTION)
    name = values["action"]
    if name == "move" and not values.get("previous_path"):
        raise invalid_parameters(["actions[previous_path] is missing"])
    if name == "create" and values.get("content") is None:
        values["content"] = ""
    if name == "chmod" and "execute_filemode" not in values:
        raise invalid_parameters(["actions[execute_filemode] is missing"])
    if name == "update" and values.get("content") is None:
        raise invalid_parameters(["actions[content] is missing"])
    try:
        return Action(
            name, check_path(values["file_path"]), content=code.content_of(values),
            previous_path=check_path(values["previous_path"]) if values.get("previous_path") and name == "move" else "",
            is_executable=values.get("execute_filemode"), last_commit_id=values.get("last_commit_id", ""),
        )  # fmt: skip
    except CommitRefused as refusal:
        raise bad_request(str(refusal)) from refusal


def _detail(project: Project, path: Path, sha: str, *, with_stats: bool) -> dict[str, Any]:
    stats = history.stats(path, sha) if with_stats else None
    return shapes.detail(project, history.commit(path, sha), stats)


@route("GET", "projects/:id/repository/commits", also={"read_repository"}, anonymous=True)
def index(call: Call) -> Reply:
    project, path = code.readable(call)
    values = call.fields(
        ref_name=Field(), path=Field(default=""), since=Field(), until=Field(), author=Field(), all=Field("boolean"),
        first_parent=Field("boolean"), order=Field(choices=("default", "topo")), with_stats=Field("boolean"),
        page=Field("integer", default=1), per_page=Field("integer", default=20),
    )  # fmt: skip
    if values["path"]:
        values["path"] = code.inner_path(values["path"])
    if values.get("all"):
        revision = "--all"
    else:
        reference = values.get("ref_name") or None
        if reference and ".." in reference:
            first, second = reference.replace("...", "..").split("..", 1)
            older, newer = (code.resolved(project, path, name, "Commit") for name in (first, second))
            revision = f"{older}..{newer}"
        else:
            revision = code.resolved(project, path, reference, "Commit")
    options = [f"--{name}={values[name]}" for name in ("since", "until", "author") if values.get(name)]
    options += ["--fixed-strings"] if values.get("author") else []
    options += ["--first-parent"] if values.get("first_parent") else []
    order = ["--topo-order"] if values.get("order") == "topo" else []
    per_page = min(max(values["per_page"], 1), MAX_PER_PAGE)
    page = max(values["page"], 1)
    total = history.count(path, revision, options=options, path=values["path"])
    found = history.walk(
        path, revision, options=[*options, *order], path=values["path"], skip=(page - 1) * per_page, limit=per_page
    )
    shown = [shapes.basic(project, row) for row in found]
    if values.get("with_stats"):
        shown = [item | {"stats": history.stats(path, item["id"])} for item in shown]
    return page_of(call, shown, page=page, per_page=per_page, total=total)


@route("GET", "projects/:id/repository/commits/:sha", also={"read_repository"}, anonymous=True)
def show(call: Call) -> dict[str, Any]:
    project, path = code.readable(call)
    values = call.fields(stats=Field("boolean", default=True))
    sha = code.resolved(project, path, call.path["sha"], "Commit")
    return _detail(project, path, sha, with_stats=values["stats"])


@route("GET", "projects/:id/repository/commits/:sha/diff", also={"read_repository"}, anonymous=True)
def show_diff(call: Call) -> Reply:
    """Against the first parent; of a commit without one, against nothing."""
    project, path = code.readable(call)
    values = call.fields(unidiff=Field("boolean", default=False))
    sha = code.resolved(project, path, call.path["sha"], "Commit")
    parents = history.commit(path, sha).parents
    base = parents[0] if parents else diff.EMPTY_TREE
    return paginate(call, diff.changes(path, base, sha, unified_headers=values["unidiff"]), shapes.change)
