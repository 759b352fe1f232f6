"""Slow visitors cost the plugin that they visit, within its bounds: the edge keeps nothing of theirs on its disk."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from provisioning.rendering.limits import ANSWERS, ANSWERS_MIB, BODIES_MIB, MAX_BODY_MIB
from tests.attacks.edge.test_exhaustion import raw_upstream
from tests.provisioning.containers.stage import Stage
from tests.provisioning.edge.fallback.stage import Machine
from tests.provisioning.edge.http.pair import Pair
from tests.provisioning.edge.running import RunningEdge, hostname, running_edge, site, wait_until

MIB = 1024 * 1024
UPLOADS_LIMIT = 6
PAGE = """<?php
if (isset($_GET['mib'])) { for ($i = 0; $i < 16 * $_GET['mib']; $i++) { echo str_repeat('x', 65536); } exit; }
echo strlen(file_get_contents('php://input'));
"""


def kept(place: Path) -> int:
    """How much of visitors' lies under the place, in bytes; a file that nginx has deleted and holds open, too."""
    found = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(descriptor.readlink()).startswith(f"{place}/"):
                found += descriptor.stat().st_size
        except OSError:
            continue
    return found


@contextmanager
def reader(edge: RunningEdge, host: str, path: str = "/", source: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A visitor who has the beginning of the answer and takes no more of it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", edge.port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert connection.recv(200).startswith(b"HTTP/1.1 200")
        yield connection


def sender(stack: ExitStack, edge: RunningEdge, host: str, mib: int, source: str = "127.0.0.1") -> socket.socket:
    """A visitor who has sent all of a body but its end."""
    connection = stack.enter_context(
        socket.create_connection(("127.0.0.1", edge.port), timeout=60, source_address=(source, 0))
    )
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {mib * MIB}\r\n\r\n"
    # One that is refused is cut off.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head.encode() + b"x" * (mib * MIB - 1))
    return connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(12).split()[1])


def test_the_edge_keeps_no_answer_that_somebody_takes_slowly(edge: RunningEdge) -> None:
    size = 40 * MIB
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size

    # The control: an edge that buffers has most of the answer on its disk.
    def soften(text: str) -> str:
        return text.replace("proxy_buffering off;", "").replace("temp_file_size 0;", "temp_file_size 64m;")

    with raw_upstream(answer) as port, running_edge(alter=soften) as soft, ExitStack() as slow:
        for one in (edge, soft):
            one.edge.apply({**site(port), **site(port, number=2)})
            for _ in range(3):
                slow.enter_context(reader(one, hostname()))
        wait_until(lambda: kept(soft.home / "temp") > 3 * 20 * MIB, "the one that buffers keeps them")
        assert kept(edge.home / "temp") == 0


@pytest.mark.docker
def test_slow_readers_fill_a_place_of_the_plugins_own_and_its_workers_are_free(
    edge: RunningEdge, make_stage: object
) -> None:
    pair = _pair(edge, make_stage)
    with raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother") as port, ExitStack() as slow:
        edge.edge.apply(site(port, number=2))
        for _ in range(ANSWERS):
            slow.enter_context(reader(edge, pair.hostname, "/?mib=7"))
        # As many as there is place for: every worker is free again.
        assert pair.get("/", method="POST", body=b"12345").body == "5"
        for _ in range(ANSWERS):
            slow.enter_context(reader(edge, pair.hostname, "/?mib=1"))
        used = pair.stage.inside(pair.stage.web, "du", "-sm", "/tmp").stdout.split()[0]
        assert int(used) <= ANSWERS_MIB
        assert kept(edge.home / "temp") == 0
        assert edge.get(hostname(2)).body == "other"
    assert pair.get("/", method="POST", body=b"12345").body == "5"


@pytest.mark.docker
def test_slow_senders_fill_a_place_of_the_plugins_own_and_others_notice_nothing(
    edge: RunningEdge, make_stage: object
) -> None:
    pair = _pair(edge, make_stage)
    with raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother") as port, ExitStack() as slow:
        edge.edge.apply(site(port, number=2))
        for _ in range(UPLOADS_LIMIT):
            sender(slow, edge, pair.hostname, MAX_BODY_MIB)
        # One address has no more of it, and could not fill it.
        assert status_of(sender(slow, edge, pair.hostname, MAX_BODY_MIB)) == 429
        assert BODIES_MIB > UPLOADS_LIMIT * MAX_BODY_MIB
        # With others it can: they are told so, each at once, and nothing is taken for a dead server.
        refused = sender(slow, edge, pair.hostname, MAX_BODY_MIB, source="127.0.0.2")
        assert status_of(refused) == 503
        assert pair.get("/", method="POST", body=b"12345").body == "5"
        assert kept(edge.home / "temp") == 0
        assert edge.get(hostname(2)).body == "other"
        assert not pair.has_failed()
    wait_until(
        lambda: pair.get("/", method="POST", body=b"x" * MAX_BODY_MIB * MIB).body == str(MAX_BODY_MIB * MIB),
        "there is place again",
    )


def test_a_body_of_unknown_length_counts_as_a_large_one(edge: RunningEdge) -> None:
    with raw_upstream(b"") as port, ExitStack() as slow:
        edge.edge.apply(site(port))
        head = f"POST / HTTP/1.1\r\nHost: {hostname()}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        connections = []
        for _ in range(UPLOADS_LIMIT + 1):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", edge.port), timeout=60))
            connection.sendall(head.encode())
            connections.append(connection)
        refused, _, _ = select.select(connections, [], [], 20)
        assert [status_of(connection) for connection in refused] == [429]


def test_a_fallbacks_bodies_have_a_place_of_their_own(machine: Machine) -> None:
    plugin = machine.plugin(62, {"index.php": PAGE}, memory_mib=256, disk_mib=64).served()
    bodies, edge = Path(plugin.spec.bodies), machine.edge
    with ExitStack() as slow:
        for _ in range(UPLOADS_LIMIT):
            sender(slow, edge, hostname(62), MAX_BODY_MIB)
        wait_until(lambda: kept(bodies) > 2 * MIB, "they lie in it")
        assert bodies.is_mount()
        refused = sender(slow, edge, hostname(62), MAX_BODY_MIB, source="127.0.0.2")
        assert status_of(refused) == 503
        assert kept(edge.home / "temp") == 0
        assert plugin.get("/", method="POST", body=b"12345").body == "5"
    machine.fallback.remove([plugin.spec.name])
    assert not bodies.exists()


def _pair(edge: RunningEdge, make_stage: object) -> Pair:
    stage: Stage = make_stage(roles=("live", "standby"))  # type: ignore[operator]
    stage.write("index.php", PAGE)
    stage.write("style.css", "")
    return Pair(edge, stage)
