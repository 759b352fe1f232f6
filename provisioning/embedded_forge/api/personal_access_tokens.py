"""Personal access tokens: made by administrators for people, seen and revoked by both."""

from typing import Any

from django.db.models import QuerySet

from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Token, User, token_digest, token_new

SCOPES = (
    "api", "read_api", "read_user", "read_repository", "write_repository", "create_runner", "manage_runner",
    "k8s_proxy", "self_rotate", "read_registry", "write_registry", "sudo", "admin_mode",
)  # fmt: skip
# Any token may look at itself and revoke itself.
ANY = set(SCOPES)
FIELDS = {
    "name": Field(required=True),
    "scopes": Field("list", required=True, filled=True, choices=SCOPES),
    "description": Field(default=""),
    "expires_at": Field("date"),
}


def _make(call: Call, *, is_impersonation: bool) -> dict[str, Any]:
    call.require_admin()
    user = User.objects.filter(pk=call.number("user_id", "User")).first()
    if user is None:
        raise not_found("User")
    values = call.fields(**FIELDS)
    secret = token_new()
    row = Token.objects.create(
        user=user, name=values["name"][:255], description=values["description"], scopes=values["scopes"],
        expires_at=values.get("expires_at"), digest=token_digest(secret), is_impersonation=is_impersonation,
    )  # fmt: skip
    return users.token(row, secret=secret)


@route("POST", "users/:user_id/personal_access_tokens")
def create(call: Call) -> dict[str, Any]:
    return _make(call, is_impersonation=False)


@route("POST", "users/:user_id/impersonation_tokens")
def create_impersonation(call: Call) -> dict[str, Any]:
    return _make(call, is_impersonation=True)


def _visible(call: Call) -> QuerySet[Token]:
    tokens = Token.objects.select_related("user").filter(project=None, is_impersonation=False)
    return tokens if call.is_admin else tokens.filter(user=call.user)


@route("GET", "personal_access_tokens")
def index(call: Call) -> Reply:
    values = call.fields(
        user_id=Field("integer"), revoked=Field("boolean"), state=Field(choices=("active", "inactive")), search=Field()
    )
    found = _visible(call).order_by("pk")
    if "user_id" in values:
        found = found.filter(user_id=values["user_id"])
    if "revoked" in values:
        found = found.filter(is_revoked=values["revoked"])
    if "state" in values:
        found = found.filter(is_revoked=values["state"] == "inactive")
    if values.get("search"):
        found = found.filter(name__icontains=values["search"])
    return paginate(call, found, users.token)


@route("GET", "personal_access_tokens/self", also=ANY)
def show_self(call: Call) -> dict[str, Any]:
    return users.token(_self(call))


@route("DELETE", "personal_access_tokens/self", also=ANY)
def revoke_self(call: Call) -> None:
    Token.objects.filter(pk=_self(call).pk).update(is_revoked=True)


def _self(call: Call) -> Token:
    if call.caller.token is None:
        raise bad_request("400 Bad request - This endpoint requires token type to be a personal access token")
    return call.caller.token


@route("GET", "personal_access_tokens/:token_id")
def show(call: Call) -> dict[str, Any]:
    return users.token(_one(call))


@route("DELETE", "personal_access_tokens/:token_id")
def revoke(call: Call) -> None:
    Token.objects.filter(pk=_one(call).pk).update(is_revoked=True)


@route("POST", "personal_access_tokens/:token_id/rotate")
def rotate(call: Call) -> Reply:
    """A new secret under a new id; the old one is revoked in the same moment."""
    old = _one(call)
    values = call.fields(expires_at=Field("date"))
    return Reply(replace(old, values.get("expires_at")), status=200)


def replace(old: Token, expires_at: Any) -> dict[str, Any]:
    """Revokes `old` and gives out its successor. Of two callers at once one gets it."""
    if not Token.objects.filter(pk=old.pk, is_revoked=False).update(is_revoked=True):
        raise bad_request("400 Bad request - Token already revoked")
    secret = token_new()
    row = Token.objects.create(
        user=old.user, project=old.project, name=old.name, description=old.description, scopes=old.scopes,
        access_level=old.access_level, expires_at=expires_at or old.expires_at, digest=token_digest(secret),
    )  # fmt: skip
    return users.token(row, secret=secret)


def _one(call: Call) -> Token:
    row = _visible(call).filter(pk=call.number("token_id")).first()
    if row is None:
        raise not_found()
    return row
