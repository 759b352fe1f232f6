from collections.abc import Iterator

import pytest

from tests.provisioning.edge.fallback.stage import Machine, running_machine


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with running_machine() as running:
        yield running
