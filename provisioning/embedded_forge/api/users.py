"""`/user` and `/users`: accounts. Making and changing them is the administrators' business."""

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from provisioning.embedded_forge import removal
from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import conflict, forbidden, invalid_parameters, not_found, validation
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.http.routing import route
from provisioning.embedded_forge.models import Namespace, Project, User

USERNAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(?<![.-])\Z")
EMAIL = re.compile(r"[^@\s,<>\x00-\x1f]+@[^@\s,<>\x00-\x1f]+\Z")
_BLOCKED = {"block": "blocked", "ban": "banned", "deactivate": "deactivated"}
_ACTIVE = {"unblock", "unban", "activate"}


@route("GET", "user", also={"read_user"})
def current(call: Call) -> dict[str, Any]:
    return users.for_admin(call.user) if call.is_admin else users.full(call.user)


@route("GET", "users", also={"read_user"})
def index(call: Call) -> Reply:
    values = call.fields(
        username=Field(), search=Field(), active=Field("boolean"), blocked=Field("boolean"), admins=Field("boolean")
    )
    found = User.objects.select_related("namespace").order_by("-pk")
    if "username" in values:
        found = found.filter(username__iexact=values["username"])
    if values.get("search"):
        text = values["search"]
        found = found.filter(Q(username__icontains=text) | Q(name__icontains=text) | Q(email__iexact=text))
    if values.get("active"):
        found = found.filter(state="active")
    if values.get("blocked"):
        found = found.filter(state="blocked")
    if values.get("admins") and call.is_admin:
        found = found.filter(is_admin=True)
    return paginate(call, found, users.for_admin if call.is_admin else users.basic)


@route("POST", "users")
def create(call: Call) -> dict[str, Any]:
    """A person with a namespace of their own. A password is asked for and forgotten, since nobody signs in with one."""
    call.require_admin()
    values = call.fields(
        email=Field(required=True), username=Field(required=True), name=Field(required=True), password=Field(),
        reset_password=Field("boolean"), force_random_password=Field("boolean"), admin=Field("boolean", default=False),
        can_create_group=Field("boolean", default=True), external=Field("boolean", default=False),
        note=Field(default=""), projects_limit=Field("integer", default=100_000), skip_confirmation=Field("boolean"),
    )  # fmt: skip
    if not (values.get("password") or values.get("reset_password") or values.get("force_random_password")):
        raise invalid_parameters(
            ["password, reset_password, force_random_password are missing, at least one parameter must be provided"]
        )
    _validate(values["username"], values["email"], values["name"])
    password = values.get("password")
    if password and len(password) < 8:
        raise validation(password=["is too short (minimum is 8 characters)"])
    try:
        with transaction.atomic():
            if User.objects.filter(email__iexact=values["email"]).exists():
                raise conflict("Email has already been taken")
            username = values["username"]
            if User.objects.filter(username__iexact=username).exists():
                raise conflict("Username has already been taken")
            if Namespace.objects.filter(full_path__iexact=username).exists():
                raise conflict("Username has already been taken")
            user = User.objects.create(
                username=username, email=values["email"], name=values["name"], is_admin=values["admin"],
                is_external=values["external"], can_create_group=values["can_create_group"], note=values["note"],
                projects_limit=values["projects_limit"],
            )  # fmt: skip
            Namespace.objects.create(
                name=user.name,
                path=username,
                full_path=username,
                full_name=user.name,
                owner=user,
                default_branch_protection=2,
            )
    except IntegrityError:
        raise conflict("Username has already been taken") from None
    return users.for_admin(user)


def _validate(username: str, email: str, name: str) -> None:
    problems: dict[str, list[str]] = {}
    if not EMAIL.match(email) or len(email) > 255:
        problems["email"] = ["is invalid"]
    if not USERNAME.match(username) or username.endswith((".git", ".atom")):
        problems["username"] = [
            "can contain only letters, digits, '_', '-' and '.'. "
            "Cannot start with '-', end in '.git' or end in '.atom'."
        ]
    elif not 2 <= len(username) <= 255:
        problems["username"] = ["is too short (minimum is 2 characters)"]
    if not name.strip() or len(name) > 255:
        problems["name"] = ["can't be blank"]
    if problems:
        raise validation(**problems)


@route("GET", "users/:id", also={"read_user"})
def show(call: Call) -> dict[str, Any] | None:
    user = _user(call)
    return users.for_admin(user) if call.is_admin else users.basic(user)


@route("PUT", "users/:id")
def update(call: Call) -> dict[str, Any]:
    call.require_admin()
    user = _user(call)
    values = call.fields(
        email=Field(), name=Field(), admin=Field("boolean"), note=Field(), can_create_group=Field("boolean"),
        external=Field("boolean"), projects_limit=Field("integer"),
    )  # fmt: skip
    email = values.get("email", user.email)
    if User.objects.exclude(pk=user.pk).filter(email__iexact=email).exists():
        raise conflict("Email has already been taken")
    _validate(user.username, email, values.get("name", user.name))
    columns = {"admin": "is_admin", "external": "is_external"}
    for name, value in values.items():
        setattr(user, columns.get(name, name), value)
    user.save(force_update=True)
    return users.for_admin(user)


@route("POST", "users/:id/:verb")
def change_state(call: Call) -> Reply:
    """Blocking and the like. It answers `true`, as GitLab does."""
    call.require_admin()
    verb = call.path["verb"]
    if verb not in _BLOCKED and verb not in _ACTIVE:
        raise not_found()
    user = _user(call)
    if user.pk == call.user.pk and verb in _BLOCKED:
        raise forbidden("API for blocking yourself is not allowed")
    state = _BLOCKED.get(verb, "active")
    User.objects.filter(pk=user.pk).update(state=state)
    return Reply(True)


@route("DELETE", "users/:id")
def delete(call: Call) -> None:
    """With `hard_delete` the projects in the person's own namespace go too; else a person who has some is kept."""
    call.require_admin()
    user = _user(call)
    values = call.fields(hard_delete=Field("boolean", default=False))
    if not values["hard_delete"] and Project.objects.filter(namespace__owner=user).exists():
        raise conflict("User can not be removed while there are projects in their namespace")
    removal.remove_user(user)


def _user(call: Call) -> User:
    user = User.objects.select_related("namespace").filter(pk=call.number("id", "User")).first()
    if user is None:
        raise not_found("User")
    return user
