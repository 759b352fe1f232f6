from collections.abc import Callable, Iterator

import pytest

from tests.provisioning.edge.running import RunningEdge, Upstream, running_edge


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with running_edge() as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[Callable[..., Upstream]]:
    started: list[Upstream] = []

    def start(name: str, *options: str) -> Upstream:
        started.append(Upstream(name, *options))
        return started[-1]

    yield start
    for one in started:
        one.end()
