"""A plugin that is live is reached over HTTPS as well, under its zone's certificate, on the platform as it comes up."""

import http.client
import json
import socket
import ssl
from pathlib import Path

import pytest

from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin
from tests.end_to_end.running import tls_port

pytestmark = pytest.mark.docker

WHAT_IT_SEES = "<?php echo json_encode([$_SERVER['HTTP_HOST'], $_SERVER['HTTP_X_FORWARDED_PROTO']]);"


def test_a_live_plugin_answers_over_https_in_both_environments(cast: Cast, tmp_path: Path) -> None:
    plugin = Plugin(cast, tmp_path)
    # Whoever trusts that certificate alone: names, dates and signature are looked at.
    trusting = ssl.create_default_context(cafile=str(cast.platform.home / "self-signed" / "apps.localhost.pem"))
    for environment in ("test", "production"):
        plugin.release({"index.php": WHAT_IT_SEES}, environment=environment)
        hostname = plugin.hostname(environment)
        with trusting.wrap_socket(
            socket.create_connection(("127.0.0.1", int(tls_port())), timeout=10), server_hostname=hostname
        ) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {hostname}\r\nConnection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert (answer.status, json.loads(answer.read())) == (200, [hostname, "https"])
        assert plugin.get(environment=environment).json() == [hostname, "http"]
