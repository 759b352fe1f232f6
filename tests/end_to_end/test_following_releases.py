"""Releases that follow one another without a pause, and a sidecar that was started for a release that is refused."""

import subprocess

import pytest

from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, docker, page, until

pytestmark = pytest.mark.docker


def containers(plugin: Plugin) -> set[str]:
    """By release and role: `2 live-web`. Those of its production alone."""
    form = '{{.Label "berth.release"}} {{.Label "berth.role"}}-{{.Label "berth.part"}}'
    said = docker(
        "ps", "--all", "--format", form,
        "--filter", f"label=berth.installation={plugin.cast.platform.installation}",
        "--filter", f"label=berth.app={plugin.id}", "--filter", "label=berth.environment=production",
    )  # fmt: skip
    return set(said.splitlines())


def of(release: int) -> set[str]:
    return {f"{release} {role}-{part}" for role in ("live", "standby") for part in ("web", "app")}


@pytest.fixture
def plugin(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    return Plugin(cast, tmp_path_factory.mktemp("following"))


def test_one_follows_the_other_at_once_and_nothing_of_the_old_ones_stays(plugin: Plugin) -> None:
    for number in (1, 2, 3):
        plugin.push({"index.php": page(f"version {number}")})
        asked = plugin.ask()
        plugin.approve(asked)
        plugin.live(asked)
        assert plugin.get().text == f"version {number}"
    until(lambda: containers(plugin) == of(3), f"the containers of the third alone, and not {containers(plugin)}")
    until(lambda: all(one["state"] == "succeeded" for one in plugin.deployments()), "all deployments are over")
    assert plugin.get().text == "version 3"


def test_a_refused_release_leaves_no_container_and_no_file_behind(plugin: Plugin) -> None:
    """Its sidecar was started before the pipeline looked for the commit."""
    platform = plugin.cast.platform
    # The first branch is the default one, which can't be deleted.
    plugin.push({"index.php": page("stays")})
    gone = plugin.push({"index.php": page("soon gone")}, ref="passing")
    asked = plugin.ask("passing")
    plugin.git.run("push", "--quiet", "origin", ":refs/heads/passing")
    for bare in (platform.home / "repositories").rglob("*.git"):
        for words in (["reflog", "expire", "--expire=now", "--all"], ["gc", "--quiet", "--prune=now"]):
            subprocess.run(["git", "-C", bare, *words], check=True, capture_output=True)
    plugin.approve(asked)
    assert f"commit {gone} is gone" in plugin.failed(asked)["error"]
    assert containers(plugin) == set()
    assert not (platform.home / "releases" / plugin.id / "production" / "1").exists()
