"""Project access tokens: each has a bot of its own that is a member of the project."""

import secrets
from typing import Any

from django.db import transaction

from provisioning.embedded_forge import access
from provisioning.embedded_forge.api.personal_access_tokens import FIELDS, replace
from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Member, Project, Token, User, token_digest, token_new

LEVELS = (access.GUEST, access.PLANNER, access.REPORTER, access.DEVELOPER, access.MAINTAINER, access.OWNER)


@route("GET", "projects/:id/access_tokens")
def index(call: Call) -> Reply:
    project = call.project()
    call.require(project, access.MAINTAINER)
    values = call.fields(state=Field(choices=("active", "inactive")))
    found = project.access_tokens.select_related("user").order_by("pk")
    if "state" in values:
        found = found.filter(is_revoked=values["state"] == "inactive")
    return paginate(call, found, users.token)


@route("POST", "projects/:id/access_tokens")
def create(call: Call) -> dict[str, Any]:
    project = call.project()
    level_field = Field("integer", choices=LEVELS, default=access.MAINTAINER)
    values = call.fields(**(FIELDS | {"expires_at": Field("date", required=True)}), access_level=level_field)
    call.require(project, access.MAINTAINER)
    if values["access_level"] > call.level(project):
        raise bad_request("400 Bad request - Access level of the token can't be greater the access level of the user")
    secret = token_new()
    with transaction.atomic():
        name = f"project_{project.pk}_bot_{secrets.token_hex(16)}"
        bot = User.objects.create(
            username=name, name=values["name"][:255], email=f"{name}@noreply.invalid", is_bot=True,
            can_create_group=False, projects_limit=0, is_external=True,
        )  # fmt: skip
        Member.objects.create(user=bot, project=project, access_level=values["access_level"], created_by=call.user)
        row = Token.objects.create(
            user=bot, project=project, name=values["name"][:255], description=values["description"],
            scopes=values["scopes"], access_level=values["access_level"], expires_at=values.get("expires_at"),
            digest=token_digest(secret),
        )  # fmt: skip
    return users.token(row, secret=secret)


@route("GET", "projects/:id/access_tokens/:token_id")
def show(call: Call) -> dict[str, Any]:
    project = call.project()
    call.require(project, access.MAINTAINER)
    return users.token(_one(call, project))


@route("DELETE", "projects/:id/access_tokens/:token_id")
def revoke(call: Call) -> None:
    """The bot is blocked with its token."""
    project = call.project()
    call.require(project, access.MAINTAINER)
    row = _one(call, project)
    with transaction.atomic():
        Token.objects.filter(pk=row.pk).update(is_revoked=True)
        Member.objects.filter(user=row.user, project=project).delete()
        User.objects.filter(pk=row.user_id, is_bot=True).update(state="blocked")


@route("POST", "projects/:id/access_tokens/:token_id/rotate")
def rotate(call: Call) -> Reply:
    project = call.project()
    values = call.fields(expires_at=Field("date"))
    call.require(project, access.MAINTAINER)
    return Reply(replace(_one(call, project), values.get("expires_at")), status=200)


def _one(call: Call, project: Project) -> Token:
    row = project.access_tokens.select_related("user", "project").filter(pk=call.number("token_id")).first()
    if row is None:
        raise not_found("Project Access Token")
    return row
