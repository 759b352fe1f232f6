"""The row is the truth: what no message told a worker, the sweep finds."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.models import Deployment, Operation
from provisioning.operations import sweep
from provisioning.operations.choices import UNFINISHED, OperationKind, OperationState
from tenants.apps.choices import AppState
from tenants.releases.choices import ReleaseState
from tests.factories import make_app, make_release

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "kind"),
    [(AppState.PROVISIONING, OperationKind.PROVISION_APP), (AppState.RETIRING, OperationKind.RETIRE_APP)],
)
def test_an_app_whose_signal_was_lost_is_taken_up_once(state: AppState, kind: OperationKind) -> None:
    app = make_app(state=state)
    Operation.objects.all().delete()
    first, second = sweep.due(), sweep.due()
    operation = Operation.objects.get(app=app, kind=kind)
    assert first == second == [operation.pk]


def test_a_submitted_release_whose_signal_was_lost_is_taken_up_once() -> None:
    release = make_release(state=ReleaseState.SUBMITTED)
    Operation.objects.all().delete()
    sweep.due()
    sweep.due()
    assert Operation.objects.get(kind=OperationKind.CHECK_RELEASE).release == release


def test_an_approved_release_whose_signal_was_lost_gets_one_deployment() -> None:
    release = make_release(state=ReleaseState.APPROVED)
    Operation.objects.all().delete()
    sweep.due()
    sweep.due()
    assert Deployment.objects.get().release == release


def test_two_approved_releases_of_one_environment_deploy_one_after_the_other() -> None:
    first = make_release(state=ReleaseState.APPROVED)
    second = make_release(app=first.app, state=ReleaseState.APPROVED)
    Operation.objects.all().delete()
    sweep.due()
    assert [deployment.release for deployment in Deployment.objects.all()] == [first]
    Operation.objects.update(state=OperationState.SUCCEEDED)
    type(first).objects.filter(pk=first.pk).update(state=ReleaseState.SUPERSEDED)
    sweep.due()
    assert {d.release for d in Deployment.objects.filter(state__in=UNFINISHED)} == {second}


@pytest.mark.parametrize(
    ("lease", "next_run", "is_due"),
    [(None, None, True), (-1, None, True), (10, None, False), (None, 10, False), (None, -1, True), (-1, 10, False)],
)
def test_an_operation_is_due_when_nobody_holds_it_and_its_time_has_come(
    lease: int | None, next_run: int | None, is_due: bool
) -> None:
    now = timezone.now()
    app = make_app()
    Operation.objects.all().delete()
    operation = Operation.objects.create(
        kind=OperationKind.RETIRE_APP,
        app=app,
        state=OperationState.RUNNING,
        lease_until=None if lease is None else now + timedelta(seconds=lease),
        next_run_at=None if next_run is None else now + timedelta(seconds=next_run),
    )
    assert (operation.pk in sweep.due()) is is_due


def test_what_has_ended_is_never_due() -> None:
    app = make_app()
    Operation.objects.all().delete()
    for state in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED):
        Operation.objects.create(kind=OperationKind.PROVISION_APP, app=app, state=state)
    assert sweep.due() == []
