"""People, groups and projects of the forge contract. Everything has names of its own, so that tests share one forge."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
import requests

from tests.contracts.forge import server
from tests.contracts.forge.git import Git, new_repository, with_token
from tests.contracts.forge.receiver import Receiver
from tests.contracts.forge.server import Forge

ENDED = {"success", "failed", "canceled", "skipped", "manual"}


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], dict[str, str]]) -> Iterator[Forge]:
    given = server.from_environment()
    if given is not None:
        yield given
        return
    with server.embedded(tmp_path_factory.mktemp("forge"), **new_database()) as started:
        yield started


def client(forge: Forge, token: str) -> gitlab.Gitlab:
    return gitlab.Gitlab(forge.url, private_token=token, timeout=30, keep_base_url=True)


@pytest.fixture
def admin(forge: Forge) -> gitlab.Gitlab:
    return client(forge, forge.admin_token)


@pytest.fixture
def unique() -> str:
    return secrets.token_hex(4)


@dataclass
class Person:
    """A user of the forge, with a token that may do everything the user may."""

    id: int
    username: str
    token: str
    api: gitlab.Gitlab


class People:
    def __init__(self, forge: Forge, admin: gitlab.Gitlab) -> None:
        self.forge, self.admin = forge, admin

    def make(self) -> Person:
        name = f"p{secrets.token_hex(5)}"
        user = self.admin.users.create(
            {"email": f"{name}@example.org", "username": name, "name": f"Person {name}", "skip_confirmation": True,
             "password": secrets.token_urlsafe(20)}
        )  # fmt: skip
        token = self.token(user.id, ["api", "read_repository", "write_repository"])
        return Person(user.id, name, token, client(self.forge, token))

    def token(self, user_id: int, scopes: list[str]) -> str:
        user = self.admin.users.get(user_id, lazy=True)
        made = user.personal_access_tokens.create({"name": "test", "scopes": scopes, "expires_at": _next_month()})
        return str(made.token)


def _next_month() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86_400))


@pytest.fixture
def people(forge: Forge, admin: gitlab.Gitlab) -> People:
    return People(forge, admin)


@pytest.fixture
def next_month() -> str:
    return _next_month()


@pytest.fixture
def group(admin: gitlab.Gitlab, unique: str) -> Iterator[Any]:
    """A private group in which developers may push to default branches."""
    made = admin.groups.create(
        {"name": f"g{unique}", "path": f"g{unique}", "visibility": "private", "default_branch_protection": 0}
    )
    yield made
    admin.groups.delete(made.id)


@pytest.fixture
def project(admin: gitlab.Gitlab, group: Any) -> Any:
    """An empty private project, as its administrator sees it."""
    return admin.projects.create({"name": "Plugin", "path": "plugin", "namespace_id": group.id})


@pytest.fixture
def developer(people: People, group: Any) -> Person:
    person = people.make()
    group.members.create({"user_id": person.id, "access_level": gitlab.const.AccessLevel.DEVELOPER})
    return person


@pytest.fixture
def stranger(people: People) -> Person:
    return people.make()


@pytest.fixture
def filled(project: Any) -> Any:
    """The project with one commit on `main`: README.md, conf/app.conf, bin/run (executable)."""
    project.commits.create(
        {
            "branch": "main",
            "commit_message": "First commit",
            "actions": [
                {"action": "create", "file_path": "README.md", "content": "# Plugin\n"},
                {"action": "create", "file_path": "conf/app.conf", "content": "a = 1\n"},
                {"action": "create", "file_path": "bin/run", "content": "#!/bin/sh\n", "execute_filemode": True},
            ],
        }
    )
    return project


@pytest.fixture
def work(tmp_path: Path, project: Any, developer: Person) -> Git:
    """The developer's work tree; nothing is pushed yet."""
    url = with_token(project.http_url_to_repo, developer.token, developer.username)
    return new_repository(tmp_path / "work", url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Ci:
    """Pipelines of one project."""

    def __init__(self, project: Any) -> None:
        self.project = project

    def configure(self, text: str, branch: str = "main") -> None:
        """Commits `.gitlab-ci.yml`."""
        try:
            self.project.files.get(".gitlab-ci.yml", ref=branch)
            name = "update"
        except gitlab.GitlabGetError:
            name = "create"
        action = {"action": name, "file_path": ".gitlab-ci.yml", "content": text}
        self.project.commits.create({"branch": branch, "commit_message": "ci", "actions": [action]})

    def start(self, variables: dict[str, str] | None = None, ref: str = "main") -> Any:
        listed = [{"key": key, "value": value} for key, value in (variables or {}).items()]
        return self.project.pipelines.create({"ref": ref, "variables": listed})

    def run(self, text: str, variables: dict[str, str] | None = None) -> Any:
        """A pipeline of `text`, ended."""
        self.configure(text)
        return self.ended(self.start(variables))

    def ended(self, pipeline: Any, timeout_s: float = 180) -> Any:
        return self.reaches(pipeline, ENDED, timeout_s)

    def reaches(self, pipeline: Any, states: set[str], timeout_s: float = 180) -> Any:
        deadline = time.monotonic() + timeout_s
        while True:
            pipeline.refresh()
            if pipeline.status in states:
                return pipeline
            assert time.monotonic() < deadline, f"the pipeline is still {pipeline.status}"
            time.sleep(0.05)

    def jobs(self, pipeline: Any) -> dict[str, Any]:
        return {job.name: self.project.jobs.get(job.id) for job in pipeline.jobs.list(get_all=True)}

    def trace(self, pipeline: Any, name: str) -> str:
        return self.jobs(pipeline)[name].trace().decode()


@pytest.fixture
def ci(project: Any) -> Ci:
    return Ci(project)


class Raw:
    """REST without python-gitlab: what goes over the wire."""

    def __init__(self, forge: Forge, token: str | None) -> None:
        self.base = f"{forge.url}/api/v4"
        self.headers = {"PRIVATE-TOKEN": token} if token else {}

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = self.headers | options.pop("headers", {})
        return requests.request(
            method, f"{self.base}/{path}", headers=headers, timeout=30, allow_redirects=False, **options
        )


@pytest.fixture
def raw(forge: Forge) -> Raw:
    return Raw(forge, forge.admin_token)


@pytest.fixture
def anonymous(forge: Forge) -> Raw:
    return Raw(forge, None)
