"""Going back to an earlier release: asked first, then done, and refused where there is nothing to go back to."""

import re
from typing import Any

import pytest

from provisioning.models import Deployment, Operation
from provisioning.operations.choices import OperationState
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tenants.releases.services.releases import release_went_live
from tests.factories import make_operator, make_release, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def live() -> Release:
    """Release 2 is live, release 1 was."""
    first = make_release(state=ReleaseState.LIVE)
    second = make_release(app=first.app, state=ReleaseState.LIVE)
    Operation.objects.update(state=OperationState.SUCCEEDED)
    return second


def path(release: Release) -> str:
    return f"/apps/{release.app.public_id}/environments/production/rollback/"


def reason(answer: Any) -> str:
    return " ".join(answer.context["form"].non_field_errors()) + str(answer.context["form"].errors.get("release", ""))


def test_the_page_names_what_is_live_and_what_could_be_put_back(visit: Visit, live: Release) -> None:
    client = visit(owner_of(live.app.organization))
    assert path(live) in client.get(f"/apps/{live.app.public_id}/").content.decode()
    page = client.get(path(live))
    assert [release.number for release in page.context["candidates"]] == [1]
    assert "Release 2 is live now" in page.content.decode()
    assert not Deployment.objects.filter(is_rollback=True).exists()


def test_the_release_that_was_just_rolled_back_from_is_not_chosen(visit: Visit, live: Release) -> None:
    third = make_release(app=live.app, state=ReleaseState.DEPLOYING)
    release_went_live(release=third, is_rollback=False)
    release_went_live(release=_deploying(live), is_rollback=True)
    page = visit(owner_of(live.app.organization)).get(path(live))
    assert [(release.number, release.state) for release in page.context["candidates"]] == [
        (3, "rolled_back"),
        (1, "superseded"),
    ]
    assert page.context["chosen"] == "1"
    assert re.findall(r'value="(\d+)" checked', page.content.decode()) == ["1"]


def test_nothing_is_chosen_if_all_that_was_live_was_taken_back(visit: Visit, live: Release) -> None:
    Release.objects.exclude(pk=live.pk).update(state=ReleaseState.ROLLED_BACK)
    page = visit(owner_of(live.app.organization)).get(path(live))
    assert len(page.context["candidates"]) == 1
    assert " checked" not in page.content.decode()


def _deploying(release: Release) -> Release:
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.DEPLOYING)
    release.refresh_from_db()
    return release


@pytest.mark.parametrize("number", ["1", ""])
def test_a_rollback_is_a_deployment_that_one_can_watch(visit: Visit, live: Release, number: str) -> None:
    answer = visit(owner_of(live.app.organization)).post(path(live), {"release": number})
    deployment = Deployment.objects.get(is_rollback=True)
    assert answer["Location"] == f"/deployments/{deployment.pk}/"
    assert deployment.release is not None
    assert deployment.release.number == 1


@pytest.mark.parametrize(
    ("number", "why"),
    [("2", "live already"), ("9", "has no release 9"), ("x", "whole number"), ("9" * 30, "has no release")],
)
def test_what_cannot_be_put_back_is_refused_with_the_reason(visit: Visit, live: Release, number: str, why: str) -> None:
    answer = visit(owner_of(live.app.organization)).post(path(live), {"release": number})
    assert answer.status_code in (400, 409)
    assert why in reason(answer)
    assert not Deployment.objects.filter(is_rollback=True).exists()


def test_a_second_rollback_waits_for_the_first(visit: Visit, live: Release) -> None:
    client = visit(owner_of(live.app.organization))
    client.post(path(live), {"release": "1"})
    answer = client.post(path(live), {"release": "1"})
    assert answer.status_code == 409
    assert Deployment.objects.filter(is_rollback=True).count() == 1


def test_who_only_looks_is_refused_with_the_reason(visit: Visit, live: Release) -> None:
    answer = visit(make_operator()).post(path(live), {"release": "1"})
    assert answer.status_code == 403
    assert f"ask an owner of {live.app.organization}" in reason(answer)
