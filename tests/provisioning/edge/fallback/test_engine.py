"""The Docker Engine is stopped: plugins still answer, and their containers do again when it is back."""

from collections.abc import Iterator

import pytest

from tests.provisioning.edge.fallback.engine import PrivateEngine, private_engine
from tests.provisioning.edge.fallback.stage import Machine, until

pytestmark = pytest.mark.docker


@pytest.fixture
def engine() -> Iterator[PrivateEngine]:
    with private_engine() as running:
        yield running


def test_while_the_engine_is_stopped_the_host_answers_and_no_get_fails(machine: Machine, engine: PrivateEngine) -> None:
    php = machine.plugin(1, {"index.php": "<?php echo 'php on the host';"})
    static = machine.plugin(2, {"index.html": "static on the host"}, stack="static")
    php.served(live=engine.web_server("php in a container"))
    static.served(live=engine.web_server("static in a container"))
    assert [plugin.get().body for plugin in (php, static)] == ["php in a container", "static in a container"]
    engine.stop()
    for _ in range(20):
        for plugin, text in ((php, "php on the host"), (static, "static on the host")):
            answer = plugin.get()
            assert (answer.status, answer.body) == (200, text)
    engine.start()
    until(lambda: php.get().body == "php in a container", "the container again", timeout_s=60)
    until(lambda: static.get().body == "static in a container", "the container again", timeout_s=60)
