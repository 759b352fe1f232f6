"""What an environment can go back to."""

from django.db.models import QuerySet

from tenants.apps.models.environment import Environment
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release

_NOT_BY_DEFAULT = (ReleaseState.LIVE, ReleaseState.ROLLED_BACK, ReleaseState.FAILED)


def rollback_candidates(environment: Environment) -> QuerySet[Release]:
    """What was live here and is not now, the last one first: what may be named."""
    was_live = Release.objects.filter(environment=environment, went_live_at__isnull=False)
    return was_live.exclude(state=ReleaseState.LIVE).order_by("-went_live_at")


def rollback_default(environment: Environment) -> Release | None:
    """What a rollback takes if nobody names a release: the last that was live, not failed, not taken back."""
    return rollback_candidates(environment).exclude(state__in=_NOT_BY_DEFAULT).first()
