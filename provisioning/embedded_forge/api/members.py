"""Members of groups and projects: what both have in common."""

from typing import Any

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from provisioning.embedded_forge import access
from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, conflict, forbidden, not_found
from provisioning.embedded_forge.http.pagination import paginate
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply
from provisioning.embedded_forge.models import Member, Namespace, Project, User

Place = Project | Namespace
LEVELS = (5, 10, 15, 20, 30, 40, 50)
_LEVEL = Field("integer", required=True, choices=LEVELS)


def direct(place: Place) -> QuerySet[Member]:
    where = Q(project=place) if isinstance(place, Project) else Q(namespace=place)
    return Member.objects.filter(where).select_related("user", "created_by")


def inherited(place: Place) -> list[Member]:
    """The highest membership of each person, from the place itself and the groups above it."""
    namespace = place.namespace if isinstance(place, Project) else place
    where = Q(namespace__in=access.ancestors(namespace))
    if isinstance(place, Project):
        where |= Q(project=place)
    best: dict[int, Member] = {}
    for row in access.valid_members().filter(where).select_related("user", "created_by").order_by("pk"):
        if row.user_id not in best or best[row.user_id].access_level < row.access_level:
            best[row.user_id] = row
    return [best[key] for key in sorted(best)]


def _searched(call: Call, rows: QuerySet[Member]) -> QuerySet[Member]:
    values = call.fields(query=Field(), user_ids=Field("integers"))
    if values.get("query"):
        text = values["query"]
        rows = rows.filter(Q(user__username__icontains=text) | Q(user__name__icontains=text))
    if values.get("user_ids"):
        rows = rows.filter(user__in=values["user_ids"])
    return rows


def index(call: Call, place: Place) -> Reply:
    return paginate(call, _searched(call, direct(place)).order_by("user"), users.member)


def index_all(call: Call, place: Place) -> Reply:
    return paginate(call, inherited(place), users.member)


def show(call: Call, place: Place) -> dict[str, Any]:
    return users.member(_one(call, place))


def show_all(call: Call, place: Place) -> dict[str, Any]:
    user_id = call.number("user_id")
    found = next((row for row in inherited(place) if row.user_id == user_id), None)
    if found is None:
        raise not_found()
    return users.member(found)


def create(call: Call, place: Place) -> dict[str, Any]:
    values = call.fields(access_level=_LEVEL, user_id=Field("integer"), username=Field(), expires_at=Field("date"))
    _require(call, place, values["access_level"])
    if "user_id" in values:
        user = User.objects.filter(pk=values["user_id"]).first()
    elif "username" in values:
        user = User.objects.filter(username__iexact=values["username"]).first()
    else:
        raise bad_request("400 Bad request - user_id, username are missing, exactly one parameter must be provided")
    if user is None:
        raise not_found("User")
    if direct(place).filter(user=user).exists():
        raise conflict("Member already exists")
    row = Member(
        user=user, access_level=values["access_level"], expires_at=values.get("expires_at"), created_by=call.user
    )
    if isinstance(place, Project):
        row.project = place
    else:
        row.namespace = place
    try:
        row.save()
    except IntegrityError:
        raise conflict("Member already exists") from None
    return users.member(row)


def update(call: Call, place: Place) -> dict[str, Any]:
    values = call.fields(access_level=_LEVEL, expires_at=Field("date"))
    _require(call, place, values["access_level"])
    row = _one(call, place)
    row.access_level = values["access_level"]
    if "expires_at" in values:
        row.expires_at = values["expires_at"]
    row.save(force_update=True)
    return users.member(row)


def delete(call: Call, place: Place) -> None:
    """Anybody may leave; the last owner of a group may not."""
    row = _one(call, place)
    if row.user_id != call.user.pk:
        _require(call, place, row.access_level)
    if isinstance(place, Namespace) and row.access_level == access.OWNER:
        others = direct(place).filter(access_level=access.OWNER).exclude(pk=row.pk)
        if not others.exists() and not call.is_admin:
            raise forbidden()
    row.delete()


def _require(call: Call, place: Place, level: int) -> None:
    """Maintainers manage a project's members, owners a group's; nobody hands out more than they have."""
    call.require(place, access.MAINTAINER if isinstance(place, Project) else access.OWNER)
    if level > call.level(place):
        raise forbidden()


def _one(call: Call, place: Place) -> Member:
    row = direct(place).filter(user=call.number("user_id")).first()
    if row is None:
        raise not_found()
    return row
