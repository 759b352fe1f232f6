"""E6: a plugin that answers its health check without end. Who asks is not held; http.client alone would be."""

import http.client
import threading

import pytest

from provisioning.edge.probes import probe
from tests.provisioning.containers.stage import Stage

pytestmark = pytest.mark.docker
# More than nginx buffers, so that it passes it on as it comes.
ENDLESS = """<?php
if (isset($_GET['drip'])) { http_response_code(100);
    $again = str_repeat("HTTP/1.1 100 Continue\\r\\n\\r\\n", 8000);
    while (!connection_aborted()) { echo $again; flush(); usleep(100000); }
}
echo 'fine';"""


def test_e6_an_answer_without_end_holds_nobody_who_asks_for_health(stage: Stage) -> None:
    stage.write("index.php", ENDLESS)
    stage.started()

    def ask(path: str) -> tuple[str, bool]:
        return probe(address="127.0.0.1", port=stage.port, hostname="plugin.localhost", path=path, timeout_s=2)

    assert ask("/") == ("200 OK", True)
    assert ask("/?drip") == ("100 Continue", False)
    # The control: a client that waits for the answer after `100 Continue` still waits when ours has long decided.
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=2)
    connection.request("GET", "/?drip")
    waiting = threading.Thread(target=_answer_of, args=(connection,))
    waiting.start()
    waiting.join(3)
    assert waiting.is_alive()
    stage.engine.stop([stage.app, stage.web], timeout_s=0)
    waiting.join(20)
    assert not waiting.is_alive()


def _answer_of(connection: http.client.HTTPConnection) -> None:
    try:
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()
