"""Parts of the platform that are down or die: the API goes on answering, and the work is done when they are back."""

import os
import signal
from typing import Any

import pytest

from paas.demo.client import ApiClient
from tests.end_to_end.conftest import Premises
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, page, until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("breakable")]
# Steps at which a worker is killed; together they stand for every part of a deployment.
POINTS = ("ensure_configuration_committed", "ensure_pipeline_finished", "ensure_standby")
PIPELINES = """
import json
from provisioning.embedded_forge.models import Pipeline
attempts = [pair["value"] for pipeline in Pipeline.objects.all() for pair in json.loads(pipeline.variables or "[]")
            if pair["key"] == "BERTH_DEPLOYMENT"]
print("attempts:", *[attempt for attempt in attempts if attempt.split(".")[0] == "{deployment}"])
"""
STATES = """
from provisioning.embedded_forge.models import Pipeline
for pipeline in Pipeline.objects.order_by("pk"):
    if pipeline.project.full_path == {path!r}:
        print(pipeline.status)
"""


@pytest.fixture(scope="module")
def plugins(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> list[Plugin]:
    """Apps in which nothing is live yet."""
    return [Plugin(cast, tmp_path_factory.mktemp(f"plugin-{number}")) for number in range(len(POINTS))]


@pytest.fixture
def plugin(plugins: list[Plugin]) -> Plugin:
    return plugins[0]


def kill(premises: Premises, process: str) -> None:
    pid = int(premises.platform.supervisor("pid", process).strip())
    os.kill(pid, signal.SIGKILL)


def step_of(plugin: Plugin, release: dict[str, Any], name: str) -> dict[str, Any]:
    """The step of the release's newest deployment; one that has not begun, where there is none yet."""
    for deployment in plugin.deployments():
        if deployment["release"] == release["id"]:
            return next((dict(s) for s in deployment["steps"] if s["name"] == name), {"state": "pending"})
    return {"state": "pending"}


def pipelines_of(premises: Premises, deployment: int) -> list[str]:
    """The attempts for which the forge made a pipeline, as the forge has them."""
    printed = premises.platform.manage("shell", "-c", PIPELINES.format(deployment=deployment))
    return printed.partition("attempts: ")[2].split()


def one_is_live(plugin: Plugin, release: dict[str, Any], *, environment: str) -> None:
    """The release is live, alone, and no container of any other is left."""
    releases = plugin.cast.developer.client.get(f"/apps/{plugin.id}/releases/")["results"]
    live = [r["number"] for r in releases if r["state"] == "live" and r["environment"] == environment]
    assert live == [release["number"]]
    expected = 4 if environment == "production" else 2
    names = plugin.containers(running=False, environment=environment)
    assert len(names) == expected, names
    assert all(f"-r{release['number']}-" in name for name in names)


def test_a_worker_killed_in_the_middle_of_deployments_loses_none_and_does_nothing_twice(
    plugins: list[Plugin], breakable: Premises
) -> None:
    asked = []
    for number, (plugin, point) in enumerate(zip(plugins, POINTS, strict=True)):
        plugin.push({"index.php": page(f"after the kill at {point}")})
        asked.append(plugin.ask())
        plugin.approve(asked[number])
        until(
            lambda plugin=plugin, number=number, point=point: (  # type: ignore[misc]
                step_of(plugin, asked[number], point)["state"] in {"running", "waiting", "succeeded"}
            ),
            f"the step {point}",
        )
        kill(breakable, "worker")
    for plugin, release, point in zip(plugins, asked, POINTS, strict=True):
        plugin.settled(release)
        assert plugin.get().text == f"after the kill at {point}"
        one_is_live(plugin, release, environment="production")
        deployments = [d for d in plugin.deployments() if d["release"] == release["id"]]
        assert len(deployments) == 1
        attempts = pipelines_of(breakable, deployments[0]["id"])
        assert attempts == [f"{deployments[0]['id']}.0"], attempts


def test_a_runner_killed_in_the_middle_of_a_pipeline_gets_another_pipeline(plugin: Plugin, breakable: Premises) -> None:
    plugin.push({"index.php": page("after the runner's death")})
    asked = plugin.ask(environment="test")
    plugin.approve(asked)
    until(lambda: step_of(plugin, asked, "ensure_pipeline_finished")["state"] in {"running", "waiting"}, "a pipeline")
    kill(breakable, "runner")
    plugin.settled(asked)
    assert plugin.get(environment="test").text == "after the runner's death"
    one_is_live(plugin, asked, environment="test")


def test_without_redis_releases_are_taken_and_go_live_when_it_is_back(plugin: Plugin, breakable: Premises) -> None:
    breakable.platform.supervisor("stop", "redis")
    plugin.push({"index.php": page("after Redis")})
    answer = plugin.cast.developer.client.post(
        f"/apps/{plugin.id}/releases/", {"environment": "test", "ref": "main", "notes": ""}
    )
    assert answer["state"] in {"submitted", "checking"}
    assert plugin.cast.developer.client.get("/me/")["username"] == plugin.cast.developer.username
    assert plugin.get(environment="test").status_code == 200
    breakable.platform.supervisor("start", "redis")
    asked = plugin.wait(answer["id"], {"awaiting_review"})
    breakable.platform.supervisor("stop", "redis")
    plugin.approve(asked)
    assert plugin.wait(asked["id"], {"approved"})
    breakable.platform.supervisor("start", "redis")
    plugin.settled(asked)
    assert plugin.get(environment="test").text == "after Redis"


def test_without_the_forge_intents_wait_and_are_done_when_it_is_back(
    plugins: list[Plugin], breakable: Premises
) -> None:
    plugin, developer = plugins[1], plugins[1].cast.developer.client
    plugin.push({"index.php": page("after the forge")})
    ready = plugin.ask()
    breakable.forge_relay.stop()
    # A new app, a new release, an approval: each is taken.
    created = developer.post(
        "/apps/",
        {"organization": plugin.cast.organization, "name": "Late", "slug": f"late-{plugin.id}", "stack": "php"},
    )
    assert created["state"] == "provisioning"
    submitted = developer.post(f"/apps/{plugin.id}/releases/", {"environment": "test", "ref": "main", "notes": ""})
    assert submitted["state"] == "submitted"
    assert submitted["commit_sha"] is None
    plugin.approve(ready)
    waiting = until(
        lambda: next((s for s in [step_of(plugin, ready, "ensure_configuration_committed")] if s.get("error")), None),
        "the step that says what it waits for",
    )
    assert "forge" in waiting["error"]
    token = plugin.cast.developer.ask("POST", "/me/git-token/")
    assert token.status_code == 503, token.text
    assert token.json()["code"]
    breakable.forge_relay.start()
    plugin.live(ready)
    assert plugin.get().text == "after the forge"
    assert plugin.wait(submitted["id"], {"awaiting_review"})["commit_sha"] == ready["commit_sha"]
    developer.wait_for(f"/apps/{created['id']}/", states={"active"}, bad={"failed"}, timeout_s=120)


def test_without_the_edge_a_deployment_waits_and_completes_when_it_is_back(plugin: Plugin, breakable: Premises) -> None:
    plugin.push({"index.php": page("after the edge")})
    asked = plugin.ask(environment="test")
    breakable.platform.supervisor("stop", "edge")
    plugin.approve(asked)
    waits = until(
        lambda: next((s for s in [step_of(plugin, asked, "ensure_edge_switched")] if s.get("error")), None),
        "the step that says what it waits for",
    )
    assert "the edge nginx" in waits["error"]
    assert "does not run: start it" in waits["error"]
    breakable.platform.supervisor("start", "edge")
    plugin.settled(asked)
    assert plugin.get(environment="test").text == "after the edge"
    one_is_live(plugin, asked, environment="test")


def test_without_the_engine_a_deployment_waits_and_completes_when_it_is_back(
    plugin: Plugin, breakable: Premises
) -> None:
    plugin.push({"index.php": page("after the engine")})
    asked = plugin.ask(environment="test")
    before = plugin.get(environment="test").text
    breakable.engine_relay.stop()
    plugin.approve(asked)
    until(
        lambda: any("Docker Engine" in step["error"] for step in plugin.deployments()[0]["steps"]),
        "the step that says what it waits for",
    )
    assert plugin.get(environment="test").text == before
    logs = plugin.cast.developer.ask("GET", f"/apps/{plugin.id}/environments/test/logs/")
    assert logs.status_code == 503
    assert "Docker Engine" in logs.json()["detail"]
    breakable.engine_relay.start()
    plugin.settled(asked)
    assert plugin.get(environment="test").text == "after the engine"
    one_is_live(plugin, asked, environment="test")


def test_a_pipeline_whose_app_is_retired_meanwhile_starts_nothing_any_more(
    plugins: list[Plugin], breakable: Premises
) -> None:
    plugin = plugins[2]
    plugin.push({"index.php": page("not wanted any more")})
    asked = plugin.ask(environment="test")
    breakable.platform.supervisor("stop", "runner")
    plugin.approve(asked)
    until(lambda: step_of(plugin, asked, "ensure_pipeline_finished")["state"] != "pending", "a pipeline")
    assert plugin.cast.developer.ask("DELETE", f"/apps/{plugin.id}/").ok
    plugin.cast.developer.client.wait_for(f"/apps/{plugin.id}/", states={"retired"}, bad={"failed"}, timeout_s=120)
    assert plugin.deployment(asked)["state"] == "cancelled"
    breakable.platform.supervisor("start", "runner")
    # The runner takes jobs in their order: once it has done a later one, it would have done this one.
    other = plugins[0]
    later = other.ask(environment="test")
    other.approve(later)
    other.live(later)
    assert plugin.containers(running=False) == []
    printed = breakable.platform.manage("shell", "-c", STATES.format(path=f"berth-management/{plugin.id}"))
    assert printed.split()[-1] == "canceled"


def test_the_health_page_names_the_part_that_is_down(cast: Cast, breakable: Premises) -> None:
    client = ApiClient(breakable.platform.api)
    assert client.get("/health/")["status"] == "ok"
    breakable.platform.supervisor("stop", "redis")
    found = client.call("GET", "/health/", ok=(503,))
    assert found["status"] != "ok"
    breakable.platform.supervisor("start", "redis")
    until(lambda: client.call("GET", "/health/", ok=(503,))["status"] == "ok", "all is well")
