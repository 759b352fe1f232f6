"""`follow=true` as a browser or a script uses it: a real uvicorn, real containers, one connection each."""

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

import docker
import pytest
from django.db import connection

from provisioning.models import Host
from tenants.models import ApiToken, User
from tenants.people.services import memberships, service_accounts, tokens
from tenants.people.services import users as people
from tenants.policies.services import grants
from tests.factories import make_member, make_operator, make_service_account, make_token, make_user
from tests.provisioning.logs.conftest import Plugin, live_release, wait_until

pytestmark = pytest.mark.docker

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
        wait_until(lambda: _answers(port), "the web server answers")
        yield running
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with _get(port, "/api/v1/me/") as response:
            return response.status == 401
    except OSError:
        return False


@contextmanager
def _get(port: int, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
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


def test_what_is_there_comes_first_and_then_what_is_said(server: Server, plugin: Plugin, token: str) -> None:
    name = plugin.run(f"for i in $(seq 5); do echo $i; done; {FOREVER}")
    wait_until(lambda: b"5" in plugin.engine.containers.get(name).logs(), "the container speaks")
    reader = Reader(server, plugin, token, tail=3)
    assert reader.response.getheader("Content-Type") == "text/event-stream"
    assert reader.texts(3) == ["3", "4", "5"]
    plugin.say(name, "live\n")
    line = reader.line()
    assert (line["line"], line["container"], line["release"]) == ("live", name, plugin.release.number)
    reader.drop()


def test_resume_loses_nothing_and_doubles_nothing(server: Server, plugin: Plugin, token: str) -> None:
    one, two = plugin.run(FOREVER, part="web"), plugin.run(FOREVER)
    reader = Reader(server, plugin, token)
    seen = []
    for round_number in range(6):
        # Both containers speak while nobody listens, and while somebody does.
        for name in (one, two):
            plugin.say(name, "".join(f"{name} {round_number} {i}\n" for i in range(50)))
        # A client goes at any line, and comes back with the last id that it saw.
        seen += reader.texts(37)
        reader.drop()
        for name in (one, two):
            plugin.say(name, f"{name} {round_number} unheard\n")
        reader = Reader(server, plugin, token, last_id=reader.last_id)
    expected = [
        f"{name} {round_number} {what}"
        for name in (one, two)
        for round_number in range(6)
        for what in [*map(str, range(50)), "unheard"]
    ]
    seen += reader.texts(len(expected) - len(seen))
    assert sorted(seen) == sorted(expected)
    for name in (one, two):
        assert [text for text in seen if text.startswith(name)] == [t for t in expected if t.startswith(name)]
    assert reader.has_nothing_more(plugin, two)
    reader.drop()


def test_container_that_starts_again_is_read_on(server: Server, plugin: Plugin, token: str) -> None:
    name = plugin.run("echo hello; sleep 1000")
    reader = Reader(server, plugin, token)
    assert reader.texts(1) == ["hello"]
    for _ in range(3):
        plugin.engine.containers.get(name).restart(timeout=0)
        assert reader.texts(1) == ["hello"]
    assert reader.has_nothing_more(plugin, name)
    reader.drop()


def test_new_release_joins_with_its_secrets_masked(server: Server, plugin: Plugin, token: str) -> None:
    plugin.run(FOREVER)
    reader = Reader(server, plugin, token)
    plugin.deploy(live_release(plugin.app, number=2, variables='{"TOKEN": "brand-new-secret"}'))
    plugin.run("echo token brand-new-secret; sleep 1000", release=2)
    line = reader.line()
    assert (line["line"], line["release"]) == ("token [MASKED]", 2)
    reader.drop()


def test_client_that_goes_leaves_nothing_behind(server: Server, plugin: Plugin, token: str) -> None:
    name = plugin.run("while true; do echo tick; sleep 0.01; done")

    def used() -> tuple[int, int, int]:
        return server.open_files(), server.threads(), server.engine_connections()

    # The first one warms up what stays: imports, the loop's own threads.
    for _ in range(2):
        reader = Reader(server, plugin, token)
        reader.texts(5)
        reader.drop()
        wait_until(lambda: server.engine_connections() == 0, "the warming up is over")
    before = used()
    for _ in range(10):
        readers = [Reader(server, plugin, token) for _ in range(MAX_FOLLOWS)]
        for reader in readers:
            reader.texts(3)
        # Two connections for each: the container's log and the engine's events.
        wait_until(lambda: server.engine_connections() == 2 * MAX_FOLLOWS, "all follow")
        for reader in readers:
            reader.drop()
        wait_until(lambda: used() <= before and server.engine_connections() == 0, f"{used()} is {before} again")
    plugin.engine.containers.get(name).kill()


def test_client_that_does_not_read_holds_back_no_one(server: Server, plugin: Plugin, token: str) -> None:
    plugin.run(
        "while true; do for i in $(seq 200); do echo a line of some length, with its number $i; done; sleep 0.05; done"
    )
    stuck = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    stuck.sock = socket.socket()
    stuck.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sock.connect(("127.0.0.1", server.port))
    stuck.request("GET", f"{plugin.url}?follow=true", headers={"Authorization": f"Bearer {token}"})
    assert stuck.getresponse().status == 200
    memory = Path(f"/proc/{server.process.pid}/statm")
    Reader(server, plugin, token).texts(1000)
    before = int(memory.read_text().split()[1])
    for _ in range(8):
        reader = Reader(server, plugin, token)
        assert len(reader.texts(2000)) == 2000
        reader.drop()
    # Pages of 4 KiB: the engine is made to wait; nothing heaps up here.
    assert int(memory.read_text().split()[1]) - before < 20 * 256
    stuck.close()
    wait_until(lambda: server.engine_connections() <= 2, "the connections of the stuck client are closed")


def test_a_user_follows_only_so_many_at_once(server: Server, plugin: Plugin, token: str) -> None:
    plugin.run(FOREVER)
    readers = [Reader(server, plugin, token) for _ in range(MAX_FOLLOWS)]
    refused = Reader(server, plugin, token)
    problem = json.loads(refused.response.read())
    assert (refused.response.status, problem["status"]) == (429, 429)
    assert refused.response.getheader("Retry-After")
    readers[0].drop()

    def may_again() -> bool:
        again = Reader(server, plugin, token)
        again.drop()
        return again.response.status == 200

    wait_until(may_again, "the dropped one counts no more")


# By a service, which every process hears of at once, while the server looks for itself only every hour.
@pytest.mark.parametrize("server", [3600], indirect=True)
@pytest.mark.parametrize("what", ["membership", "token", "user", "grant", "service account"])
def test_who_may_not_read_any_more_is_cut_off_at_once(server: Server, plugin: Plugin, what: str) -> None:
    organization, owner = plugin.app.organization, plugin.owner
    user = {
        "grant": make_user,
        "service account": lambda: make_service_account(organization),
    }.get(what, lambda: make_member(organization))()
    granted = [
        grants.app_grant_create(app=plugin.app, username=user.username, permission=permission, actor=owner)
        for permission in ("view_pluginapp", "read_logs")
        if what == "grant"
    ]
    plugin.run(FOREVER)
    stays = Reader(server, plugin, make_token(owner))
    reader = Reader(server, plugin, make_token(user, actor=owner if user.is_service_account else user))
    assert (stays.response.status, reader.response.status) == (200, 200)
    match what:
        case "membership":
            memberships.membership_remove(organization=organization, username=user.username, actor=owner)
        case "token":
            tokens.api_token_revoke(token=ApiToken.objects.get(user=user), actor=user)
        case "user":
            people.user_change(user=user, actor=make_operator(), is_active=False)
        case "grant":
            grants.grant_revoke(grant=granted[1], actor=owner)
        case "service account":
            service_accounts.service_account_remove(account=user, actor=owner)
    event = reader.event()
    assert (event["event"], json.loads(event["data"])["code"]) == ("end", "permission_denied")
    assert reader.event() == {"closed": ""}
    stays.drop()
    wait_until(lambda: server.engine_connections() == 0, "the connections are closed")


def test_what_no_service_announced_is_found_by_looking_now_and_then(server: Server, plugin: Plugin) -> None:
    user = make_member(plugin.app.organization)
    plugin.run(FOREVER)
    reader = Reader(server, plugin, make_token(user))
    assert reader.response.status == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    event = reader.event()
    assert (event["event"], json.loads(event["data"])["code"]) == ("end", "permission_denied")


def test_refusals_come_before_the_stream(server: Server, plugin: Plugin, token: str) -> None:
    stranger = make_token(make_user())
    for params, headers, status in [
        ({}, {}, 401),
        ({}, {"Authorization": "Bearer nonsense"}, 401),
        ({}, {"Authorization": f"Bearer {stranger}"}, 404),
        ({"tail": "x"}, {"Authorization": f"Bearer {token}"}, 400),
        ({"container": "foreign"}, {"Authorization": f"Bearer {token}"}, 400),
        ({}, {"Authorization": f"Bearer {token}", "Last-Event-ID": "7"}, 400),
    ]:
        query = urlencode({"follow": "true", **params})
        with _get(server.port, f"{plugin.url}?{query}", **headers) as response:
            assert response.status == status
            assert response.getheader("Content-Type") == "application/problem+json"
            assert json.loads(response.read())["status"] == status


def test_engine_that_goes_and_comes_back_is_read_on(
    server: Server, plugin: Plugin, token: str, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """The engine behind a socket of the test's own, which breaks every connection."""
    name = plugin.run(FOREVER)
    path = tmp_path / "d.sock"
    Host.objects.update(docker_url=f"unix://{path}")

    def forwarder() -> subprocess.Popen[bytes]:
        path.unlink(missing_ok=True)
        process = subprocess.Popen(
            ["socat", f"UNIX-LISTEN:{path},fork", "UNIX-CONNECT:/var/run/docker.sock"], start_new_session=True
        )
        wait_until(path.exists, "the socket is there")
        return process

    first = forwarder()
    reader = Reader(server, plugin, token)
    plugin.say(name, "one\n")
    assert reader.texts(1) == ["one"]
    os.killpg(first.pid, 9)
    first.wait()
    plugin.say(name, "two, while it is away\n")
    second = forwarder()
    try:
        plugin.say(name, "three\n")
        assert reader.texts(2) == ["two, while it is away", "three"]
        assert reader.has_nothing_more(plugin, name)
        reader.drop()
    finally:
        os.killpg(second.pid, 9)
        second.wait()
