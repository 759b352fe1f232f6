from collections.abc import Callable, Iterator

import pytest

from tests.provisioning.reconcile.ship import Ship, ships


@pytest.fixture
def launch() -> Iterator[Callable[..., Ship]]:
    """Launches releases that are taken down at the test's end."""
    with ships() as make:
        yield make
