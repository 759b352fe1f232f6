"""A reviewer's decision on a release, bound to the digest that was read."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from django.db import transaction

from tenants import access, validators
from tenants.apps.choices import AppState
from tenants.apps.models.environment import Environment
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.people.models.user import User
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release, Review
from tenants.releases.services.releases import move, require_digest
from tenants.reviews.choices import ReviewDecision
from tenants.reviews.services.readings import NOT_SAID, require_read
from tenants.signals import release_approved

_ACTIONS = {ReviewDecision.APPROVE: "release.approve", ReviewDecision.REJECT: "release.reject"}


@unit_of_work
def release_approve(
    *,
    release: Release,
    digest: str,
    comment: str,
    actor: User,
    base_release: int | None = NOT_SAID,
    acknowledged: Collection[str] = (),
) -> Release:
    """Lets the release go live.

    `acknowledged` are paths of changed files that the reviewer has read elsewhere, or chose to pass unread: one answer
    does not show them whole. `base_release` is what the reviewer read it against: None for nothing.

    Raises `NotPermitted` with the reason, `InvalidTransition` naming who decided before, `DigestMismatch`,
    `ReviewOutdated`, `ReviewIncomplete`.
    """
    read = partial(require_read, base=base_release, acknowledged=acknowledged)
    passed = {"acknowledged": sorted(acknowledged)} if acknowledged else {}
    _decide(release, ReviewDecision.APPROVE, ReleaseState.APPROVED, digest, comment, actor, read=read, **passed)
    transaction.on_commit(partial(release_approved.send_robust, sender=Release, release_id=release.pk))
    return release


@unit_of_work
def release_reject(*, release: Release, digest: str, comment: str, actor: User) -> Release:
    """Ends the release; otherwise as `release_approve`. An empty comment is `InvalidInput`: it says why."""
    _decide(release, ReviewDecision.REJECT, ReleaseState.REJECTED, digest, comment, actor)
    return release


def _decide(
    release: Release,
    decision: ReviewDecision,
    state: ReleaseState,
    digest: str,
    comment: str,
    actor: User,
    *,
    read: Callable[..., None] | None = None,
    **data: Any,
) -> None:
    access.require(actor, _ACTIONS[decision], release)
    validators.free_text(comment, field="comment")
    release.refresh_from_db()
    if release.state == ReleaseState.AWAITING_REVIEW:
        require_digest(release, digest)
        if decision == ReviewDecision.REJECT and not comment.strip():
            raise InvalidInput.field("comment", "is empty: say why, the developers have to know what to change")
    if decision == ReviewDecision.APPROVE and release.app.state != AppState.ACTIVE:
        raise InvalidTransition(f"{release.app.public_id} is {release.app.state}: nothing can go live in it")
    if read is not None and release.state == ReleaseState.AWAITING_REVIEW:
        read(release, actor=actor)
    before = move(release, to=state)
    if decision == ReviewDecision.APPROVE:
        Environment.objects.filter(pk=release.environment_id).update(approved_as_of=release.created_at)
    Review.objects.create(release=release, reviewer=actor, decision=decision, digest=release.digest, comment=comment)
    audit_record(
        action=f"release.{state}",
        message=f"release {release.number} {state}",
        actor=actor,
        release=release,
        before={"state": before},
        after={"state": release.state},
        data={"digest": release.digest, "comment": comment, **data},
    )
