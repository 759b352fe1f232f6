"""The platform that the end-to-end tests look at from outside: one for the whole run."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.running import RunningPlatform, running_platform


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    with running_platform() as found:
        yield found
