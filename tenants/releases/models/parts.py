"""The attributes of a release that name people who may not decide on it, and how a refusal tells it."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from tenants.policies.resources import Attribute, Kind
from tenants.releases.choices import AuthorsState, Part
from tenants.releases.models.authorship import MembershipPeriod, ReleaseContributor

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def parts_attribute(name: str, *parts: Part) -> Attribute:
    """The accounts that had one of these parts in a release: each part has its rows, whoever else had it, too."""

    def matches(user_id: int) -> Q:
        rows = ReleaseContributor.objects.filter(user=user_id, part__in=parts)
        return Q(pk__in=rows.values("release"))

    def read(release: Any) -> frozenset[int]:
        return frozenset(row.user_id for row in _rows(release) if row.part in parts)

    def reason(release: Any, user_id: int) -> str:
        told = [_told(row, release) for row in _rows(release) if row.part in parts and row.user_id == user_id]
        return " and ".join(dict.fromkeys(told))

    return Attribute(name, Kind.ID_SET, matches=matches, read=read, reason=reason)


def _rows(release: Any) -> list[ReleaseContributor]:
    return list(release.contributors.all()) if release.pk else []


def _told(row: ReleaseContributor, release: Any) -> str:
    count = f"{row.commits} of its commits" if row.commits != 1 else "one of its commits"
    what = {
        Part.SUBMITTED: "submitted this release",
        Part.PUSHED: f"pushed {count}",
        Part.SET_VARIABLE: "set its variables",
    }
    if row.part == Part.MAY_HAVE_PUSHED:
        return f"you were a member of {release.app.organization} when {count} came that no record of pushes covers"
    if row.through_id != row.user_id:
        return f"you made the service account {row.through.username} or a token of it, and it {what[Part(row.part)]}"
    return f"you {what[Part(row.part)]}"


def has_former_member(user_id: int) -> Q:
    """Members that left after somebody asked for the release that was approved last in the environment."""
    periods = MembershipPeriod.objects.filter(
        user=user_id,
        organization=OuterRef("app__organization"),
        is_end=True,
        until__gt=Coalesce(OuterRef("environment__approved_as_of"), Value(_ALWAYS)),
    )
    return Q(Exists(periods))


def _ended(release: Any) -> list[MembershipPeriod]:
    since = release.environment.approved_as_of or _ALWAYS
    periods = release.app.organization.membership_periods.all()
    return [row for row in periods if row.is_end and row.until is not None and row.until > since]


def former_members(release: Any) -> frozenset[int]:
    return frozenset(row.user_id for row in _ended(release))


def former_membership(release: Any, user_id: int) -> str:
    ends = [row.until for row in _ended(release) if row.user_id == user_id and row.until is not None]
    return f"you were a member of {release.app.organization} until {max(ends):%Y-%m-%d}" if ends else ""


def authors_in_doubt(release: Any, _user_id: int) -> str:
    if release.authors_state == AuthorsState.KNOWN:
        return ""
    if release.authors_state == AuthorsState.PENDING:
        return "Berth is looking up who pushed its commits: try again in a minute"
    return str(release.authors_note)
