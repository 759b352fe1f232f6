"""What an operation leaves to be read: no secret in an error, and no step still to come after its end."""

import pytest

from provisioning.exceptions import OperatorError, PermanentError, RetryableError
from provisioning.models import Operation
from provisioning.operations import engine
from provisioning.operations.choices import OperationKind, OperationState, StepState
from provisioning.operations.engine import Run, Workflow
from tenants.apps.services.environments import variable_set
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tests.factories import api_client, environment_of, make_app, make_release, owner_of

pytestmark = pytest.mark.django_db
SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture
def release() -> Release:
    app = make_app()
    variable_set(
        environment=environment_of(app), name="PASSWORD", value=SECRET, is_secret=True, actor=owner_of(app.organization)
    )
    return make_release(app=app, state=ReleaseState.APPROVED)


def ran(release: Release, *raised: Exception) -> Operation:
    """A deployment whose second step raises these, one at each run."""
    left = list(raised)
    told: list[str] = []

    def first(run: Run) -> None:
        run.note("done")

    def second(_run: Run) -> None:
        raise left.pop(0)

    def third(_run: Run) -> None:
        raise AssertionError("the second step failed")

    def failed(_run: Run, error: PermanentError) -> None:
        told.append(str(error))

    workflow = Workflow(
        steps=engine.steps(first, second, third),
        succeeded=lambda _run: None,
        failed=failed,
        cancelled=lambda _run: None,
    )
    operation = Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE, app=release.app, environment=release.environment, release=release
    )
    for _error in raised:
        engine.run(operation.pk, workflow)
    operation.refresh_from_db()
    assert not any(SECRET[:8] in text for text in told)
    return operation


def test_a_program_that_quotes_a_secret_does_not_tell_it(release: Release) -> None:
    operation = ran(release, OperatorError(f"can't start: bad value {SECRET}: mend it\nand {SECRET[:12]}"))
    assert operation.error == "can't start: bad value [MASKED]: mend it\nand [MASKED]"
    assert operation.steps.get(name="second").error == operation.error


def test_neither_does_one_that_is_tried_again(release: Release) -> None:
    operation = ran(release, RetryableError(f"no way to {SECRET}"))
    assert operation.steps.get(name="second").error == "no way to [MASKED]"


def test_steps_that_will_never_run_are_not_reached(release: Release) -> None:
    operation = ran(release, OperatorError("the disk is full: make room"))
    assert [step.shown_state for step in operation.steps.all()] == ["succeeded", "failed", "not_reached"]
    found = api_client(owner_of(release.app.organization)).get(f"/api/v1/deployments/{operation.pk}/").json()
    assert [step["state"] for step in found["steps"]] == ["succeeded", "failed", "not_reached"]
    assert (found["whose_move"], found["error_code"]) == ("operator", "operator_must_act")
    assert found["next_step"].startswith("Mend what the message names")


def test_steps_of_what_goes_on_are_still_to_come(release: Release) -> None:
    operation = ran(release, RetryableError("busy"))
    assert [step.shown_state for step in operation.steps.all()] == ["succeeded", "waiting", "pending"]
    found = api_client(owner_of(release.app.organization)).get(f"/api/v1/deployments/{operation.pk}/").json()
    assert (found["whose_move"], found["next_step"]) == ("nobody", "Wait: Berth goes on by itself.")


def test_a_step_that_a_cancellation_met_is_cancelled(release: Release) -> None:
    operation = ran(release, RetryableError("busy"))
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.CANCELLED)
    steps = Operation.objects.get(pk=operation.pk).steps.all()
    assert [step.shown_state for step in steps] == ["succeeded", "cancelled", "not_reached"]
    assert {step.state for step in steps} <= set(StepState.values)


@pytest.mark.parametrize("state", ["awaiting_review", "approved", "live", "failed"])
def test_a_release_says_whose_move_it_is(state: str) -> None:
    release = make_release(state=state)
    found = api_client(owner_of(release.app.organization)).get(f"/api/v1/releases/{release.pk}/").json()
    expected = {"awaiting_review": "reviewer", "approved": "nobody", "live": None, "failed": "developer"}
    assert found["whose_move"] == expected[state]
