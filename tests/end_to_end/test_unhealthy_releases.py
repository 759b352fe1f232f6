"""A plugin that does not come up: the deployment fails and says why, and the old release serves all the time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from paas.demo.load import Load
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, errors_of, page
from tests.end_to_end.running import RunningPlatform

pytestmark = pytest.mark.docker
# What each does when it is asked for its health.
BROKEN = {
    "returns_500": "<?php error_log('the last words of this plugin'); http_response_code(500);",
    "hangs": "<?php error_log('the last words of this plugin'); sleep(25);",
    "crashes": "<?php error_log('the last words of this plugin'); function f() { array_map('f', [1]); } f();",
    "eats_memory": "<?php error_log('the last words of this plugin');"
    "$part = str_repeat('x', 1 << 20); while (true) { file_put_contents('/tmp/eaten', $part, FILE_APPEND); }",
}


@dataclass
class Attempt:
    plugin: Plugin
    deployment: dict[str, Any]
    failures: list[str]
    requests: int


@pytest.fixture(scope="module")
def attempts(
    cast: Cast, platform: RunningPlatform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Attempt]]:
    """Each kind of trouble in an app of its own, all at the same time, each with visitors on the release before."""

    def attempt(kind: str) -> Attempt:
        plugin = Plugin(cast, tmp_path_factory.mktemp(kind))
        if kind == "eats_memory":
            limits = {"memory_mib": 48, "disk_mib": 512}
            cast.developer.ask("PATCH", f"/apps/{plugin.id}/environments/production/", limits).raise_for_status()
        plugin.settled(plugin.release({"index.php": page("the old release")}))
        plugin.push({"index.php": BROKEN[kind]})
        asked = plugin.ask()
        with Load(platform.edge, plugin.hostname(), clients=1) as load:
            plugin.approve(asked)
            deployment = plugin.failed(asked)
        return Attempt(plugin, deployment, load.failures, load.sent)

    with ThreadPoolExecutor(len(BROKEN)) as pool:
        yield dict(zip(BROKEN, pool.map(attempt, BROKEN), strict=True))


@pytest.mark.parametrize("kind", BROKEN)
def test_the_deployment_fails_at_the_health_check_with_the_containers_last_words(
    attempts: dict[str, Attempt], kind: str
) -> None:
    deployment = attempts[kind].deployment
    states = {step["name"]: step["state"] for step in deployment["steps"]}
    assert states["ensure_pipeline_finished"] == "succeeded"
    assert states["ensure_healthy"] == "failed"
    assert states["ensure_edge_switched"] == "not_reached"
    assert deployment["error_code"] == "release_unhealthy"
    assert "the developer must make the plugin answer 2xx or 3xx" in deployment["error"]
    assert "the last words of this plugin" in deployment["error"]
    assert next(s for s in deployment["steps"] if s["name"] == "ensure_healthy")["error"] == deployment["error"]


def test_the_error_says_what_the_plugin_answered(attempts: dict[str, Attempt]) -> None:
    assert "500 Internal Server Error" in attempts["returns_500"].deployment["error"]
    assert "no answer within 10 s" in attempts["hangs"].deployment["error"]
    assert "SIGSEGV" in attempts["crashes"].deployment["error"]


def test_a_plugin_that_eats_its_memory_is_told_so(attempts: dict[str, Attempt]) -> None:
    assert "memory" in attempts["eats_memory"].deployment["error"]


@pytest.mark.parametrize("kind", BROKEN)
def test_the_old_release_serves_all_the_time_and_afterwards(attempts: dict[str, Attempt], kind: str) -> None:
    attempt = attempts[kind]
    assert attempt.requests > 100
    assert attempt.failures == []
    plugin = attempt.plugin
    assert plugin.get().text == "the old release"
    production = plugin.cast.developer.client.get(f"/apps/{plugin.id}/")["environments"]
    assert [e["current_release"]["number"] for e in production if e["name"] == "production"] == [1]
    assert all("-r1-" in name for name in plugin.containers(running=False))
    assert len(plugin.containers(running=False)) == 4


def test_a_release_that_never_was_live_is_nothing_to_go_back_to(attempts: dict[str, Attempt]) -> None:
    plugin = attempts["returns_500"].plugin
    never_live = plugin.rollback(2)
    assert never_live.status_code == 400
    assert "release 2 was never live" in errors_of(never_live)
    assert "has no release 99" in errors_of(plugin.rollback(99))
    assert plugin.rollback(1).status_code == 409
    nothing = plugin.rollback()
    assert nothing.status_code == 409
    assert "nothing to go back to" in errors_of(nothing)
    assert plugin.deployments()[0]["release_number"] == 2


def test_a_mended_plugin_goes_live_after_a_failed_one_and_back_to_any_that_was(attempts: dict[str, Attempt]) -> None:
    plugin = attempts["crashes"].plugin
    third = plugin.release({"index.php": page("mended")})
    assert plugin.get().text == "mended"
    # Its standby is not up yet, the old containers have not gone.
    while_busy = plugin.rollback(1)
    assert while_busy.status_code == 409
    assert "is under way in production: wait" in errors_of(while_busy)
    plugin.settled(third)
    answer = plugin.rollback()
    assert answer.status_code == 201
    back = answer.json()
    assert (back["release_number"], back["is_rollback"]) == (1, True)
    first = plugin.settled({"id": back["release"], "number": 1})
    assert plugin.get().text == "the old release"
    assert first["number"] == 1
    assert plugin.wait(third["id"], {"rolled_back"})
    forward = plugin.rollback(third["number"])
    assert forward.status_code == 201
    plugin.live(third)
    assert plugin.get().text == "mended"
