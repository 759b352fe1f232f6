"""Putting an earlier approved release back."""

from provisioning.operations.choices import UNFINISHED
from provisioning.operations.models import Deployment
from provisioning.operations.services import deployment_create
from provisioning.operations.wakeups import wake_on_commit
from provisioning.releases.selectors.rollbacks import rollback_default
from tenants import access
from tenants.apps.models.environment import Environment
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.people.models.user import User
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release
from tenants.releases.services.releases import release_deploying


@unit_of_work
def rollback_request(*, environment: Environment, number: int | None, actor: User) -> Deployment:
    """A deployment of release `number`, or of the last one that was live before the current.

    Only a release that was live before may be put back: it was approved, and it ran. Raises `InvalidInput`,
    `InvalidTransition`, `NotPermitted`.
    """
    release = _release(environment, number)
    access.require(actor, "release.rollback", release)
    deployment = deployment_create(release=release, requested_by=actor, is_rollback=True)
    if deployment is None:
        running = Deployment.objects.filter(environment=environment, state__in=UNFINISHED).first()
        raise InvalidTransition(
            f"deployment {running.pk if running else ''} is under way in {environment.name}: wait until it has ended"
        )
    release_deploying(release=release)
    wake_on_commit(deployment.pk)
    return deployment


def _release(environment: Environment, number: int | None) -> Release:
    candidates = Release.objects.filter(environment=environment).select_related("app__organization", "environment")
    if number is not None:
        release = candidates.filter(number=number).first()
        if release is None:
            raise InvalidInput.field("release", f"{environment.name} has no release {number}: name one that was live")
        if release.state == ReleaseState.LIVE:
            raise InvalidTransition(f"release {number} is live already")
        if release.went_live_at is None:
            raise InvalidInput.field(
                "release", f"release {number} was never live: name one that was, or ask for review"
            )
        return release
    release = rollback_default(environment)
    if release is None:
        raise InvalidTransition(f"no earlier release of {environment.name} was live: there is nothing to go back to")
    return release
