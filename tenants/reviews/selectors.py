"""The files that a reviewer still has to read, and earlier decisions on the same commit."""

from typing import Any

from django.db.models import Q, QuerySet

from tenants import access
from tenants.people.models.user import User
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release, Review
from tenants.reviews.models import ReviewScope, ShownFile


def unread_files(*, release: Release, reviewer: User) -> list[dict[str, Any]]:
    """`{path, reason, lines}` of each changed file that was not shown whole to this reviewer. An approval has to
    acknowledge each by its path."""
    scope = ReviewScope.objects.filter(release=release).first()
    if scope is None or not scope.files:
        return []
    whole = set(
        ShownFile.objects.filter(release=release, reviewer=reviewer, is_whole=True).values_list("key", flat=True)
    )
    return [
        {"path": file["path"], "reason": file["reason"], "lines": file["lines"]}
        for file in scope.files
        if file["key"] not in whole
    ]


def earlier_decisions(release: Release, viewer: Any) -> QuerySet[Review]:
    """Decisions on the same commit or digest of the same app, newest first.

    Those who may decide on `release` see all of them; others see those on releases that they may view.
    """
    if not release.commit_sha:
        return Review.objects.none()
    same = Q(release__commit_sha=release.commit_sha) | Q(digest=release.digest)
    found = Review.objects.filter(same, release__app=release.app_id).exclude(release=release).order_by("-pk")
    found = found.select_related("reviewer", "release__environment")
    if any(access.may(viewer, action, release) for action in ("release.approve", "release.reject")):
        return found
    return found.filter(release__in=access.restrict(Release.objects.all(), viewer, "release.view"))


def also_waiting(release: Release, viewer: Any) -> QuerySet[Release]:
    """Other releases of the same commit that wait for a review."""
    if not release.commit_sha:
        return Release.objects.none()
    waiting = Release.objects.filter(
        app=release.app_id, commit_sha=release.commit_sha, state=ReleaseState.AWAITING_REVIEW
    ).exclude(pk=release.pk)
    return access.restrict(waiting.select_related("environment"), viewer, "release.view").order_by("pk")
