"""A plugin in its containers, live and standby, behind the real edge, as a visitor meets them."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from provisioning.edge.rendering.sites import render_edge_site
from provisioning.rendering.specs import SiteSpec, UpstreamServer
from provisioning.rendering.times import Times
from tests.provisioning.containers.stage import Stage
from tests.provisioning.edge.running import Answer, RunningEdge, hostname, wait_until

BOTH = "live-web live-app standby-web standby-app"
# For what takes longer than a plugin is promised.
IMPATIENT = Times(request_s=8)


class Pair:
    def __init__(self, edge: RunningEdge, stage: Stage, number: int = 1) -> None:
        """The stage must have both roles. Its tree is what the test has written."""
        self.edge = edge
        self.stage = stage
        self.hostname = hostname(number)
        self.name = f"app{1_000_000 + number}-production"
        self.ports = [instance.port for instance in stage.spec.instances]
        stage.started(BERTH_START=BOTH)
        for port in self.ports:
            wait_until(lambda port=port: answers(port), "both copies answer")
        site = SiteSpec(
            app_id=self.name.partition("-")[0],
            environment="production",
            hostnames=(self.hostname,),
            servers=tuple(
                UpstreamServer(address="127.0.0.1", port=port, is_backup=index > 0)
                for index, port in enumerate(self.ports)
            ),
        )
        edge.edge.apply({self.name: render_edge_site(site)})

    def get(self, path: str = "/", **options: Any) -> Answer:
        return self.edge.get(self.hostname, path, **options)

    def upstreams_of(self, path: str) -> list[str]:
        """The ports of the servers that the edge asked for each request of `path`, as its log has them."""
        log = self.edge.home / "log" / f"access-{self.name.partition('-')[0]}.log"
        return [entry["upstream_addr"] for entry in _entries(log) if entry["uri"] == path]

    def has_failed(self) -> bool:
        """Has the edge said of one of the servers that it is dead?"""
        said = (self.edge.home / "log" / "error.log").read_text()
        return any(line in said for line in ("upstream prematurely closed", "upstream timed out", "no live upstreams"))


def _entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/style.css")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Neighbours:
    """Other visitors, who ask for the same plugin's page all the time; every status is kept."""

    def __init__(self, ask: Callable[[], Answer], count: int = 4) -> None:
        self._ask = ask
        self.statuses: list[int] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def __enter__(self) -> "Neighbours":
        for thread in self._threads:
            thread.start()
        wait_until(lambda: len(self.statuses) > 10, "others are served")
        return self

    def __exit__(self, *_exc: object) -> None:
        before = len(self.statuses)
        wait_until(lambda: len(self.statuses) > before + 20, "others are served after it")
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.statuses.append(self._ask().status)
            except (OSError, http.client.HTTPException):
                self.statuses.append(0)


def lines(edge: RunningEdge, head: str) -> Iterator[bytes]:
    """The answer to exactly this request, as it comes, one line after the other."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as connection:
        connection.sendall(head.encode())
        yield from connection.makefile("rb")
