"""An edge with TLS, and clients that believe one test authority alone."""

import contextlib
import hashlib
import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

from provisioning.certificates.stored import StoredCertificate
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.rendering.specs import SiteCertificate, SiteSpec, UpstreamServer
from tests.provisioning.certificates.making import Authority, key_pem, new_key
from tests.provisioning.edge.running import DOMAIN, Answer, RunningEdge, Upstream, free_port, hostname, running_edge

ZONE_NAMES = (f"*.{DOMAIN}", f"*.test.{DOMAIN}")


@cache
def authority() -> Authority:
    return Authority()


def stored(*names: str, kind: str = "P-256") -> StoredCertificate:
    key = new_key(kind)
    chain = authority().issue(*names, key=key)
    name = names[0].removeprefix("*.")
    return StoredCertificate(name=name, fingerprint=hashlib.sha256(chain).hexdigest(), chain=chain, key=key_pem(key))


@contextlib.contextmanager
def tls_edge(*, has_zone_certificate: bool = True, **fields: Any) -> Iterator[RunningEdge]:
    with running_edge(tls_port=free_port(), **fields) as edge:
        if has_zone_certificate:
            edge.edge.ensure_main(zone_certificate=edge.edge.store(stored(*ZONE_NAMES)))
        yield edge


def tls_site(
    *upstreams: Upstream,
    number: int = 1,
    hostnames: tuple[str, ...] = (),
    certificates: tuple[SiteCertificate, ...] | None = None,
) -> dict[str, str]:
    """As `running.site`, its names under the zone's certificate unless `certificates` says otherwise."""
    names = hostnames or (hostname(number),)
    spec = SiteSpec(
        app_id=f"app{1_000_000 + number}",
        environment="production",
        hostnames=names,
        servers=tuple(UpstreamServer(address="127.0.0.1", port=upstream.port) for upstream in upstreams),
        certificates=(SiteCertificate(hostnames=names),) if certificates is None else certificates,
    )
    return {spec.name: render_edge_site(spec)}


def context(**attributes: Any) -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=authority().root_pem)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def connect(edge: RunningEdge, name: str | None, made: ssl.SSLContext | None = None, **options: Any) -> ssl.SSLSocket:
    """A handshake for `name`, or for none. Raises `ssl.SSLError` where the edge or the client refuses it."""
    made = made or context()
    if name is None:
        made.check_hostname = False
    plain = socket.create_connection(("127.0.0.1", edge.tls_port), timeout=30)
    try:
        return made.wrap_socket(plain, server_hostname=name, **options)
    except BaseException:
        plain.close()
        raise


def get(edge: RunningEdge, host: str, path: str = "/", *, sni: str | None = "", **headers: str) -> Answer:
    """Over HTTP/1.1. `sni` is the name of the handshake where it is not the host: None for none."""
    with connect(edge, host if sni == "" else sni) as connection:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read().decode(errors="replace"))


def curl(edge: RunningEdge, sni: str, *arguments: str, path: str = "/") -> tuple[int, str, str]:
    """HTTP/2 with a handshake for `sni`: status, version, body."""
    ca = edge.home / "test-root.pem"
    ca.write_text(authority().root_pem)
    result = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", ca, "--resolve", f"{sni}:{edge.tls_port}:127.0.0.1", "--max-time", "30",
         "-w", "\n%{http_code} %{http_version}", *arguments, f"https://{sni}:{edge.tls_port}{path}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    body, _, last = result.stdout.rpartition("\n")
    status, version = last.split()
    return int(status), version, body
