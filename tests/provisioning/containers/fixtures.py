"""Fixtures that the suites on the real engine share; each suite's conftest names them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.provisioning.containers.stage import HELLO, Slot, Stage, staged


@pytest.fixture(scope="session")
def slot() -> Iterator[Slot]:
    found = Slot()
    yield found
    found.close()


@pytest.fixture
def make_stage(slot: Slot, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes stages that are taken down at the test's end."""
    with ExitStack() as stack:
        made: list[Stage] = []

        def make(**changes: Any) -> Stage:
            stage = stack.enter_context(staged(slot, tmp_path / str(len(made)), **changes))
            stage.write("index.php", HELLO)
            made.append(stage)
            return stage

        yield make


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()
