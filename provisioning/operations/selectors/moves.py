"""Whose move it is, and what the next step is: for every error that a workflow can raise, from its class."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from provisioning.exceptions import ProvisioningError
from provisioning.forge.errors import ForgeRefused
from provisioning.operations.choices import FINISHED, OperationState
from provisioning.operations.models import Operation
from provisioning.repositories.reading.copy import CommitGone, CommitUnreadable
from tenants.audit.choices import Actor

# Classes of drivers, which are errors of workflows as well: they are known once their modules are.
_OF_DRIVERS = (ForgeRefused, CommitGone, CommitUnreadable)
BERTHS_OWN = "Wait: Berth goes on by itself."


@dataclass(frozen=True)
class Move:
    """`actor` is who must act, `next_step` one sentence on what that person does."""

    actor: Actor
    next_step: str


def error_classes() -> list[type[ProvisioningError]]:
    """Every class of error by its code. Of classes that share a code, the first that has it."""
    found: dict[str, type[ProvisioningError]] = {}
    for error in _with_subclasses(ProvisioningError):
        found.setdefault(error.code, error)
    return list(found.values())


@cache
def move_after(error_code: str) -> Move:
    """After an error with this code. A code of an older Berth is an operator's affair."""
    for error in error_classes():
        if error.code == error_code:
            return Move(error.actor, error.next_step)
    return Move(ProvisioningError.actor, ProvisioningError.next_step)


def move_of(operation: Operation) -> Move | None:
    """None if there is nothing left to do."""
    if operation.state == OperationState.FAILED:
        return move_after(operation.error_code)
    if operation.state in FINISHED:
        return None
    return Move(Actor.NOBODY, BERTHS_OWN)


def _with_subclasses(error: type[ProvisioningError]) -> Iterator[type[ProvisioningError]]:
    yield error
    for subclass in error.__subclasses__():
        yield from _with_subclasses(subclass)
