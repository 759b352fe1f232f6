"""The query parameters that narrow the trail. A value that can't be one is refused, with the remedy."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tenants.access.finding import number_of
from tenants.audit.models import AuditEvent
from tenants.exceptions import InvalidInput

_ACTION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?")
_OBJECT = re.compile(r"([a-z_]{1,40})(?::(.{1,200}))?")
_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIME = "2026-01-31T12:00:00Z, or 90s, 10m, 2h, 1d for so long ago"


class TimelineFilter(django_filters.FilterSet):
    actor = django_filters.CharFilter(
        field_name="actor__username", lookup_expr="iexact", max_length=150, help_text="Who did it: a user name"
    )
    action = django_filters.CharFilter(method="by_action", help_text="Such as release.approved, or release for all")
    object = django_filters.CharFilter(
        method="by_object", help_text="What it was done to: such as app:app1000001, or environment for all"
    )
    since = django_filters.CharFilter(method="by_time", help_text=f"From then on: {_TIME}")
    until = django_filters.CharFilter(method="by_time", help_text=f"Up to then: {_TIME}")

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def by_action(self, queryset: QuerySet[AuditEvent], _name: str, value: str) -> QuerySet[AuditEvent]:
        match = _ACTION.fullmatch(value)
        if match is None:
            raise InvalidInput.field("action", "is no action: name one, such as release.approved, or all of release")
        return queryset.filter(action=value) if match[1] else queryset.filter(action__startswith=f"{value}.")

    def by_object(self, queryset: QuerySet[AuditEvent], _name: str, value: str) -> QuerySet[AuditEvent]:
        match = _OBJECT.fullmatch(value)
        if match is None:
            raise InvalidInput.field("object", "is no object: write TYPE:NAME, such as app:app1000001, or TYPE alone")
        named = {"object_type": match[1]} | ({"object_id": match[2]} if match[2] else {})
        return queryset.filter(**named)

    def by_time(self, queryset: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:
        moment = _time(name, value)
        if name == "since":
            return queryset.filter(created_at__gte=moment)
        if self.data.get("since") and _time("since", self.data["since"]) > moment:
            raise InvalidInput.field("until", "is before since: swap them")
        return queryset.filter(created_at__lte=moment)


class AuditFilter(TimelineFilter):
    organization = django_filters.CharFilter(field_name="organization__slug", help_text="The organization's slug")
    app = django_filters.CharFilter(method="by_app", help_text="The app's id, app1000001")
    policy = django_filters.CharFilter(max_length=120, help_text="The policy that decided, by its name")
    request_id = django_filters.CharFilter(max_length=64, help_text="As `X-Request-Id` and every error give it")

    def by_app(self, queryset: QuerySet[AuditEvent], _name: str, value: str) -> QuerySet[AuditEvent]:
        number = number_of(value)
        return queryset.none() if number is None else queryset.filter(app__number=number)


def narrowed(events: QuerySet[AuditEvent], sent: Mapping[str, str]) -> QuerySet[AuditEvent]:
    """`events` by `TimelineFilter`, for who has no view of the API. Raises `InvalidInput` naming the parameter."""
    chosen = TimelineFilter(data=dict(sent), queryset=events)
    if not chosen.is_valid():
        field, messages = next(iter(chosen.errors.items()))
        raise InvalidInput.field(field, str(messages[0]))
    return chosen.qs


def _time(name: str, value: Any) -> datetime:
    # A plus sign that was not percent-encoded arrives as a space.
    text = str(value).strip().replace(" ", "+")
    try:
        ago = _AGO.fullmatch(text)
        moment = timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else parse_datetime(text)
        if moment is not None and timezone.is_aware(moment):
            # In UTC, as databases keep it: there the first and the last hours of a calendar may be none any more.
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput.field(name, f"is no time: write it like {_TIME}")
