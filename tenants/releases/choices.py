"""States of releases, and the parts that accounts have in them."""

from django.db import models


class Part(models.TextChoices):
    """What an account did for a release, so that it may not decide on it."""

    SUBMITTED = "submitted"
    PUSHED = "pushed"
    # Of commits that are older than the record of pushes: a member of that time.
    MAY_HAVE_PUSHED = "may_have_pushed"
    SET_VARIABLE = "set_variable"


class AuthorsState(models.TextChoices):
    """Whether it is known who pushed each of a release's commits. Nobody can approve it before it is."""

    PENDING = "pending"
    KNOWN = "known"
    UNKNOWN = "unknown"


class ReleaseState(models.TextChoices):
    SUBMITTED = "submitted"
    CHECKING = "checking"
    AWAITING_REVIEW = "awaiting_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    DEPLOYING = "deploying"
    LIVE = "live"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


RELEASE_SOURCES: dict[str, set[str]] = {
    ReleaseState.CHECKING: {ReleaseState.SUBMITTED},
    ReleaseState.AWAITING_REVIEW: {ReleaseState.CHECKING},
    ReleaseState.APPROVED: {ReleaseState.AWAITING_REVIEW},
    ReleaseState.REJECTED: {ReleaseState.AWAITING_REVIEW},
    ReleaseState.CANCELLED: {
        ReleaseState.SUBMITTED,
        ReleaseState.CHECKING,
        ReleaseState.AWAITING_REVIEW,
        ReleaseState.APPROVED,
    },
    # An approved release deploys; one that was live, or failed after its approval, may be deployed again.
    ReleaseState.DEPLOYING: {
        ReleaseState.APPROVED,
        ReleaseState.SUPERSEDED,
        ReleaseState.ROLLED_BACK,
        ReleaseState.FAILED,
    },
    ReleaseState.LIVE: {ReleaseState.DEPLOYING},
    ReleaseState.SUPERSEDED: {ReleaseState.LIVE, ReleaseState.DEPLOYING},
    ReleaseState.ROLLED_BACK: {ReleaseState.LIVE, ReleaseState.DEPLOYING},
    ReleaseState.FAILED: {ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.DEPLOYING},
}


OPEN_RELEASE_STATES = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
