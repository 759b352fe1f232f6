"""`/projects/:id/repository/compare`."""

from typing import Any

from provisioning.embedded_forge.api import code
from provisioning.embedded_forge.entities import commits as shapes
from provisioning.embedded_forge.entities.projects import web_url
from provisioning.embedded_forge.git import diff, history, refs
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.routing import route

MAX_COMMITS = 1000


@route("GET", "projects/:id/repository/compare", also={"read_repository"}, anonymous=True)
def compare(call: Call) -> dict[str, Any]:
    """From the merge base to `to`; with `straight` from `from` itself."""
    project, path = code.readable(call)
    values = call.fields(
        **{"from": Field(required=True), "to": Field(required=True)},
        straight=Field("boolean", default=False), unidiff=Field("boolean", default=False),
    )  # fmt: skip
    older = code.resolved(project, path, values["from"], "Ref")
    newer = code.resolved(project, path, values["to"], "Ref")
    base: str | None = older if values["straight"] else refs.merge_base(path, older, newer)
    commits = history.walk(path, f"{older}..{newer}", limit=MAX_COMMITS)[::-1]
    changes = diff.changes(path, base or older, newer, unified_headers=values["unidiff"])
    return {
        "commit": shapes.basic(project, commits[-1]) if commits else None,
        "commits": [shapes.basic(project, row) for row in commits],
        "diffs": [shapes.change(row) for row in changes],
        "compare_timeout": False,
        "compare_same_ref": values["from"] == values["to"],
        "web_url": f"{web_url(project.full_path)}/-/compare/{older}...{newer}",
    }


@route("GET", "projects/:id/repository/merge_base", also={"read_repository"}, anonymous=True)
def merge_base(call: Call) -> dict[str, Any]:
    project, path = code.readable(call)
    names = call.fields(refs=Field("list", required=True))["refs"]
    found = [code.resolved(project, path, str(name), "Ref") for name in names[:2]]
    base = refs.merge_base(path, found[0], found[-1])
    return shapes.basic(project, history.commit(path, base)) if base else {}
