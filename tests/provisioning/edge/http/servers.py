"""One plugin, served in every way that there is: from containers over HTTP, HTTPS and HTTP/2, and by the host alone."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.edge.rendering.sites import render_edge_site
from provisioning.rendering.specs import SiteCertificate, SiteSpec, UpstreamServer
from tests.provisioning.containers.stage import Slot, staged
from tests.provisioning.edge.fallback.stage import running_machine
from tests.provisioning.edge.running import RunningEdge, hostname
from tests.provisioning.edge.tls import tls_edge

WAYS = ("HTTP", "HTTPS", "HTTP/2", "fallback")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def variables(self) -> dict[str, Any]:
        """`$_SERVER`, as the plugin printed it."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Server:
    way: str
    edge: RunningEdge
    host: str
    document_root: str = "/app"

    @property
    def scheme(self) -> str:
        return "http" if self.way in {"HTTP", "fallback"} else "https"

    @property
    def port(self) -> int:
        return self.edge.port if self.scheme == "http" else self.edge.tls_port

    def curl(self, path: str, *options: str, stdin: bytes | None = None) -> subprocess.Popen[bytes]:
        version = "--http2" if self.way == "HTTP/2" else "--http1.1"
        return subprocess.Popen(
            ["curl", "-sS", "-k", "-N", "-i", version, "--path-as-is", "--max-time", "60", "--resolve",
             f"{self.host}:{self.port}:127.0.0.1", *options, f"{self.scheme}://{self.host}:{self.port}{path}"],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, path: str, *options: str, stdin: bytes | None = None) -> Reply:
        with self.curl(path, *options, stdin=stdin) as process:
            out, errors = process.communicate(stdin)
        assert out, errors.decode()
        head, _, body = out.decode(errors="replace").partition("\r\n\r\n")
        while head.split(" ")[1] == "100":
            head, _, body = body.partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Reply(int(status.split(" ")[1]), headers, body)


@contextmanager
def served(slot: Slot, root: Path, files: Mapping[str, str], *, stack: str = "php") -> Iterator[dict[str, Server]]:
    """By the way's name."""
    with ExitStack() as entered:
        stage = entered.enter_context(staged(slot, root, stack=stack))
        for path, text in files.items():
            stage.write(path, text)
        stage.started()
        edge = entered.enter_context(tls_edge())
        site = SiteSpec(
            app_id="app1000001",
            environment="production",
            hostnames=(hostname(),),
            servers=(UpstreamServer(address="127.0.0.1", port=stage.port),),
            certificates=(SiteCertificate(hostnames=(hostname(),)),),
        )
        edge.edge.apply({site.name: render_edge_site(site)})
        machine = entered.enter_context(running_machine())
        plugin = machine.plugin(71, files, stack=stack, memory_mib=256, disk_mib=64).served()
        found = {way: Server(way, edge, hostname()) for way in WAYS[:3]}
        yield found | {"fallback": Server("fallback", machine.edge, hostname(plugin.number))}
