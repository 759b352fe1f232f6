"""Apps whose code repository is a real one, at an embedded forge of the test's own. For conftests."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioning.forge.client import ForgeClient
from provisioning.models import Repository
from provisioning.repositories.reading.copy import ReadingCopy, reading_copy
from tenants.models import PluginApp
from tests.contracts.forge import server
from tests.contracts.forge.conftest import People, Person
from tests.contracts.forge.git import Git, new_repository, with_token
from tests.contracts.forge.server import Forge
from tests.factories import make_app


@dataclass
class Plugin:
    """`work` is a developer's work tree, whose origin is the app's code repository."""

    app: PluginApp
    work: Git
    developer: Person

    @property
    def copy(self) -> ReadingCopy:
        return reading_copy(self.app)

    def push(self, files: dict[str, str | bytes], *removed: str) -> str:
        """Commits `files` without `removed` and pushes. Gives the commit."""
        for name in removed:
            (self.work.where / name).unlink()
        sha = self.work.commit(files)
        self.work.push("HEAD:main")
        return sha


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], dict[str, str]]) -> Iterator[Forge]:
    with server.embedded(tmp_path_factory.mktemp("forge"), **new_database()) as started:
        yield started


@pytest.fixture(scope="session")
def platform(forge: Forge) -> ForgeClient:
    return ForgeClient(forge.url, forge.admin_token)


@pytest.fixture(scope="session")
def forge_developer(forge: Forge, platform: ForgeClient) -> Person:
    return People(forge, platform.gitlab).make()


@pytest.fixture
def new_plugin(
    db: None, forge: Forge, platform: ForgeClient, forge_developer: Person, tmp_path: Path, settings: Any
) -> Callable[..., Plugin]:
    """Makes an active app with an empty repository."""
    settings.FORGE_URL, settings.FORGE_TOKEN = forge.url, forge.admin_token
    settings.READING_HOME = tmp_path / "reading"

    def make(**values: Any) -> Plugin:
        # Without PHP: no engine has to compile it before the review.
        app = make_app(**{"stack": "static"} | values)
        group = f"org{secrets.token_hex(4)}"
        group_id = platform.ensure_group(path=group, name="Organization")
        platform.ensure_group_members(group_id, [forge_developer.id])
        made = platform.ensure_project(group_id=group_id, group_path=group, path=app.public_id, runs_pipelines=False)
        Repository.objects.update_or_create(
            app=app,
            defaults={"code_project_id": made.id, "code_path": made.path, "code_http_url": made.http_url},
        )
        url = with_token(made.http_url, forge_developer.token, forge_developer.username)
        return Plugin(app, new_repository(tmp_path / f"work-{app.public_id}", url), forge_developer)

    return make


@pytest.fixture
def plugin(new_plugin: Callable[..., Plugin]) -> Plugin:
    return new_plugin()
