"""People who push with real git to a real forge, and decide over the API."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from provisioning.forge.client import ForgeClient
from provisioning.models import Repository
from provisioning.operations import registry
from provisioning.operations.choices import OperationKind
from provisioning.operations.services import operation_ensure
from provisioning.repositories.services.repositories import group_path, organization_members_sync
from tenants.models import PluginApp, Release, User
from tenants.releases.services import releases
from tests.code_repositories import forge, platform  # noqa: F401 - fixtures
from tests.contracts.forge.git import Git, new_repository, with_token
from tests.contracts.forge.server import Forge
from tests.factories import api_client, make_app, make_reviewer, owner_of

API = "/api/v1"


@dataclass
class House:
    """An app with its repository at the forge."""

    app: PluginApp
    project_id: int
    url: str
    where: Path
    forge: ForgeClient
    works: dict[int, Git] = field(default_factory=dict)

    @property
    def owner(self) -> User:
        return owner_of(self.app.organization)

    def work_of(self, user: User, client: Any = None) -> Git:
        """A work tree whose pushes are `user`'s, with the token for git that `client` asks for."""
        if user.pk not in self.works:
            organization_members_sync(forge=self.forge, organization=self.app.organization)
            given = (client or api_client(user)).post(f"{API}/me/git-token/").json()
            origin = with_token(self.url, given["token"], given["username"])
            self.works[user.pk] = new_repository(self.where / user.username, origin)
        return self.works[user.pk]

    def push(self, user: User, message: str = "change", *, to: str = "main", email: str = "made@up.test") -> str:
        """A commit on top of `main`, pushed to the branch `to`. Its author is made up."""
        work = self.work_of(user)
        if work.run("fetch", "--quiet", "origin", "main", ok=False).returncode == 0:
            work.run("reset", "--quiet", "--hard", "FETCH_HEAD")
        (work.where / f"{secrets.token_hex(4)}.php").write_text("<?php echo 1;")
        work.run("add", "--all")
        work.run("commit", "--quiet", "-m", message, GIT_AUTHOR_EMAIL=email, GIT_COMMITTER_EMAIL=email)
        work.push(f"HEAD:refs/heads/{to}")
        return work.head()

    def release(self, by: Any, ref: str = "main", environment: str = "production") -> Release:
        """Asked for over the API, and checked as a worker does."""
        client = api_client(by) if isinstance(by, User) else by
        body = {"environment": environment, "ref": ref}
        answer = client.post(f"{API}/apps/{self.app.public_id}/releases/", body, format="json")
        assert answer.status_code == 201, answer.json()
        release = Release.objects.get(pk=answer.json()["id"])
        operation = operation_ensure(kind=OperationKind.CHECK_RELEASE, app=self.app, release=release)
        registry.run(operation.pk)
        release.refresh_from_db()
        assert release.state == "awaiting_review", release.error
        return release

    def live(self, release: Release) -> None:
        """Approved by somebody from outside, and deployed."""
        assert approve(make_reviewer(), release)[0] == 200
        release.refresh_from_db()
        releases.release_deploying(release=release)
        releases.release_went_live(release=release, is_rollback=False)


def approve(user: User, release: Release) -> tuple[int, str]:
    """The status, and the reason of a refusal."""
    body = {"digest": release.digest}
    answer = api_client(user).post(f"{API}/releases/{release.pk}/approve/", body, format="json")
    return answer.status_code, answer.json().get("detail", "")


def queue_of(user: User) -> list[int]:
    """The releases in the reviewer's queue, as the portal lists them."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return [row.pk for row in client.get("/reviews/").context["releases"]]


@pytest.fixture
def new_house(
    db: None,
    forge: Forge,  # noqa: F811
    platform: ForgeClient,  # noqa: F811
    tmp_path: Path,
    settings: Any,
) -> Callable[..., House]:
    settings.FORGE_URL, settings.FORGE_TOKEN = forge.url, forge.admin_token
    settings.READING_HOME = tmp_path / "reading"

    def make(**values: Any) -> House:
        # Without PHP: no engine has to compile it before the review.
        app = make_app(**{"stack": "static"} | values)
        group_id = organization_members_sync(forge=platform, organization=app.organization)
        made = platform.ensure_project(
            group_id=group_id, group_path=group_path(app.organization), path=app.public_id, runs_pipelines=False
        )
        Repository.objects.update_or_create(
            app=app, defaults={"code_project_id": made.id, "code_path": made.path, "code_http_url": made.http_url}
        )
        return House(app, made.id, made.http_url, tmp_path, platform)

    return make


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    return new_house()


from tests.attacks.authors.reviewers import rita  # noqa: E402, F401 - needs the classes above
