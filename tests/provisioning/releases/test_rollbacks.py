"""An earlier approved release can be put back; nothing else can."""

import pytest
from django.utils import timezone

from provisioning.models import Deployment, Operation
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.releases.services.rollbacks import rollback_request
from tenants.exceptions import InvalidInput, InvalidTransition, NotPermitted
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tests.factories import make_release, make_user, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def live() -> Release:
    """Release 2 is live, release 1 was live before it."""
    first = make_release(state=ReleaseState.LIVE)
    second = make_release(app=first.app, state=ReleaseState.LIVE)
    Operation.objects.update(state=OperationState.SUCCEEDED)
    return second


def put_back(live: Release, number: int | None) -> Deployment:
    return rollback_request(environment=live.environment, number=number, actor=owner_of(live.app.organization))


@pytest.mark.parametrize("number", [1, None])
def test_the_numbered_or_the_last_good_release_is_deployed_again(live: Release, number: int | None) -> None:
    deployment = put_back(live, number)
    assert (deployment.release.number, deployment.is_rollback) == (1, True)  # type: ignore[union-attr]
    deployment.release.refresh_from_db()  # type: ignore[union-attr]
    assert deployment.release.state == ReleaseState.DEPLOYING  # type: ignore[union-attr]


def test_the_live_release_is_not_put_back(live: Release) -> None:
    with pytest.raises(InvalidTransition, match="release 2 is live already"):
        put_back(live, 2)


def test_a_release_that_was_never_live_is_not_put_back(live: Release) -> None:
    make_release(app=live.app, state=ReleaseState.AWAITING_REVIEW)
    with pytest.raises(InvalidInput, match="was never live"):
        put_back(live, 3)


def test_a_release_that_does_not_exist_is_named(live: Release) -> None:
    with pytest.raises(InvalidInput, match="production has no release 9"):
        put_back(live, 9)


def test_there_may_be_nothing_to_go_back_to() -> None:
    only = make_release(state=ReleaseState.LIVE)
    Operation.objects.update(state=OperationState.SUCCEEDED)
    with pytest.raises(InvalidTransition, match="nothing to go back to"):
        put_back(only, None)


def test_a_deployment_under_way_is_waited_for(live: Release) -> None:
    running = Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE, app=live.app, environment=live.environment, release=live
    )
    with pytest.raises(InvalidTransition, match=f"deployment {running.pk} is under way"):
        put_back(live, 1)
    assert Release.objects.get(app=live.app, number=1).state == ReleaseState.SUPERSEDED


def test_a_release_that_was_rolled_back_is_not_the_last_good_one(live: Release) -> None:
    """After a rollback from 2 to 1, nothing for `the last good one` leads back to 2."""
    Release.objects.filter(pk=live.pk).update(state=ReleaseState.ROLLED_BACK)
    Release.objects.filter(app=live.app, number=1).update(state=ReleaseState.LIVE, went_live_at=timezone.now())
    with pytest.raises(InvalidTransition, match="nothing to go back to"):
        put_back(live, None)
    assert put_back(live, 2).release == live


def test_a_stranger_may_not(live: Release) -> None:
    with pytest.raises(NotPermitted):
        rollback_request(environment=live.environment, number=1, actor=make_user())
    assert Release.objects.get(app=live.app, number=1).state == ReleaseState.SUPERSEDED
