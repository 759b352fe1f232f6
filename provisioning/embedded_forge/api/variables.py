"""`/projects/:id/variables`: CI variables."""

import re
from typing import Any

from django.db import IntegrityError

from provisioning.embedded_forge import access
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import ApiError, not_found, validation
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Project, Variable

KEY = re.compile(r"[A-Za-z0-9_]{1,255}\Z")
# What can be masked: one line, and without `raw` only characters that no shell or encoding changes.
MASKABLE = re.compile(r"[a-zA-Z0-9_+=/@:.~-]{8,}\Z")
MASKABLE_RAW = re.compile(r"\S{8,}\Z")
SCOPE = re.compile(r"[A-Za-z0-9_\-/${}. *]{1,255}\Z")
MAX_VALUE = 10_000
_OPTIONS = {
    "variable_type": Field(choices=("env_var", "file")),
    "protected": Field("boolean"),
    "masked": Field("boolean"),
    "raw": Field("boolean"),
    "environment_scope": Field(),
    "description": Field(),
}
_COLUMNS = {"protected": "is_protected", "masked": "is_masked", "raw": "is_raw"}


def shown(row: Variable) -> dict[str, Any]:
    """A hidden variable's value stays hidden."""
    return {
        "variable_type": row.variable_type,
        "key": row.key,
        "value": None if row.is_hidden else row.value,
        "hidden": row.is_hidden,
        "protected": row.is_protected,
        "masked": row.is_masked,
        "raw": row.is_raw,
        "environment_scope": row.environment_scope,
        "description": row.description or None,
    }


@route("GET", "projects/:id/variables")
def index(call: Call) -> Reply:
    project = _administered(call)
    return paginate(call, project.variables.order_by("key", "environment_scope"), shown)


@route("POST", "projects/:id/variables")
def create(call: Call) -> dict[str, Any]:
    project = call.project()
    values = call.fields(
        key=Field(required=True), value=Field(required=True), masked_and_hidden=Field("boolean"), **_OPTIONS
    )
    call.require(project, access.MAINTAINER)
    row = Variable(project=project, key=values["key"])
    if values.pop("masked_and_hidden", False):
        row.is_masked = row.is_hidden = True
    _save(row, values)
    return shown(row)


@route("GET", "projects/:id/variables/:key")
def show(call: Call) -> dict[str, Any]:
    return shown(_one(call, _administered(call)))


@route("PUT", "projects/:id/variables/:key")
def update(call: Call) -> dict[str, Any]:
    project = call.project()
    values = call.fields(value=Field(), **_OPTIONS)
    call.require(project, access.MAINTAINER)
    row = _one(call, project)
    if row.is_hidden and values.get("masked") is False:
        raise validation(masked=["can't be turned off for a hidden variable"])
    _save(row, values)
    return shown(row)


@route("DELETE", "projects/:id/variables/:key")
def delete(call: Call) -> None:
    _one(call, _administered(call)).delete()


def _administered(call: Call) -> Project:
    project = call.project()
    call.require(project, access.MAINTAINER)
    return project


def _one(call: Call, project: Project) -> Variable:
    """By key and `filter[environment_scope]`; a key that stands in several scopes needs the filter."""
    found = project.variables.filter(key=call.path["key"])
    scope = call.fields(filter=Field("mapping", default={}))["filter"].get("environment_scope")
    if scope is not None:
        found = found.filter(environment_scope=scope)
    rows = list(found[:2])
    if not rows:
        raise not_found("Variable")
    if len(rows) > 1:
        text = "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"
        raise ApiError(409, {"message": text})
    return rows[0]


def _save(row: Variable, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name != "key":
            setattr(row, _COLUMNS.get(name, name), value)
    problems: dict[str, list[str]] = {}
    if not KEY.match(row.key):
        problems["key"] = ["can contain only letters, digits and '_'."]
    if len(row.value) > MAX_VALUE:
        problems["value"] = [f"is too long (maximum is {MAX_VALUE} characters)"]
    elif row.is_masked and not (MASKABLE_RAW if row.is_raw else MASKABLE).match(row.value):
        problems["value"] = ["is invalid"]
    if not SCOPE.match(row.environment_scope):
        problems["environment_scope"] = [
            "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces"
        ]
    if problems:
        raise validation(**problems)
    try:
        row.save(force_update=row.pk is not None)
    except IntegrityError:
        raise validation(key=[f"({row.key}) has already been taken"]) from None
