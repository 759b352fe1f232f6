"""From a push to a page: what goes live, and what is refused on the way with which words."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from paas.demo.client import through_edge
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, errors_of, page
from tests.end_to_end.running import RunningPlatform

pytestmark = pytest.mark.docker
# All that a compose file, a shell, a YAML parser or a php-fpm pool could take for something of its own.
AWKWARD = {
    "DOLLAR": "$ $$ ${PATH} $PATH ${BERTH_CODE_TOKEN:-x} $(id) `id`",
    "QUOTED": 'it\'s "quoted" \\ and # not a comment; %40 {{ a }} : - !!python/object',
    "SPACED": "  two before, two after  ",
    "UNICODE": "Grüße, 世界 🚢",
    "LINES": "first\nsecond\r\n\tthird",
    "NOTHING": "",
}
# Base64, since a variable may hold what no HTML or JSON would carry as it is.
SHOW_VARIABLES = """<?php
foreach (getenv() as $name => $value) { $all[$name] = base64_encode($value); }
echo json_encode($all);
"""


@pytest.fixture(scope="module")
def plugin(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    return Plugin(cast, tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def other(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """Another app, whose repository stays empty until a test needs it."""
    return Plugin(cast, tmp_path_factory.mktemp("other"))


def variables_of(plugin: Plugin, environment: str) -> dict[str, bytes]:
    return {name: base64.b64decode(value) for name, value in plugin.get(environment=environment).json().items()}


# ---------------------------------------------------------------- what goes live


def test_test_and_production_serve_different_commits_side_by_side(plugin: Plugin) -> None:
    first = plugin.release({"index.php": page("in production")})
    second = plugin.release({"index.php": page("in test")}, environment="test")
    assert (first["number"], second["number"]) == (1, 2)
    assert plugin.get().text == "in production"
    assert plugin.get(environment="test").text == "in test"
    shown = plugin.cast.developer.client.get(f"/apps/{plugin.id}/")
    assert {e["name"]: e["current_release"]["number"] for e in shown["environments"]} == {"production": 1, "test": 2}
    # Only production has a standby.
    plugin.settled(first)
    assert len(plugin.containers(environment="production")) == 4
    assert len(plugin.containers(environment="test")) == 2


def test_a_hostname_that_nobody_has_gets_404_and_nothing_of_anyone(plugin: Plugin) -> None:
    for hostname in ("nobody.apps.localhost", "apps.localhost", "127.0.0.1", f"x.{plugin.hostname()}"):
        answer = through_edge(plugin.cast.platform.edge, hostname)
        assert answer.status_code == 404
        assert "in production" not in answer.text


def test_a_plugin_gets_its_own_variables_to_the_letter_and_nobody_elses(plugin: Plugin, other: Plugin) -> None:
    for name, value in AWKWARD.items():
        plugin.set_variable(name, value, environment="test")
    plugin.set_variable("ONLY_PRODUCTION", "x" * 20)
    other.set_variable("ONLY_THE_OTHER", "y" * 20, environment="test")
    plugin.release({"index.php": SHOW_VARIABLES}, environment="test")
    found = variables_of(plugin, "test")
    assert {name: found.get(name, b"missing").decode() for name in AWKWARD} == AWKWARD
    assert not {"ONLY_PRODUCTION", "ONLY_THE_OTHER"} & set(found)
    assert not [name for name in found if name.startswith(("BERTH", "FORGE", "DJANGO", "COMPOSE", "DOCKER", "CI_"))]


def test_a_static_plugin_goes_live(cast: Cast, tmp_path: Path) -> None:
    static = Plugin(cast, tmp_path, stack="static")
    release = static.release({"index.html": "<h1>static</h1>", "a/b.css": "b{}", "index.php": "<?php echo 'source';"})
    assert static.get().text == "<h1>static</h1>"
    assert static.get("/a/b.css").headers["Content-Type"].startswith("text/css")
    assert static.get("/index.php").status_code == 404
    static.settled(release)
    assert static.containers(part="app") == []
    assert len(static.containers(part="web")) == 2


def test_the_first_apps_of_an_organization_may_be_made_at_the_same_time(cast: Cast) -> None:
    stranger = cast.stranger.client
    body = {"organization": cast.other_organization, "name": "One of several", "stack": "static"}
    made = [stranger.post("/apps/", body | {"slug": f"several-{number}"}) for number in range(4)]
    for app in made:
        stranger.wait_for(f"/apps/{app['id']}/", states={"active"}, bad={"failed"}, timeout_s=120)


# ---------------------------------------------------------------- what is refused before a review


def test_an_empty_repository_is_told_as_such(other: Plugin) -> None:
    release = other.submit()
    assert release["state"] == "failed"
    assert "no branch, tag or commit main: push it" in release["error"]
    assert release["commit_sha"] is None


@pytest.mark.parametrize("ref", ["no-such-branch", "refs/tags/v9", "1" * 40, "abcdef1"])
def test_a_ref_that_is_not_there_is_told_as_such(plugin: Plugin, ref: str) -> None:
    release = plugin.submit(ref)
    assert release["state"] == "failed"
    assert f"no branch, tag or commit {ref}: push it" in release["error"]


@pytest.mark.parametrize(
    "ref", ["", "-x", "--output=/x", "a..b", "main@{1}", "main^{tree}", "main:index.php", "a b", "a\nb"]
)
def test_a_ref_that_would_be_something_else_to_git_is_a_400_that_names_the_field(plugin: Plugin, ref: str) -> None:
    before = plugin.cast.developer.client.get(f"/apps/{plugin.id}/releases/")["results"]
    answer = plugin.cast.developer.ask(
        "POST", f"/apps/{plugin.id}/releases/", {"environment": "test", "ref": ref, "notes": ""}
    )
    assert answer.status_code == 400
    assert "ref" in answer.json()["errors"][0]["field"], answer.text
    assert plugin.cast.developer.client.get(f"/apps/{plugin.id}/releases/")["results"] == before


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "a/../../x"])
def test_a_link_that_leaves_the_tree_is_refused_by_name(other: Plugin, target: str) -> None:
    other.git.run("checkout", "--quiet", "--orphan", f"links-{len(target)}")
    link = other.git.directory / "leak.php"
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    other.push({"index.php": page("x")}, ref="links", force=True)
    release = other.submit("links")
    link.unlink()
    assert release["state"] == "failed"
    assert "leak.php is a link that leaves the tree" in release["error"]


def test_a_link_inside_the_tree_is_fine_and_followed(other: Plugin) -> None:
    (other.git.directory / "index.php").unlink(missing_ok=True)
    (other.git.directory / "index.php").symlink_to("real/page.php")
    other.push({"real/page.php": page("through a link")}, ref="inside")
    asked = other.ask("inside", environment="test")
    other.approve(asked)
    other.live(asked)
    assert other.get(environment="test").text == "through a link"


def test_a_submodule_is_refused_by_name(other: Plugin) -> None:
    other.git.run("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib")
    other.git.run("commit", "--quiet", "--message", "A submodule")
    other.git.run("push", "--quiet", "origin", "HEAD:refs/heads/submodule")
    release = other.submit("submodule")
    assert release["state"] == "failed"
    assert "vendor/lib is a nested submodule: put its files into the repository itself" in release["error"]


def test_more_files_than_allowed_are_refused_with_the_limit(other: Plugin) -> None:
    other.git.run("checkout", "--quiet", "--orphan", "many")
    other.push({f"file-{number}.txt": "x" for number in range(60)}, ref="many")
    release = other.submit("many")
    assert release["state"] == "failed"
    assert "the commit has more than 40 files" in release["error"]


# ---------------------------------------------------------------- what was reviewed is what runs


def test_the_commit_that_was_approved_runs_though_the_branch_was_forced_elsewhere(plugin: Plugin) -> None:
    approved = plugin.push({"index.php": page("as reviewed")}, ref="work")
    asked = plugin.ask("work", environment="test")
    assert asked["commit_sha"] == approved
    plugin.git.run("reset", "--quiet", "--hard", "HEAD~1")
    assert plugin.push({"index.php": page("pushed after the review")}, ref="work", force=True) != approved
    plugin.approve(asked)
    assert plugin.live(asked)["commit_sha"] == approved
    assert plugin.get(environment="test").text == "as reviewed"


def test_a_commit_that_is_gone_from_the_repository_fails_the_release_and_says_what_to_do(
    plugin: Plugin, platform: RunningPlatform
) -> None:
    gone = plugin.push({"index.php": page("soon gone")}, ref="passing")
    asked = plugin.ask("passing", environment="test")
    plugin.git.run("push", "--quiet", "origin", ":refs/heads/passing")
    (bare,) = [
        path
        for path in (platform.home / "repositories").rglob("*.git")
        if subprocess.run(["git", "-C", path, "cat-file", "-e", gone], capture_output=True, check=False).returncode == 0
    ]
    for words in (["reflog", "expire", "--expire=now", "--all"], ["gc", "--quiet", "--prune=now"]):
        subprocess.run(["git", "-C", bare, *words], check=True, capture_output=True)
    before = plugin.get(environment="test").text
    plugin.approve(asked)
    deployment = plugin.failed(asked)
    assert (
        f"commit {gone} is gone from the code repository: push it again or request another release"
        in deployment["error"]
    )
    assert plugin.get(environment="test").text == before
    assert "no branch, tag or commit" in plugin.submit(gone)["error"]


def test_the_variables_that_were_approved_run_though_one_was_changed_since(plugin: Plugin) -> None:
    plugin.set_variable("GREETING", "as approved", environment="test")
    plugin.push({"index.php": "<?php echo getenv('GREETING');"})
    asked = plugin.ask(environment="test")
    plugin.set_variable("GREETING", "another value", environment="test")
    plugin.approve(asked)
    plugin.live(asked)
    assert plugin.get(environment="test").text == "as approved"
    again = plugin.ask(environment="test")
    assert again["digest"] != asked["digest"]
    diff = plugin.cast.reviewer.client.get(f"/releases/{again['id']}/diff/")
    assert [change["name"] for change in diff["variables"]] == ["GREETING"]
    assert "another value" not in json.dumps(diff)
    assert "as approved" not in json.dumps(diff)


# ---------------------------------------------------------------- who decides


def test_nobody_approves_his_own_release_nor_one_of_his_organization(plugin: Plugin) -> None:
    # The same commit waits once only, and an earlier test has left one.
    plugin.push({"index.php": page("by a member")})
    asked = plugin.ask(environment="test")
    for person in (plugin.cast.developer, plugin.cast.colleague):
        answer = person.ask("POST", f"/releases/{asked['id']}/approve/", {"digest": asked["digest"], "comment": ""})
        assert answer.status_code == 403, answer.text
        assert errors_of(answer)
    assert plugin.wait(asked["id"], {"awaiting_review"})["reviews"] == []


def test_another_digest_is_refused_and_one_decision_is_the_last(plugin: Plugin) -> None:
    reviewer = plugin.cast.reviewer
    plugin.push({"index.php": page("decided on once")})
    asked = plugin.ask(environment="test")
    path = f"/releases/{asked['id']}"
    wrong = reviewer.ask("POST", f"{path}/approve/", {"digest": "0" * 64, "comment": ""})
    assert wrong.status_code == 409
    assert "read the release again" in errors_of(wrong)
    decision = {"digest": asked["digest"], "comment": "Not like this."}
    assert reviewer.ask("POST", f"{path}/reject/", decision).status_code == 200
    for verb in ("approve", "reject"):
        again = reviewer.ask("POST", f"{path}/{verb}/", decision)
        assert again.status_code == 409
        assert f"{reviewer.username} rejected it" in errors_of(again)
    assert plugin.wait(asked["id"], {"rejected"})["reviews"][0]["comment"] == "Not like this."
    assert all(d["release"] != asked["id"] for d in plugin.deployments())


def test_a_stranger_sees_nothing_of_it(plugin: Plugin) -> None:
    release = plugin.cast.developer.client.get(f"/apps/{plugin.id}/releases/")["results"][0]
    deployment = plugin.deployments()[0]
    app = f"/apps/{plugin.id}"
    for path in (
        *(f"{app}/", f"{app}/releases/", f"{app}/deployments/", f"{app}/timeline/", f"{app}/environments/test/"),
        *(f"{app}/environments/test/logs/", f"/releases/{release['id']}/", f"/releases/{release['id']}/diff/"),
        *(f"/deployments/{deployment['id']}/", "/hosts/"),
    ):
        assert plugin.cast.stranger.ask("GET", path).status_code == 404, path
