"""`/projects/:id/repository/tree`, blobs and archives."""

from typing import Any

from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.git import refs, tree
from provisioning.embedded_forge.git.process import GitError, run
from provisioning.embedded_forge.git.tree import Entry
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route


def _shown(entry: Entry) -> dict[str, Any]:
    return {"id": entry.sha, "name": entry.name, "type": entry.kind, "path": entry.path, "mode": entry.mode}


@route("GET", "projects/:id/repository/tree", also={"read_repository"}, anonymous=True)
def index(call: Call) -> Reply:
    project, path = code.readable(call)
    values = call.fields(ref=Field(), path=Field(default=""), recursive=Field("boolean", default=False))
    if refs.is_empty(path) and not values.get("ref"):
        raise not_found("Tree")
    sha = code.resolved(project, path, values.get("ref"), "Tree")
    below = code.inner_path(values["path"]) if values["path"].strip("/") else ""
    listed = tree.listing(path, sha, below, recursive=values["recursive"])
    if listed is None:
        raise not_found("invalid revision or path") if values["path"] else not_found("Tree")
    return paginate(call, listed, _shown)


@route("GET", "projects/:id/repository/blobs/:sha/raw", also={"read_repository"}, anonymous=True)
def raw_blob(call: Call) -> Reply:
    _project, path = code.readable(call)
    if not refs.is_sha(call.path["sha"]):
        raise not_found("Blob")
    try:
        return Reply(raw=tree.blob(path, call.path["sha"]), content_type="text/plain; charset=utf-8")
    except GitError:
        raise not_found("Blob") from None


_FORMATS = {"tar.gz": "application/gzip", "tar": "application/x-tar", "zip": "application/zip"}


@route("GET", "projects/:id/repository/archive", also={"read_repository"}, anonymous=True)
def archive(call: Call) -> Reply:
    return _archive(call, call.fields(format=Field(choices=tuple(_FORMATS), default="tar.gz"))["format"])


@route("GET", "projects/:id/repository/archive.:format", also={"read_repository"}, anonymous=True)
def archive_as(call: Call) -> Reply:
    if call.path["format"] not in _FORMATS:
        raise not_found("File")
    return _archive(call, call.path["format"])


def _archive(call: Call, kind: str) -> Reply:
    project, path = code.readable(call)
    sha = code.resolved(project, path, call.fields(sha=Field()).get("sha"), "File")
    name = f"{project.path}-{sha}"
    content = run(path, "archive", f"--format={kind}", f"--prefix={name}/", sha)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Reply(raw=content, content_type=_FORMATS[kind], headers=headers)
