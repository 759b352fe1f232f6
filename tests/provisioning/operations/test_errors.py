"""Every error that work can end with says whose move it is, and the documents list the same."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

import provisioning
from provisioning.exceptions import LeaseLost, PermanentError, ProvisioningError
from provisioning.models import Operation
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.selectors.error_reference import error_reference
from provisioning.operations.selectors.moves import error_classes, move_after, move_of
from tenants.audit.choices import Actor

# They say what kind an error is, and not whose move: nobody raises them.
ABSTRACT = {ProvisioningError, PermanentError}
# What ends no operation: a pause, an end that somebody wanted, another worker's lease; and faults of Berth's own, which
# the engine turns into `StepCrashed`.
NO_ERRORS = {"Wait", "Cancelled", "LeaseLost", "TypeError", "ValueError"}


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(provisioning.__path__, "provisioning."):
        if ".embedded" not in found.name and ".migrations" not in found.name and ".management" not in found.name:
            yield found.name


def is_of_a_workflow(name: str) -> bool:
    """Modules whose errors end a step, or a round of the reconciler."""
    _, room, *inside = name.split(".")
    return "workflow" in inside or room in ("operations", "reconcile") or name == "provisioning.containers.instances"


def test_nobody_makes_an_error_that_does_not_say_whose_move_it_is() -> None:
    found = []
    for name in modules():
        module = importlib.import_module(name)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                target = getattr(module, node.func.id, None)
                if isinstance(target, type) and target in ABSTRACT:
                    found.append(f"{name}:{node.lineno}: {node.func.id}")
    assert found == []


def test_whatever_a_workflow_raises_has_an_actor() -> None:
    strays, seen = [], 0
    for name in (name for name in modules() if is_of_a_workflow(name)):
        module = importlib.import_module(name)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            seen += 1
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            assert isinstance(made, ast.Name), f"{name}:{node.lineno}: raise a class by its name"
            if made.id in NO_ERRORS:
                continue
            target = getattr(module, made.id, None)
            if inspect.isfunction(target):
                target = inspect.get_annotations(target, eval_str=True)["return"]
            if not (isinstance(target, type) and issubclass(target, ProvisioningError)):
                strays.append(f"{name}:{node.lineno}: {made.id}")
    assert strays == []
    assert seen > 40


def test_each_class_has_a_code_of_its_own_an_actor_a_meaning_and_a_next_step() -> None:
    classes = error_classes()
    assert len(classes) > 20
    for error in classes:
        assert isinstance(error.actor, Actor), error
        assert error.next_step.endswith("."), error
        if error not in ABSTRACT:
            assert error.__doc__, error
    codes = [error.code for error in _all(ProvisioningError) if not error.__name__.startswith("_")]
    assert sorted(codes) == sorted(set(codes))


def _all(error: type[ProvisioningError]) -> Iterator[type[ProvisioningError]]:
    yield error
    for subclass in error.__subclasses__():
        yield from _all(subclass)


def test_the_documents_list_them() -> None:
    page = Path(settings.ROOT) / "docs" / "reference" / "errors.md"
    assert page.read_text() == error_reference(), "run: manage.py reference --write"


@pytest.mark.parametrize(
    ("state", "code", "actor"),
    [
        (OperationState.FAILED, "release_unhealthy", Actor.DEVELOPER),
        (OperationState.FAILED, "not_approved", Actor.REVIEWER),
        (OperationState.FAILED, "container_name_taken", Actor.OPERATOR),
        (OperationState.FAILED, "of_an_older_berth", Actor.OPERATOR),
        (OperationState.RUNNING, "", Actor.NOBODY),
        (OperationState.PENDING, "", Actor.NOBODY),
    ],
)
def test_whose_move_it_is(state: str, code: str, actor: Actor) -> None:
    move = move_of(Operation(kind=OperationKind.DEPLOY_RELEASE, state=state, error_code=code))
    assert move is not None
    assert move.actor == actor
    assert move.next_step == (move_after(code).next_step if code else move.next_step)


@pytest.mark.parametrize("state", [OperationState.SUCCEEDED, OperationState.CANCELLED])
def test_after_a_good_end_it_is_nobodys_move_at_all(state: str) -> None:
    assert move_of(Operation(kind=OperationKind.DEPLOY_RELEASE, state=state)) is None


def test_a_lost_lease_is_no_error() -> None:
    assert not issubclass(LeaseLost, ProvisioningError)
