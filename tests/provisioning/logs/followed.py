"""Shared by the tests of following."""

import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from tests.factories import make_token
from tests.provisioning.logs.conftest import Plugin, wait_until

MAX_FOLLOWS = 3


class Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))  # noqa: PTH208

    def engine_connections(self) -> int:
        """How many of the engine's connections have this process at their other end."""
        shown = subprocess.run(["ss", "-xpH"], capture_output=True, text=True, check=True).stdout
        own = {line.split()[5] for line in shown.splitlines() if f"pid={self.process.pid}," in line}
        engines = {line.split()[7] for line in shown.splitlines() if "docker.sock" in line}
        return len(own & engines)


@pytest.fixture
def server(plugin: Plugin, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A web server; its parameter is after how many seconds a stream looks for itself whether its reader still may."""
    listener = socket.create_server(("127.0.0.1", 0))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "paas.settings.test",
        "BERTH_INSTALLATION": plugin.installation,
        "BERTH_TEST_DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "BERTH_LOG_FOLLOWS_PER_USER": str(MAX_FOLLOWS),
        "BERTH_LOG_RECHECK_INTERVAL_S": str(getattr(request, "param", 1)),
    }
    command = [sys.executable, "-m", "uvicorn", "tests.provisioning.logs.asgi:application", "--fd",
               str(listener.fileno()), "--log-level", "warning"]  # fmt: skip
    process = subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()], cwd=Path(__file__).parents[3])
    port = listener.getsockname()[1]
    listener.close()
    running = Server(process, port)
    try:
        wait_until(lambda: answers(port), "the web server answers")
        yield running
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        with get(port, "/api/v1/me/") as response:
            return response.status == 401
    except OSError:
        return False


@contextmanager
def get(port: int, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        client.request("GET", path, headers=headers)
        yield client.getresponse()
    finally:
        client.close()


class Reader:
    """One client of the stream, in a thread of the test's own."""

    def __init__(self, server: Server, plugin: Plugin, token: str, *, last_id: str = "", **params: Any) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self._client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._client.request("GET", f"{plugin.url}?{urlencode({'follow': 'true', **params})}", headers=headers)
        self._socket = self._client.sock
        self.response = self._client.getresponse()
        self.last_id = last_id
        self._events: queue.Queue[dict[str, str]] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        if self.response.status == 200:
            self._thread.start()

    def _read(self) -> None:
        event: dict[str, str] = {}
        try:
            while line := self.response.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif "data" in event:
                    self._events.put(event)
                    event = {}
                else:
                    event = {}
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass
        self._events.put({"closed": ""})

    def event(self) -> dict[str, str]:
        event = self._events.get(timeout=20)
        self.last_id = event.get("id", self.last_id)
        return event

    def line(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.event()["data"])
        return found

    def texts(self, count: int) -> list[str]:
        return [self.line()["line"] for _ in range(count)]

    def has_nothing_more(self, plugin: Plugin, name: str) -> bool:
        """Whether the next line is one that is said now."""
        mark = f"mark {uuid.uuid4().hex}"
        plugin.say(name, f"{mark}\n")
        return bool(self.line()["line"] == mark)

    def drop(self) -> None:
        """As a browser that is closed."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._client.close()


@pytest.fixture
def token(plugin: Plugin) -> str:
    return make_token(plugin.owner)


FOREVER = "sleep 1000"
