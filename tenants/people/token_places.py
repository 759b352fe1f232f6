"""The place that a token is good in, and its time, by the names that people give."""

from datetime import timedelta
from typing import Any

from tenants import access
from tenants.access.finding import number_of
from tenants.apps.models.plugin_app import PluginApp
from tenants.exceptions import InvalidInput
from tenants.organizations.models.organization import Organization


def named_ttl(days: int | None) -> timedelta | None:
    # What a number of days can't express is out of the range anyway.
    return None if days is None else timedelta(days=max(-1, min(days, 10_000)))


def named_organization(user: Any, slug: str | None) -> Organization | None:
    """The organization that a token is to be for. Raises `InvalidInput` for one that `user` can't see."""
    if slug is None:
        return None
    visible = access.restrict(Organization.objects.all(), user, "organization.view")
    row = None if "\x00" in slug else visible.filter(slug=slug).first()
    if row is None:
        raise InvalidInput.field("organization", "is none that you can see: name the slug of yours")
    return row


def named_app(user: Any, public_id: str | None) -> PluginApp | None:
    """The app that a token is to be for. Raises `InvalidInput` for one that `user` can't see."""
    if public_id is None:
        return None
    number = number_of(public_id)
    visible = access.restrict(PluginApp.objects.select_related("organization"), user, "app.view")
    row = None if number is None else visible.filter(number=number).first()
    if row is None:
        raise InvalidInput.field("app", "is none that you can see: name the id of one of yours")
    return row
