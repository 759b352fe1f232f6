"""Times as GitLab writes them."""

from datetime import UTC, date, datetime


def moment(value: datetime | None) -> str | None:
    """`2026-11-23T05:28:34.123Z`, as the REST API writes it."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def git_moment(text: str) -> str:
    """git's `%cI`, with the milliseconds that GitLab shows."""
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds")


def hook_moment(value: datetime | None) -> str | None:
    """`2026-11-23 05:28:34 UTC`, as webhooks carry it."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else None


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 6) if start and end else None
