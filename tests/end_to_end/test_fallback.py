"""An environment that falls back to the host answers without a Docker Engine, and comes back to its containers."""

import socket
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Premises
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, docker, until

pytestmark = pytest.mark.docker

# Containers have names of their own.
WHERE = "<?php echo getenv('GREETING'), ' from ', gethostname(), ' ', %r;"
ON_HOST = f"hello from {socket.gethostname()} "


def fall_back(plugin: Plugin, fallback: str) -> None:
    path = f"/apps/{plugin.id}/environments/production/fallback/"
    plugin.cast.operator.client.call("PUT", path, {"fallback": fallback})


def roots(plugin: Plugin) -> list[Path]:
    return list((plugin.cast.platform.home / "fallback" / "roots").glob(f"{plugin.id}-*"))


@pytest.fixture(scope="module")
def php(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    plugin = Plugin(cast, tmp_path_factory.mktemp("php"))
    plugin.set_variable("GREETING", "hello")
    fall_back(plugin, "host")
    plugin.settled(plugin.release({"index.php": WHERE % "one"}))
    return plugin


@pytest.fixture(scope="module")
def static(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    plugin = Plugin(cast, tmp_path_factory.mktemp("static"), stack="static")
    fall_back(plugin, "host")
    plugin.settled(plugin.release({"index.html": "a page"}))
    return plugin


@pytest.fixture
def without_engine(breakable: Premises, php: Plugin, static: Plugin) -> Premises:
    """The engine does not answer, and the plugins' containers are dead, as they are when it is stopped."""
    breakable.engine_relay.stop()
    docker("kill", *php.containers(), *static.containers())
    return breakable


def test_the_host_takes_the_place_of_standby_containers(php: Plugin, static: Plugin) -> None:
    assert len(php.containers()) == 2
    assert php.containers(role="standby") == static.containers(role="standby") == []
    assert php.get().text.startswith("hello from ")
    assert not php.get().text.startswith(ON_HOST)
    steps = {step["name"]: step for step in php.deployments()[0]["steps"]}
    assert "serves the release without containers" in steps["ensure_fallback"]["output"]


def test_without_an_engine_both_answer_and_come_back_to_their_containers(
    without_engine: Premises, php: Plugin, static: Plugin
) -> None:
    for _ in range(5):
        assert (php.get().status_code, php.get().text) == (200, ON_HOST + "one")
        assert (static.get().status_code, static.get().text) == (200, "a page")
    assert php.containers() == []
    without_engine.engine_relay.start()
    until(lambda: php.containers() and static.containers(), "containers started again")
    until(lambda: not php.get().text.startswith(ON_HOST), "the plugin in its container")
    assert php.get().text.endswith("one")


def test_a_new_release_and_a_rollback_move_the_fallback(breakable: Premises, php: Plugin, static: Plugin) -> None:
    until(lambda: php.containers(part="app"), "the container")
    php.settled(php.release({"index.php": WHERE % "two"}))
    (root,) = roots(php)
    docker("kill", *php.containers())
    until(lambda: php.get().text in {ON_HOST + "two"} or "two" in php.get().text, "release 2")
    assert "two" in (root / "app" / "index.php").read_text()
    assert php.rollback(1).status_code == 201
    until(lambda: [d["state"] for d in php.deployments()[:1]] == ["succeeded"], "rolled back")
    (root,) = roots(php)
    assert "one" in (root / "app" / "index.php").read_text()


def test_turned_off_nothing_of_it_stays_and_standbys_come_with_the_next_release(php: Plugin, static: Plugin) -> None:
    (before,) = roots(php)
    fall_back(php, "standby")
    until(lambda: not roots(php), "the host forgets the release")
    assert str(before) not in Path("/proc/self/mountinfo").read_text()
    assert [event["release"] for event in php.timeline("fallback.withdrawn")] == [1]
    assert php.get().status_code == 200
    php.settled(php.release({"index.php": WHERE % "three"}))
    assert len(php.containers(role="standby")) == 2
    # The other app's is its own matter.
    assert len(roots(static)) == 1


def test_a_retired_app_leaves_nothing_on_the_host(cast: Cast, static: Plugin) -> None:
    cast.developer.client.call("DELETE", f"/apps/{static.id}/")
    cast.developer.client.wait_for(f"/apps/{static.id}/", states={"retired"}, bad={"failed"}, timeout_s=120)
    assert roots(static) == []
    sites = (cast.platform.home / "edge" / "sites").glob("*.conf")
    assert [site.name for site in sites if static.id in site.name] == []
