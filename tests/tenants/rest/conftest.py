"""A world for every call, and a forge for those that ask one."""

from collections.abc import Callable, Iterator
from typing import Any

import gitlab
import pytest

from tests.contracts.forge.server import Forge, embedded
from tests.provisioning.dns.fixtures import memory  # noqa: F401 - a fixture
from tests.tenants.rest.endpoints.table_platform import FORGE_CALLS
from tests.tenants.rest.endpoints.world import World


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture(autouse=True)
def names_in_memory(memory: Any) -> None:  # noqa: F811
    """Calls about zones ask a provider that is none but a dictionary."""


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], dict[str, str]]) -> Iterator[Forge]:
    with embedded(tmp_path_factory.mktemp("forge"), **new_database()) as started:
        yield started


@pytest.fixture(autouse=True)
def forge_where_it_is_asked(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    callspec: Any = getattr(request.node, "callspec", None)
    if callspec is None or callspec.params.get("call") not in FORGE_CALLS:
        yield
        return
    started: Forge = request.getfixturevalue("forge")
    settings.FORGE_URL, settings.FORGE_TOKEN = started.url, started.admin_token
    yield
    # The next world's people have the same names and are others.
    api = gitlab.Gitlab(started.url, private_token=started.admin_token, keep_base_url=True)
    for user in api.users.list(get_all=True):
        if not user.is_admin:
            user.delete()
