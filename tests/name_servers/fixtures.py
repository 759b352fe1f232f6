from collections.abc import Iterator

import pytest

from tests.name_servers.hierarchy import HOSTILE, Hierarchy, running_hierarchy
from tests.name_servers.hostile import Hostile, running_hostile


@pytest.fixture(scope="session")
def hierarchy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hierarchy]:
    with running_hierarchy(tmp_path_factory.mktemp("hierarchy")) as found:
        yield found


@pytest.fixture
def hostile(hierarchy: Hierarchy) -> Iterator[Hostile]:
    """The server of `hostile.test`; it says nothing until a test tells it what to say."""
    with running_hostile(HOSTILE, hierarchy.port) as server:
        yield server
