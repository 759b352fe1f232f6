"""An embedded forge whose processes a test may kill, with small limits."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import gitlab
import pytest

from tests.contracts.forge import server
from tests.contracts.forge.server import Forge


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], dict[str, str]]) -> Iterator[Forge]:
    limits = {"BERTH_FORGE_MAX_PUSH_BYTES": "200000"}
    with server.embedded(tmp_path_factory.mktemp("forge"), **limits, **new_database()) as started:
        yield started


@pytest.fixture
def admin(forge: Forge) -> gitlab.Gitlab:
    return gitlab.Gitlab(forge.url, private_token=forge.admin_token, timeout=30)


@pytest.fixture
def project(admin: gitlab.Gitlab) -> Iterator[Any]:
    """A project in the administrator's own namespace."""
    made = admin.projects.create({"name": f"p{secrets.token_hex(4)}"})
    yield made
    admin.projects.delete(made.id)
