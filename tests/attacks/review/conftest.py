from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from provisioning.releases.services.readings import scope_ensure
from provisioning.releases.workflow import check as check_release
from tenants.models import Release, User
from tenants.releases.choices import ReleaseState
from tenants.releases.services import authorship, releases
from tests.code_repositories import Plugin, forge, forge_developer, new_plugin, platform, plugin  # noqa: F401 - fixtures
from tests.factories import api_client, environment_of, make_release, make_reviewer, owner_of


class Desk:
    """One reviewer with the REST API."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client: APIClient = api_client(user)

    def get(self, release: Release, what: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/releases/{release.pk}/{what}", query)

    def diff(self, release: Release, **query: Any) -> Any:
        answer = self.get(release, "diff/", **query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def file(self, release: Release, path: str, **query: Any) -> Any:
        return {file["path"]: file for file in self.diff(release, **query)["files"]}[path]

    def content(self, release: Release, address: str) -> bytes:
        """The bytes of a file, up to the last."""
        answer = self.get(release, "files/content/", path=address)
        assert answer.status_code == 200, answer.content
        return self.whole(answer)

    @staticmethod
    def whole(answer: Any) -> bytes:
        async def read() -> bytes:
            return b"".join([chunk async for chunk in answer.streaming_content])

        return async_to_sync(read)()

    def approve(self, release: Release, **sent: Any) -> Any:
        body = {"digest": release.digest} | sent
        return self.client.post(f"/api/v1/releases/{release.pk}/approve/", body)

    def reject(self, release: Release, comment: str) -> Any:
        body = {"digest": release.digest, "comment": comment}
        return self.client.post(f"/api/v1/releases/{release.pk}/reject/", body)


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(make_reviewer("rita"))


@pytest.fixture
def waiting(plugin: Plugin) -> Callable[[str], Release]:  # noqa: F811
    """A release of a commit that has passed its checks, what a review has to cover included."""

    def make(sha: str, environment: str = "production") -> Release:
        owner = owner_of(plugin.app.organization)
        asked = releases.release_submit(
            environment=environment_of(plugin.app, environment), ref=sha, notes="", actor=owner
        )
        release = Release.objects.select_related("app", "environment__current_release").get(pk=asked.pk)
        if release.state == ReleaseState.SUBMITTED:
            releases.release_checking(
                release=release,
                commit_sha=sha,
                commit_title="Say hello",
                commit_author="Ada",
                commit_author_emails=["ada@elsewhere.test"],
                configuration_sha256=check_release.rendered_sha256(release),
            )
        pushed = authorship.Pushers(pushed={(owner.pk, owner.pk): 1})
        authorship.release_pushers_record(release=release, pushers=pushed)
        scope_ensure(release)
        releases.release_checked(release=release, checks=[])
        return release

    return make


@pytest.fixture
def live(plugin: Plugin) -> Callable[[str], Release]:  # noqa: F811
    return lambda sha: make_release(app=plugin.app, state=ReleaseState.LIVE, commit_sha=sha)
