"""`/projects/:id/members`."""

from typing import Any

from provisioning.embedded_forge.api import members
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route


@route("GET", "projects/:id/members")
def index(call: Call) -> Reply:
    return members.index(call, call.project())


@route("GET", "projects/:id/members/all")
def index_all(call: Call) -> Reply:
    return members.index_all(call, call.project())


@route("GET", "projects/:id/members/all/:user_id")
def show_all(call: Call) -> dict[str, Any]:
    return members.show_all(call, call.project())


@route("GET", "projects/:id/members/:user_id")
def show(call: Call) -> dict[str, Any]:
    return members.show(call, call.project())


@route("POST", "projects/:id/members")
def create(call: Call) -> dict[str, Any]:
    return members.create(call, call.project())


@route("PUT", "projects/:id/members/:user_id")
def update(call: Call) -> dict[str, Any]:
    return members.update(call, call.project())


@route("DELETE", "projects/:id/members/:user_id")
def delete(call: Call) -> None:
    members.delete(call, call.project())
