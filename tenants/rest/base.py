"""How a view finds what it works on: through `access.restrict`, so that what one may not see does not exist."""

import re
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from tenants import access
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.organizations.models.organization import Organization
from tenants.people.models.user import User
from tenants.releases.models.release import Release

Row = TypeVar("Row", bound=Model)
_PUBLIC_ID = re.compile(r"app([1-9][0-9]{6,8})")
_LARGEST_ID, _LONGEST_NAME = 2**63 - 1, 300


def signed_in(request: Request) -> User:
    """Who acts. Raises `NotAuthenticated` where a view let an anonymous request through."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def signed_in_again(view: APIView, sent: HttpRequest) -> Request:
    """`sent` as if it came now, for answers that take long: the token is looked up again, and so is the account.

    Says in `request_context.authentication` how they came in. Raises `NotAuthenticated`, or `AuthenticationFailed`,
    where a token, a session or the account has ended meanwhile.
    """
    request = view.initialize_request(sent)
    view.perform_authentication(request)
    user = User.objects.filter(pk=request.user.pk or 0, is_active=True).first()
    # Whoever came with the portal's session ends with it.
    if user is None or (request.auth is None and not _has_session_still(sent)):
        raise NotAuthenticated
    request.user = user
    return request


def _has_session_still(sent: HttpRequest) -> bool:
    session = sent.session
    return session.session_key is not None and session.exists(session.session_key)


def get_visible(queryset: QuerySet[Row], *, user: Any, action: str, **lookup: Any) -> Row:
    """The one row of `queryset` that `lookup` names and on which `user` may do `action`; else `Http404`."""
    access.require_scope(user, action)
    if any(_is_beyond(value) for value in lookup.values()):
        raise Http404
    row = access.restrict(queryset, user, action).filter(**lookup).first()
    if row is None:
        raise Http404
    return row


def _is_beyond(value: object) -> bool:
    """What no row can have. SQLite takes a very long name for a pattern that is too complex, PostgreSQL no NUL."""
    if isinstance(value, str):
        return len(value) > _LONGEST_NAME or "\x00" in value
    return isinstance(value, int) and value > _LARGEST_ID


def again(queryset: QuerySet[Row], row: Row) -> Row:
    """`row`, which was found or made before, read again with all that `queryset` brings along. Else `Http404`."""
    fresh = queryset.filter(pk=row.pk).first()
    if fresh is None:
        raise Http404
    return fresh


def get_organization(request: Request, slug: str, *, action: str = "organization.view") -> Organization:
    if "\x00" in slug:
        raise Http404
    return get_visible(Organization.objects.all(), user=request.user, action=action, slug=slug)


def number_of(public_id: str) -> int | None:
    """1000001 for `app1000001`; None for what is not a public id."""
    match = _PUBLIC_ID.fullmatch(public_id)
    return int(match[1]) if match else None


def get_app(
    request: Request, public_id: str, *, action: str = "app.view", queryset: QuerySet[PluginApp] | None = None
) -> PluginApp:
    number = number_of(public_id)
    if number is None:
        raise Http404
    if queryset is None:
        queryset = PluginApp.objects.select_related("organization")
    return get_visible(queryset, user=request.user, action=action, number=number)


def get_environment(
    request: Request,
    public_id: str,
    name: str,
    *,
    action: str = "environment.view",
    queryset: QuerySet[Environment] | None = None,
) -> Environment:
    number = number_of(public_id)
    if number is None:
        raise Http404
    if queryset is None:
        queryset = Environment.objects.select_related("app__organization")
    return get_visible(queryset, user=request.user, action=action, app__number=number, name=name)


def get_release(
    request: Request, pk: int, *, action: str = "release.view", queryset: QuerySet[Release] | None = None
) -> Release:
    if queryset is None:
        queryset = Release.objects.select_related("app__organization", "environment", "submitted_by")
    return get_visible(queryset, user=request.user, action=action, pk=pk)
