"""`/projects/:id/repository/files/:file_path`: one file at a time. The path in the URL is the one that counts."""

import base64
import hashlib
from typing import Any

from provisioning.embedded_forge import access
from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.api.commits import AUTHOR
from provisioning.embedded_forge.git import history, tree
from provisioning.embedded_forge.git.commits import Action, CommitRefused, check_path
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, invalid_parameters, not_found
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route

_WRITE = {
    "branch": Field(required=True, filled=True),
    "commit_message": Field(required=True, filled=True),
    "start_branch": Field(),
    "last_commit_id": Field(default=""),
    **AUTHOR,
}
_CONTENT = {
    "content": Field(required=True),
    "encoding": Field(choices=("text", "base64")),
    "execute_filemode": Field("boolean"),
}


def _file(call: Call) -> tuple[dict[str, Any], bytes]:
    """What GitLab says of a file, and its content."""
    project, path = code.readable(call)
    values = call.fields(ref=Field())
    ref = values.get("ref") or "HEAD"
    sha = code.resolved(project, path, project.default_branch if ref == "HEAD" else ref, "Commit")
    try:
        entry = tree.entry(path, sha, check_path(call.path["file_path"]))
    except CommitRefused:
        raise not_found("File") from None
    if entry is None or entry.kind != "blob":
        raise not_found("File")
    content = tree.blob(path, entry.sha)
    facts = {
        "file_name": entry.name,
        "file_path": entry.path,
        "size": len(content),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": ref,
        "blob_id": entry.sha,
        "commit_id": sha,
        "last_commit_id": history.last_to_touch(path, sha, entry.path),
        "execute_filemode": entry.mode == "100755",
    }
    return facts, content


def _headers(facts: dict[str, Any]) -> dict[str, str]:
    """As `X-Gitlab-*`. A name that a header can't carry is left out."""
    shown = {}
    for name, value in facts.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if text.isascii() and text.isprintable():
            shown["X-Gitlab-" + "-".join(part.capitalize() for part in name.split("_"))] = text
    return shown


@route("GET", "projects/:id/repository/files/:file_path/raw", also={"read_repository"}, anonymous=True)
def raw(call: Call) -> Reply:
    facts, content = _file(call)
    return Reply(raw=content, headers=_headers(facts), content_type="text/plain; charset=utf-8")


@route("GET", "projects/:id/repository/files/:file_path", also={"read_repository"}, anonymous=True)
def show(call: Call) -> Reply:
    facts, content = _file(call)
    return Reply({**facts, "content": base64.b64encode(content).decode()}, headers=_headers(facts))


def _commit(call: Call, name: str, values: dict[str, Any]) -> dict[str, str]:
    project = call.project()
    call.require(project, access.DEVELOPER)
    try:
        file_path = check_path(call.path["file_path"])
    except CommitRefused as refusal:
        raise bad_request(str(refusal)) from refusal
    action = Action(
        name, file_path, content=code.content_of(values), is_executable=values.get("execute_filemode"),
        last_commit_id=values["last_commit_id"],
    )  # fmt: skip
    code.commit(
        call, project, branch=values["branch"], message=values["commit_message"], actions=[action],
        start_branch=values.get("start_branch"), author_name=values.get("author_name"),
        author_email=values.get("author_email"),
    )  # fmt: skip
    return {"file_path": file_path, "branch": values["branch"]}


@route("POST", "projects/:id/repository/files/:file_path")
def create(call: Call) -> dict[str, str]:
    call.project()
    return _commit(call, "create", call.fields(**_WRITE, **_CONTENT))


@route("PUT", "projects/:id/repository/files/:file_path")
def update(call: Call) -> dict[str, str]:
    call.project()
    values = call.fields(**_WRITE, **_CONTENT)
    if values["last_commit_id"] and not values["last_commit_id"].isalnum():
        raise invalid_parameters(["last_commit_id is invalid"])
    return _commit(call, "update", values)


@route("DELETE", "projects/:id/repository/files/:file_path")
def delete(call: Call) -> None:
    call.project()
    _commit(call, "delete", call.fields(**_WRITE))
