"""A5, A9, A10 at the forge: a plugin's repository is data. What its people push runs nothing, and misleads nobody."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gitlab
import pytest

from provisioning.forge.client import ForgeClient
from provisioning.forge.contents import resolve_commit
from provisioning.forge.errors import ForgeRefused
from tests.contracts.forge import server
from tests.contracts.forge.conftest import Ci, People, Person
from tests.contracts.forge.git import Git, new_repository, with_token
from tests.contracts.forge.server import Forge

DEVELOPERS_PIPELINE = "attack:\n  script:\n    - touch $WHERE\n"


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], dict[str, str]]) -> Iterator[Forge]:
    with server.embedded(tmp_path_factory.mktemp("forge"), **new_database()) as started:
        yield started


@pytest.fixture(scope="module")
def platform(forge: Forge) -> ForgeClient:
    """The driver that Berth itself uses."""
    return ForgeClient(forge.url, forge.admin_token)


@pytest.fixture(scope="module")
def developer(forge: Forge, platform: ForgeClient) -> Person:
    """A person with a token for everything, as somebody has who signs in to the forge: more than Berth gives out."""
    return People(forge, platform.gitlab).make()


@pytest.fixture(scope="module")
def group(platform: ForgeClient, developer: Person) -> tuple[int, str]:
    """The organization's group, with the developer in it."""
    path = f"org{secrets.token_hex(4)}"
    group_id = platform.ensure_group(path=path, name="Organization")
    platform.ensure_group_members(group_id, [developer.id])
    return group_id, path


@pytest.fixture
def code(platform: ForgeClient, group: tuple[int, str]) -> Any:
    """The code project of a new app."""
    group_id, group_path = group
    path = f"app{secrets.randbelow(10**8) + 10**8}"
    made = platform.ensure_project(group_id=group_id, group_path=group_path, path=path, runs_pipelines=False)
    return platform.gitlab.projects.get(made.id)


@pytest.fixture
def work(tmp_path: Path, code: Any, developer: Person) -> Git:
    return new_repository(tmp_path / "work", with_token(code.http_url_to_repo, developer.token, developer.username))


def test_a10_a_plugins_own_pipeline_file_runs_nothing(
    platform: ForgeClient, group: tuple[int, str], developer: Person, code: Any, work: Git, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    text = DEVELOPERS_PIPELINE.replace("$WHERE", str(marker))
    work.commit({".gitlab-ci.yml": text, "index.php": "<?php"})
    work.push("main")
    own = developer.api.projects.get(code.id)
    for where in (own, code):
        with pytest.raises(gitlab.GitlabCreateError) as refused:
            where.pipelines.create({"ref": "main"})
        assert refused.value.response_code in {400, 403}
    assert code.pipelines.list(get_all=True) == []
    assert not marker.exists()
    # The control: where pipelines are allowed, that file runs.
    path = f"soft{secrets.token_hex(4)}"
    soft = platform.ensure_project(group_id=group[0], group_path=group[1], path=path, runs_pipelines=True)
    ci = Ci(platform.gitlab.projects.get(soft.id))
    assert ci.run(text).status == "success"
    assert marker.exists()


def test_a10_a_developer_does_not_turn_pipelines_on(developer: Person, code: Any, work: Git) -> None:
    work.commit({"index.php": "<?php"})
    work.push("main")
    own = developer.api.projects.get(code.id)
    for change in ({"builds_access_level": "enabled"}, {"ci_config_path": "other.yml"}, {"visibility": "public"}):
        for name, value in change.items():
            setattr(own, name, value)
        with pytest.raises(gitlab.GitlabUpdateError) as refused:
            own.save()
        assert refused.value.response_code == 403
    with pytest.raises(gitlab.GitlabError) as hidden:
        own.variables.create({"key": "BERTH_TARGETS", "value": "local /"})
    assert hidden.value.response_code == 403


def test_a10_a_developer_makes_no_project_of_his_own_in_which_pipelines_run(
    forge: Forge, platform: ForgeClient, group: tuple[int, str], developer: Person, tmp_path: Path
) -> None:
    """A project beside the app's would run pipelines on the platform's runner, as the platform."""
    values = {"name": "mine", "path": "mine", "namespace_id": group[0], "builds_access_level": "enabled"}
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        developer.api.projects.create(values)
    assert refused.value.response_code in {400, 403}
    pushed = new_repository(
        tmp_path / "new", with_token(f"{forge.url}/{group[1]}/pushed.git", developer.token, developer.username)
    )
    pushed.commit({".gitlab-ci.yml": DEVELOPERS_PIPELINE})
    assert pushed.push("main", ok=False).returncode != 0
    with pytest.raises(gitlab.GitlabGetError):
        platform.gitlab.projects.get(f"{group[1]}/pushed")
    # The control: in a group as a forge makes it by itself, the developer makes one.
    path = f"soft{secrets.token_hex(4)}"
    soft = platform.gitlab.groups.create({"name": path, "path": path, "visibility": "private"})
    soft.members.create({"user_id": developer.id, "access_level": gitlab.const.AccessLevel.DEVELOPER})
    assert developer.api.projects.create(values | {"namespace_id": soft.id}).path == "mine"


def test_a10_nobody_but_the_platform_sees_a_management_project(platform: ForgeClient, developer: Person) -> None:
    name = f"management{secrets.token_hex(4)}"
    group_id = platform.ensure_group(path=name, name="Management")
    made = platform.ensure_project(group_id=group_id, group_path=name, path="app1000001", runs_pipelines=True)
    assert platform.gitlab.projects.get(made.id).path == "app1000001"
    with pytest.raises(gitlab.GitlabGetError) as hidden:
        developer.api.projects.get(made.id)
    assert hidden.value.response_code == 404
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        developer.api.projects.get(made.id, lazy=True).pipelines.create(
            {"ref": "production", "variables": [{"key": "BERTH_RELEASE", "value": "1"}]}
        )
    assert refused.value.response_code == 404


def test_a10_a_group_that_somebody_else_made_before_is_not_taken_for_berths_own(
    platform: ForgeClient, developer: Person
) -> None:
    name = f"management{secrets.token_hex(4)}"
    made = developer.api.groups.create({"name": name, "path": name, "visibility": "public"})
    for is_second_owner in (False, True):
        if is_second_owner:
            made.members.create({"user_id": platform.gitlab.user.id, "access_level": 50})
        with pytest.raises(ForgeRefused) as refused:
            platform.ensure_group(path=name, name="Management")
        assert f"not Berth's own ({developer.username} has" in str(refused.value)
    assert platform.gitlab.groups.get(made.id).visibility == "public"
    # The remedy that the message names.
    platform.gitlab.groups.get(made.id).members.delete(developer.id)
    assert platform.ensure_group(path=name, name="Management") == made.id
    group = platform.gitlab.groups.get(made.id)
    assert (group.visibility, group.project_creation_level) == ("private", "maintainer")


@pytest.mark.parametrize("kind", ["heads", "tags"])
def test_a5_a_name_that_looks_like_a_commit_does_not_stand_in_for_it(
    platform: ForgeClient, code: Any, work: Git, kind: str
) -> None:
    reviewed = work.commit({"index.php": "<?php echo 'reviewed';"})
    other = work.commit({"index.php": "<?php echo 'another';"})
    work.push("main")
    work.push(f"{other}:refs/{kind}/{reviewed}", ok=False)
    assert resolve_commit(platform, code.id, reviewed).sha == reviewed
    # The control: a name that does not look like one is what it points at.
    work.push(f"{other}:refs/{kind}/release-1")
    assert resolve_commit(platform, code.id, "release-1").sha == other


@pytest.mark.parametrize("ref", ["main~1", "main^{tree}", "@", "HEAD@{0}", ":/first", "main:index.php", "main..main"])
def test_a5_an_expression_is_no_ref_at_the_forge_either(platform: ForgeClient, code: Any, work: Git, ref: str) -> None:
    """The API refuses most of them by their grammar; this is what holds behind it."""
    work.commit({"index.php": "<?php"}, message="first")
    work.commit({"index.php": "<?php // 2"})
    work.push("main")
    with pytest.raises(Exception, match=r"no branch, tag or commit|refused"):
        resolve_commit(platform, code.id, ref)
    # The control: git itself understands them.
    assert work.run("rev-parse", ref, ok=False).returncode == 0


def test_a10_a_project_that_was_there_first_loses_its_pipelines(
    platform: ForgeClient, group: tuple[int, str], code: Any
) -> None:
    """As on a company's GitLab, where somebody may have made a project of that name before Berth came."""
    group_id, group_path = group
    code.builds_access_level = "private"
    code.save()
    platform.ensure_project(group_id=group_id, group_path=group_path, path=code.path, runs_pipelines=False)
    assert platform.gitlab.projects.get(code.id).builds_access_level == "disabled"
