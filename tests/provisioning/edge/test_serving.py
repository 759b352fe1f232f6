"""What a visitor and a plugin see of the edge."""

import http.client
import json
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from provisioning.rendering.times import Times
from tests.provisioning.edge.running import RunningEdge, Upstream, hostname, running_edge, site, wait_until

Start = Callable[..., Upstream]


class Load:
    """Clients that keep their connections, until they are told to stop; every answer is counted."""

    def __init__(self, edge: RunningEdge, clients: int = 8) -> None:
        self.answers: Counter[tuple[int, str]] = Counter()
        self.reconnects = 0
        self._edge = edge
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._edge.port, timeout=30)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/", headers={"Host": hostname()})
                response = connection.getresponse()
                response.read()
                key = (response.status, response.headers.get("X-Upstream-Name", ""))
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # An idle connection that a reload had closed: a browser connects again.
                connection.close()
                with self._lock:
                    self.reconnects += 1
                continue
            except (OSError, http.client.HTTPException) as exc:
                connection.close()
                key = (0, type(exc).__name__)
            with self._lock:
                self.answers[key] += 1
        connection.close()

    def from_upstream(self, name: str) -> int:
        with self._lock:
            return self.answers[200, name]

    def end(self) -> Counter[tuple[int, str]]:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.answers


def test_live_server_takes_the_requests_and_the_backup_none(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(site(upstream("live"), upstream("standby")))
    assert {edge.get(hostname()).upstream for _ in range(50)} == {"live"}


def test_killed_primary_costs_no_get(edge: RunningEdge, upstream: Start) -> None:
    live, standby = upstream("live"), upstream("standby")
    edge.edge.apply(site(live, standby))
    load = Load(edge)
    wait_until(lambda: load.from_upstream("live") > 300, "there is load")
    live.process.kill()
    wait_until(lambda: load.from_upstream("standby") > 1000, "the standby takes over")
    answers = load.end()
    assert set(answers) == {(200, "live"), (200, "standby")}
    assert load.reconnects == 0


def test_frozen_primary_costs_what_it_has_taken_and_nothing_more(upstream: Start) -> None:
    """A sidecar is never silent for so long as this. Its open requests fail, and nobody repeats them."""
    with running_edge(read_timeout_s=1) as edge:
        live, standby = upstream("live"), upstream("standby")
        edge.edge.apply(site(live, standby))
        load = Load(edge)
        wait_until(lambda: load.from_upstream("live") > 300, "there is load")
        os.kill(live.process.pid, signal.SIGSTOP)
        wait_until(lambda: load.from_upstream("standby") > 1000, "the standby takes over")
        answers = load.end()
        os.kill(live.process.pid, signal.SIGCONT)
        logged = (edge.home / "log" / "access-app1000001.log").read_text()
    assert set(answers) == {(200, "live"), (200, "standby"), (504, "")}
    assert '"upstream_status":"504,' not in logged


def test_primary_that_is_back_takes_the_requests_again(edge: RunningEdge, upstream: Start) -> None:
    live, standby = upstream("live"), upstream("standby")
    edge.edge.apply(site(live, standby))
    os.kill(live.process.pid, signal.SIGKILL)
    live.process.wait()
    assert edge.get(hostname()).upstream == "standby"
    again = upstream("again")
    edge.edge.apply(site(again, standby))
    assert {edge.get(hostname()).upstream for _ in range(20)} == {"again"}


def test_get_that_got_no_answer_is_repeated_and_post_is_not(edge: RunningEdge, upstream: Start) -> None:
    mute, standby = upstream("mute", "--mute"), upstream("standby")
    edge.edge.apply(site(mute, standby))
    assert edge.get(hostname()).upstream == "standby"
    # Two seconds later the edge looks at the first server again; a new upstream forgets at once.
    mute_again = upstream("mute again", "--mute")
    edge.edge.apply(site(mute_again, standby))
    assert edge.get(hostname(), method="POST", body=b"order").status == 502
    assert (mute_again.get("/count"), standby.get("/count")) == ("1", "0")


def test_error_that_the_plugin_answers_is_its_answer(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(site(upstream("live"), upstream("standby")))
    answer = edge.get(hostname(), "/500")
    assert (answer.status, answer.body, answer.upstream) == (500, "its own error", "live")


def test_switch_under_load_fails_nothing(edge: RunningEdge, upstream: Start) -> None:
    versions = [upstream(f"v{number}") for number in range(4)]
    edge.edge.apply(site(versions[0]))
    load = Load(edge)
    for version in versions[1:]:
        edge.edge.apply(site(version))
        # From here on nobody is served by an earlier one.
        assert edge.get(hostname()).upstream == version.name
        wait_until(lambda version=version: load.from_upstream(version.name) > 200, f"{version.name} has load")
    assert {status for status, _name in load.end()} == {200}
    # Each reload closes idle connections, at most one of each client.
    assert load.reconnects <= 8 * 3


def test_running_request_survives_a_switch(edge: RunningEdge, upstream: Start) -> None:
    old, new = upstream("old"), upstream("new")
    edge.edge.apply(site(old))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(edge.get(hostname(), "/slow")))
    thread.start()
    assert old.read_line() == "slow\n"
    edge.edge.apply(site(new))
    assert edge.get(hostname()).upstream == "new"
    old.go_on()
    thread.join(timeout=20)
    assert [(answer.status, answer.upstream) for answer in answers] == [(200, "old")]


def test_websocket_passes(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(site(upstream("live")))
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
        connection.sendall(
            f"GET /socket HTTP/1.1\r\nHost: {hostname()}\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n".encode()
        )
        file = connection.makefile("rb")
        assert file.readline().startswith(b"HTTP/1.1 101 ")
        while file.readline() != b"\r\n":
            pass
        connection.sendall(b"ping\n")
        assert file.readline() == b"ping\n"


def test_connections_to_the_plugin_are_kept(edge: RunningEdge, upstream: Start) -> None:
    live = upstream("live")
    edge.edge.apply(site(live))
    for _ in range(50):
        sent = dict(json.loads(edge.get(hostname(), "/headers").body)["headers"])
        assert "Connection" not in sent


def test_site_without_servers_says_so(edge: RunningEdge) -> None:
    edge.edge.apply(site())
    answer = edge.get(hostname())
    assert (answer.status, answer.headers["content-type"]) == (503, "text/plain")


def test_removed_site_is_unknown(edge: RunningEdge, upstream: Start) -> None:
    files = site(upstream("live"))
    edge.edge.apply(files)
    assert edge.get(hostname()).status == 200
    edge.edge.apply(dict.fromkeys(files))
    assert edge.get(hostname()).status == 404


def test_access_log_is_json_for_each_app_without_secrets(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply({**site(upstream("one")), **site(upstream("two"), number=2)})
    edge.get(
        hostname(),
        '/a"b\\c%0d%0a?token=in-the-query',
        Authorization="Bearer in-the-header",
        Cookie="session=in-the-cookie",
    )
    edge.get(hostname(2), "/two")
    logs = [edge.home / "log" / f"access-app{number}.log" for number in (1000001, 1000002)]
    wait_until(lambda: all(path.stat().st_size for path in logs), "both requests are logged")
    text = logs[0].read_text()
    assert "in-the" not in text
    [entry] = [json.loads(line) for line in text.splitlines()]
    assert (entry["host"], entry["method"], entry["client"]) == (hostname(), "GET", "127.0.0.1")
    assert (entry["status"], entry["upstream_status"]) == (200, "200")
    # Decoded, and still one line: splitlines() gave one entry.
    assert entry["uri"] == '/a"b\\c\r\n'
    assert entry["upstream_addr"].startswith("127.0.0.1:")
    assert isinstance(entry["request_time"], float)
    [other] = logs[1].read_text().splitlines()
    assert json.loads(other)["uri"] == "/two"


@pytest.mark.parametrize(("size", "status"), [(20 * 1024 * 1024, 200), (20 * 1024 * 1024 + 1, 413)])
def test_body_has_a_limit(edge: RunningEdge, upstream: Start, size: int, status: int) -> None:
    edge.edge.apply(site(upstream("live")))
    assert edge.get(hostname(), method="POST", body=b"x" * size).status == status


def test_nginx_of_an_ordinary_user_serves_as_well(upstream: Start) -> None:
    """Here the workers are the master's own user, as where Berth is not root."""
    with running_edge(user="") as edge:
        edge.edge.apply(site(upstream("live")))
        assert edge.get(hostname(), method="POST", body=b"x" * 500_000).status == 200


def test_a_request_of_another_app_has_longer_than_it_is_promised_after_a_reload(upstream: Start) -> None:
    """Scaled down. The control: with less than a request takes, as it was, any release cuts everybody's."""
    times = Times(request_s=2)
    with (
        running_edge(worker_shutdown_timeout_s=times.shutdown_s, read_timeout_s=times.edge_read_s) as edge,
        running_edge(worker_shutdown_timeout_s=times.request_s) as hard,
    ):
        answers: dict[str, int] = {}

        def ask(one: RunningEdge, name: str) -> None:
            try:
                answers[name] = one.get(hostname(2), "/slow").status
            except (OSError, http.client.HTTPException):
                answers[name] = 0

        waiting, released = [], upstream("first")
        for one, name in ((edge, "edge"), (hard, "hard")):
            other = upstream(name)
            one.edge.apply({**site(released), **site(other, number=2)})
            thread = threading.Thread(target=ask, args=(one, name))
            thread.start()
            assert other.read_line() == "slow\n"
            waiting.append((thread, other))
        released = upstream("second")
        for one in (edge, hard):
            one.edge.apply(site(released))
        # That one's request is cut when its time is over; by then the other has lasted as long as it was promised.
        waiting[1][0].join(timeout=60)
        assert answers == {"hard": 0}
        waiting[0][1].go_on()
        waiting[0][0].join(timeout=60)
    assert answers == {"hard": 0, "edge": 200}
