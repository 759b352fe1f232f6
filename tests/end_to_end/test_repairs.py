"""What dies of a live release is started again, nobody notices, and the timeline says so."""

from collections.abc import Callable

import pytest

from paas.demo.load import Load
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, docker, page, until

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def plugin(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    plugin = Plugin(cast, tmp_path_factory.mktemp("plugin"))
    plugin.settled(plugin.release({"index.php": page("always there")}))
    return plugin


def kill(name: str) -> None:
    docker("kill", name)


def remove(name: str) -> None:
    docker("rm", "--force", name)


# The standby comes first: for some seconds after the live one failed, the edge sends it nothing.
@pytest.mark.parametrize("way", [kill, remove])
@pytest.mark.parametrize(("role", "part"), [("standby", "web"), ("live", "web"), ("live", "app")])
def test_a_container_that_dies_is_back_and_no_get_fails(
    plugin: Plugin, way: Callable[[str], None], role: str, part: str
) -> None:
    before = plugin.timeline("workload.repaired")
    (name,) = plugin.containers(role=role, part=part, environment="production")
    with Load(plugin.cast.platform.edge, plugin.hostname(), clients=2) as load:
        until(lambda: load.get_sent > 20, "requests")
        way(name)
        until(lambda: len(plugin.timeline("workload.repaired")) > len(before), f"{name} started again")
        seen = load.get_sent
        until(lambda: load.get_sent > seen + 20, "requests afterwards")
    assert load.get_failed == 0, load.failures
    # A POST goes to nobody else once a server has seen it: one may fail for each client at the moment of the kill, and
    # one each time that the edge looks whether the server is back.
    assert load.post_failed <= 4 * load.clients, load.failures
    assert len(plugin.containers(environment="production")) == 4
    event = plugin.timeline("workload.repaired")[0]
    assert name in event["message"]
    assert "started again in" in event["message"]
    assert (event["environment"], event["release"], event["actor"]) == ("production", 1, None)
    assert event["data"] == {"role": role, "containers": {name: "exited" if way is kill else "missing"}}


def test_both_die_at_once_and_both_are_back(plugin: Plugin) -> None:
    names = plugin.containers(environment="production")
    docker("rm", "--force", *names)
    until(lambda: len(plugin.containers(environment="production")) == 4, "all four containers")
    until(lambda: plugin.get().status_code == 200, "the page")
    assert plugin.get().text == "always there"
