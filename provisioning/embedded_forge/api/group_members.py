"""`/groups/:id/members`."""

from typing import Any

from provisioning.embedded_forge.api import members
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route


@route("GET", "groups/:id/members")
def index(call: Call) -> Reply:
    return members.index(call, call.group())


@route("GET", "groups/:id/members/all")
def index_all(call: Call) -> Reply:
    return members.index_all(call, call.group())


@route("GET", "groups/:id/members/all/:user_id")
def show_all(call: Call) -> dict[str, Any]:
    return members.show_all(call, call.group())


@route("GET", "groups/:id/members/:user_id")
def show(call: Call) -> dict[str, Any]:
    return members.show(call, call.group())


@route("POST", "groups/:id/members")
def create(call: Call) -> dict[str, Any]:
    return members.create(call, call.group())


@route("PUT", "groups/:id/members/:user_id")
def update(call: Call) -> dict[str, Any]:
    return members.update(call, call.group())


@route("DELETE", "groups/:id/members/:user_id")
def delete(call: Call) -> None:
    members.delete(call, call.group())
