"""What goes live is what was approved: whatever changed in between, the deployment refuses it."""

from typing import Any

import pytest

from provisioning.exceptions import DigestChanged, NotApproved
from provisioning.models import Operation
from provisioning.operations.choices import OperationKind
from provisioning.operations.engine import Cancelled, Run
from provisioning.releases.workflow import check as check_release
from provisioning.releases.workflow import deploy as deploy_release
from tenants.apps.choices import AppState
from tenants.models import PluginApp, Release
from tenants.releases.choices import ReleaseState
from tests.factories import make_release

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A deployment of an approved release, held by a worker. The factory's rendered hash stands for the real one."""
    release = make_release(state=ReleaseState.APPROVED)
    monkeypatch.setattr(deploy_release, "rendered_sha256", lambda _release: release.configuration_sha256)
    operation = Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE, app=release.app, environment=release.environment, release=release, fence=1
    )
    return Run(Operation.objects.get(pk=operation.pk), 1)


def release_of(run: Run) -> Release:
    assert run.operation.release is not None
    return run.operation.release


def test_what_was_approved_is_deployed(run: Run) -> None:
    deploy_release.ensure_approved(run)
    assert release_of(run).state == ReleaseState.DEPLOYING
    assert release_of(run).digest in run.lines[0]


@pytest.mark.parametrize(
    "forged",
    [
        {"commit_sha": "f" * 40},
        {"configuration": {"memory_mib": 4096}},
        {"variables": '{"ADMIN": "true"}'},
        {"stack_version": 99},
        {"configuration_sha256": "0" * 64},
    ],
)
def test_a_release_that_changed_after_its_approval_is_refused(run: Run, forged: dict[str, Any]) -> None:
    Release.objects.filter(pk=release_of(run).pk).update(**forged)
    with pytest.raises(DigestChanged):
        deploy_release.ensure_approved(run)
    assert Release.objects.get(pk=release_of(run).pk).state == ReleaseState.APPROVED


def test_a_new_digest_does_not_help_without_a_new_review(run: Run) -> None:
    release = release_of(run)
    Release.objects.filter(pk=release.pk).update(commit_sha="f" * 40, digest="a" * 64)
    with pytest.raises(DigestChanged):
        deploy_release.ensure_approved(run)


def test_a_release_that_nobody_approved_is_refused(run: Run) -> None:
    release_of(run).reviews.all().delete()
    with pytest.raises(NotApproved, match="nobody approved"):
        deploy_release.ensure_approved(run)


def test_changed_templates_ask_for_a_new_review(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_release, "rendered_sha256", lambda _release: "1" * 64)
    with pytest.raises(DigestChanged, match="templates changed since the approval"):
        deploy_release.ensure_approved(run)


def test_changed_templates_do_not_stand_in_the_way_of_a_rollback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    release = release_of(run)
    Release.objects.filter(pk=release.pk).update(went_live_at=release.created_at, state=ReleaseState.SUPERSEDED)
    monkeypatch.setattr(deploy_release, "rendered_sha256", lambda _release: "1" * 64)
    deploy_release.ensure_approved(run)
    assert "templates changed" in run.lines[1]


def test_an_app_that_is_going_gets_no_deployment(run: Run) -> None:
    PluginApp.objects.update(state=AppState.RETIRING)
    with pytest.raises(Cancelled):
        deploy_release.ensure_approved(run)


def test_the_rendered_hash_covers_every_setting() -> None:
    release = make_release(state=ReleaseState.SUBMITTED)
    before = check_release.rendered_sha256(release)
    changes = {"memory_mib": 512, "cpu_millis": 900, "pids": 64, "disk_mib": 32, "health_check_path": "/up"}
    for name, value in changes.items():
        release.configuration = {**release.configuration, name: value}
        after = check_release.rendered_sha256(release)
        assert after != before, name
        before = after
