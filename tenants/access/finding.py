"""Finds the one row that a person may see: a row that a person may not see does not exist for them."""

import re
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

from tenants import access
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.organizations.models.organization import Organization
from tenants.releases.models.release import Release

Row = TypeVar("Row", bound=Model)


_PUBLIC_ID = re.compile(r"app([1-9][0-9]{6,8})")


_LARGEST_ID = 2**63 - 1


_LONGEST_NAME = 300


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


def get_organization(user: Any, slug: str, *, action: str = "organization.view") -> Organization:
    if "\x00" in slug:
        raise Http404
    return get_visible(Organization.objects.all(), user=user, action=action, slug=slug)


def number_of(public_id: str) -> int | None:
    """1000001 for `app1000001`; None for what is not a public id."""
    match = _PUBLIC_ID.fullmatch(public_id)
    return int(match[1]) if match else None


def get_app(
    user: Any, public_id: str, *, action: str = "app.view", queryset: QuerySet[PluginApp] | None = None
) -> PluginApp:
    number = number_of(public_id)
    if number is None:
        raise Http404
    if queryset is None:
        queryset = PluginApp.objects.select_related("organization")
    return get_visible(queryset, user=user, action=action, number=number)


def get_environment(
    user: Any,
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
    return get_visible(queryset, user=user, action=action, app__number=number, name=name)


def get_release(
    user: Any, pk: int, *, action: str = "release.view", queryset: QuerySet[Release] | None = None
) -> Release:
    if queryset is None:
        queryset = Release.objects.select_related("app__organization", "environment", "submitted_by")
    return get_visible(queryset, user=user, action=action, pk=pk)
