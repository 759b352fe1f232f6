"""Ends of a stream of logs: readers that go, readers that lose access, engines that go."""

import http.client
import json
import os
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import docker
import pytest

from provisioning.models import Host
from tenants.models import ApiToken, User
from tenants.people.services import memberships, service_accounts, tokens
from tenants.people.services import users as people
from tenants.policies.services import grants
from tests.factories import make_member, make_operator, make_service_account, make_token, make_user
from tests.provisioning.logs.conftest import Plugin, wait_until
from tests.provisioning.logs.followed import FOREVER, MAX_FOLLOWS, Reader, Server, get

pytestmark = pytest.mark.docker


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
        with get(server.port, f"{plugin.url}?{query}", **headers) as response:
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
