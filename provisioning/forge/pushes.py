"""Pushes to a project and their users, as the forge tells it: `GET /projects/:id/events?action=pushed`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import gitlab
from django.utils.dateparse import parse_datetime

from provisioning.forge.client import ForgeClient
from provisioning.forge.errors import ForgeRefused, translated

_PER_PAGE = 100


@dataclass(frozen=True)
class ForgePush:
    """One ref that was moved. `before` is empty for a new one. If several were pushed at once, a GitLab may say only
    how many (`ref_count`): `ref` and `after` are empty then."""

    user_id: int
    username: str
    ref: str
    before: str
    after: str
    ref_count: int
    pushed_at: datetime


def list_pushes(forge: ForgeClient, project_id: int, *, after: date | None) -> list[ForgePush]:
    """Pushes later than the day `after`, the oldest first. Refs that were deleted are left out."""
    options: dict[str, Any] = {"action": "pushed", "sort": "asc", "per_page": _PER_PAGE}
    if after is not None:
        options["after"] = after.isoformat()
    with translated("reading who pushed"):
        events = forge.project(project_id).events.list(iterator=True, **options)
        found = [_push(event) for event in events]
    return [push for push in found if push is not None]


def peel(forge: ForgeClient, project_id: int, sha: str) -> str | None:
    """The commit that a tag's object names; None if the forge has no such object any more."""
    with translated(f"looking for the commit of {sha}"):
        try:
            return str(forge.project(project_id).commits.get(sha).id)
        except gitlab.GitlabGetError as exc:
            if exc.response_code != 404:
                raise
            return None


def _push(event: Any) -> ForgePush | None:
    data = getattr(event, "push_data", None)
    pushed_at = parse_datetime(str(event.created_at))
    if not isinstance(data, dict) or pushed_at is None:
        raise ForgeRefused("the forge told of a push in a way that Berth does not read: an operator must look", 200)
    if data.get("action") == "removed":
        return None
    author = getattr(event, "author", None)
    name = getattr(event, "author_username", None) or (author or {}).get("username") or ""
    kind = "tags" if data.get("ref_type") == "tag" else "heads"
    return ForgePush(
        user_id=int(event.author_id or 0),
        username=str(name)[:255],
        ref=f"refs/{kind}/{data['ref']}"[:300] if data.get("ref") else "",
        before=str(data.get("commit_from") or ""),
        after=str(data.get("commit_to") or ""),
        ref_count=int(data.get("ref_count") or 1),
        pushed_at=pushed_at,
    )
