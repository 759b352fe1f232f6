"""The scope of a review, notes of the files that a reviewer was shown, and the check that they suffice to approve."""

from collections.abc import Collection, Mapping
from typing import Any

from tenants import access
from tenants.apps.models.environment import Environment
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import ReviewIncomplete, ReviewOutdated
from tenants.people.models.user import User
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release
from tenants.reviews.models import ReviewScope, ShownDifference, ShownFile

_UNDECIDED = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
_NAMED = 20
# For a `base` of which nothing was said: no release has this id.
NOT_SAID = -1


@unit_of_work
def review_scope_set(*, release: Release, base: Release | None, files: list[dict[str, Any]]) -> ReviewScope:
    """Notes what a decision covers. Without effect once somebody has decided, or if it is known already.

    `files` has `{key, path, reason, lines}` of each file that one answer does not show whole.
    """
    # The release's row is what two writers meet at.
    state = Release.objects.select_for_update(no_key=True).values_list("state", flat=True).get(pk=release.pk)
    found = ReviewScope.objects.filter(release=release).first()
    if found is not None and (
        state not in _UNDECIDED or (found.base_id == (base.pk if base else None) and found.files == files)
    ):
        return found
    scope, _ = ReviewScope.objects.update_or_create(release=release, defaults={"base": base, "files": files})
    against = f"release {base.number}" if base else "nothing"
    audit_record(
        action="release.scope",
        message=f"release {release.number} is to be reviewed against {against}",
        release=release,
        after={"base": base.number if base else None, "files_beyond_one_answer": len(files)},
    )
    return scope


@unit_of_work
def difference_shown(*, release: Release, base: Release | None, keys: Collection[str], actor: User) -> None:
    """Notes that `actor` was shown the difference against `base`, with the changes `keys` whole.

    Without effect for one who may not decide on the release, and for a second note of the same.
    """
    if not _may_decide(actor, release):
        return
    base_id = base.pk if base else None
    before = ShownDifference.objects.filter(release=release, reviewer=actor).first()
    known = set(
        ShownFile.objects.filter(release=release, reviewer=actor, is_whole=True).values_list("key", flat=True)
        if keys
        else ()
    )
    new = [key for key in keys if key not in known]
    if before is not None and before.base_id == base_id and not new:
        return
    ShownDifference.objects.update_or_create(release=release, reviewer=actor, defaults={"base": base})
    for key in new:
        ShownFile.objects.update_or_create(release=release, reviewer=actor, key=key, defaults={"is_whole": True})
    against = f"release {base.number}" if base else "nothing"
    audit_record(
        action="release.read",
        message=f"{actor.username} was shown the difference of release {release.number} to {against}",
        actor=actor,
        release=release,
        data={"files": len(new)},
    )


@unit_of_work
def file_shown(*, release: Release, key: str, path: str, start: int, end: int | None, actor: User) -> None:
    """Notes that lines `start` to `end` of one file's change were shown to `actor`, up to its end if `end` is None.

    Only a piece that follows on earlier ones counts: a look at the end alone is no reading.
    """
    if not _may_decide(actor, release):
        return
    row = ShownFile.objects.filter(release=release, reviewer=actor, key=key).first()
    shown = row.lines if row is not None else 0
    if start > shown or (row is not None and row.is_whole) or (end is not None and end <= shown):
        return
    ShownFile.objects.update_or_create(
        release=release, reviewer=actor, key=key, defaults={"lines": end or shown, "is_whole": end is None}
    )
    audit_record(
        action="release.read",
        message=f"{actor.username} was shown {'the rest' if end is None else f'{end} lines'} of {path[:200]}",
        actor=actor,
        release=release,
        data={"path": path[:1000], "is_whole": end is None},
    )


def require_read(release: Release, *, actor: User, base: int | None, acknowledged: Collection[str]) -> None:
    """Raises `ReviewOutdated` if something else is live than the review was against, `ReviewIncomplete` for files
    that were neither shown to `actor` nor acknowledged by their paths.

    `base` is the release that the reviewer says the difference was against, None for nothing, or `NOT_SAID`.
    """
    live = Environment.objects.values_list("current_release_id", flat=True).get(pk=release.environment_id)
    scope = ReviewScope.objects.filter(release=release).first()
    seen = ShownDifference.objects.filter(release=release, reviewer=actor).first()
    bases = [scope.base_id] if scope else []
    bases += [seen.base_id] if seen else []
    bases += [] if base == NOT_SAID else [base]
    if scope is None or any(found != live for found in bases):
        raise ReviewOutdated(
            "what is live has changed since the difference was shown: read the difference again, then decide"
        )
    whole = set(
        ShownFile.objects.filter(release=release, reviewer=actor, is_whole=True).values_list("key", flat=True)
        if scope.files
        else ()
    )
    missing = [file for file in scope.files if file["key"] not in whole and file["path"] not in acknowledged]
    if missing:
        raise ReviewIncomplete(
            f"{len(missing)} changed files were not shown whole to you: read the rest, or acknowledge each by name",
            errors={"acknowledged": [*map(_named, missing[:_NAMED]), *_more(len(missing) - _NAMED)]},
        )


def _may_decide(actor: User, release: Release) -> bool:
    return release.state == ReleaseState.AWAITING_REVIEW and any(
        access.may(actor, action, release) for action in ("release.approve", "release.reject")
    )


def _named(file: Mapping[str, Any]) -> str:
    reason = file["reason"].replace("_", " ")
    return f"lacks {file['path']}, which was not shown whole to you ({reason}): read the rest, or name it"


def _more(count: int) -> list[str]:
    return [f"lacks {count} more: the release's difference names them"] if count > 0 else []
