"""A real edge nginx in a home of its own, real upstream processes, and requests as hostile as one likes."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from provisioning.edge import EdgeNginx, edge_command
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer

DOMAIN = "apps.localhost"


class Upstream:
    def __init__(self, name: str, *options: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("upstream.py")), name, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(self.read_line())

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def go_on(self) -> None:
        """Lets `/slow` answer."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def get(self, path: str) -> str:
        """Past the edge."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def upstream(self) -> str:
        return self.headers.get("x-upstream-name", "")


class RunningEdge:
    def __init__(self, edge: EdgeNginx, process: subprocess.Popen[bytes]) -> None:
        self.edge = edge
        self.process = process
        self.home = edge.home
        self.port = edge.spec.listen_port
        self.tls_port = edge.spec.tls_port

    def get(self, host: str, path: str = "/", *, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers={"Host": host, **headers})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode(errors="replace"))
        finally:
            connection.close()

    def send(self, raw: bytes, *, source: str = "127.0.0.1") -> Answer:
        """Exactly these bytes, and the answer to them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(source, 0)) as connection:
            connection.sendall(raw)
            response = http.client.HTTPResponse(connection)
            response.begin()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode(errors="replace"))

    def send_raw(self, raw: bytes) -> bytes:
        """The same; everything that comes until the edge closes, as it came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(raw)
            return connection.makefile("rb").read()

    def configuration(self) -> dict[str, bytes]:
        """Every file that nginx reads, byte for byte."""
        files = [*self.home.glob("*.conf"), *(self.home / "sites").iterdir()]
        return {str(path.relative_to(self.home)): path.read_bytes() for path in files}

    def reloads(self) -> int:
        """How often nginx itself says it was told to reload. Needs `is_talkative`."""
        return (self.home / "log" / "error.log").read_text().count("(SIGHUP) received")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


@contextlib.contextmanager
def running_edge(
    *, alter: Callable[[str], str] = str, home: Path | None = None, is_talkative: bool = False, **fields: Any
) -> Iterator[RunningEdge]:
    """`alter` changes the main configuration before the start, for negative controls."""
    own_home = Path(home or tempfile.mkdtemp(prefix="berth-edge-", dir="/tmp"))
    own_home.chmod(0o711)
    fields = {"user": "www-data" if os.geteuid() == 0 else "", **fields}
    spec = EdgeSpec(
        home=PurePosixPath(own_home / "edge"), listen_address="127.0.0.1", listen_port=free_port(), **fields
    )
    edge = EdgeNginx(spec)
    edge.ensure_main()
    main = edge.home / "nginx.conf"
    text = main.read_text()
    if is_talkative:
        text = text.replace("error.log warn;", "error.log notice;")
    main.write_text(alter(text))
    process = subprocess.Popen(edge_command(spec))
    try:
        wait_until(edge.is_healthy, "the edge answers")
        yield RunningEdge(edge, process)
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(own_home, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def hostname(number: int = 1) -> str:
    return f"app{1_000_000 + number}.{DOMAIN}"


def site(*upstreams: Upstream | int, number: int = 1, hostnames: tuple[str, ...] = ()) -> dict[str, str]:
    """The site of an app: the first upstream is live, the others are backups."""
    spec = SiteSpec(
        app_id=f"app{1_000_000 + number}",
        environment="production",
        hostnames=hostnames or (hostname(number),),
        servers=tuple(
            UpstreamServer(
                address="127.0.0.1",
                port=upstream if isinstance(upstream, int) else upstream.port,
                is_backup=index > 0,
            )
            for index, upstream in enumerate(upstreams)
        ),
    )
    return {spec.name: render_edge_site(spec)}


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 120) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(0.01)
