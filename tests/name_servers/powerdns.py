"""A real PowerDNS with its SQLite backend and its HTTP API."""

import secrets
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.name_servers.server import NameServer, TsigKey, free_port, started

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


@dataclass(kw_only=True)
class PowerDns(NameServer):
    """`url` has no slash at its end."""

    url: str
    api_key: str


@contextmanager
def running_powerdns(
    directory: Path,
    zones: Mapping[str, str],
    *,
    key: TsigKey | None = None,
    address: str = "127.0.0.1",
    port: int | None = None,
    options: str = "",
) -> Iterator[PowerDns]:
    """Serves `zones` (name -> zone file). The API key may do everything; the TSIG key updates and transfers them.

    `options` are lines of its configuration.
    """
    key, api_key, web_port = key or TsigKey(), secrets.token_urlsafe(24), 0

    def configure(port: int) -> list[str]:
        nonlocal web_port
        web_port = free_port(address)
        text = _configuration(directory, api_key, address, port, web_port, options)
        (directory / "pdns.conf").write_text(text)
        return ["pdns_server", f"--config-dir={directory}"]

    with closing(sqlite3.connect(directory / "pdns.sqlite3")) as database:
        database.executescript(SCHEMA.read_text())
    configure(0)
    for zone, text in zones.items():
        (directory / f"{zone}.zone").write_text(text)
        _pdnsutil(directory, "load-zone", zone, f"{directory}/{zone}.zone")
    with closing(sqlite3.connect(directory / "pdns.sqlite3")) as database, database:
        database.execute("INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?, ?, ?)",
                         (key.name, key.algorithm, key.secret))  # fmt: skip
        for kind in ("TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"):
            database.execute(
                "INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, ?, ? FROM domains", (kind, key.name)
            )
    server = started(configure, address=address, port=port, directory=directory, key=key, zone=next(iter(zones)))
    try:
        yield PowerDns(**vars(server), url=f"http://{address}:{web_port}", api_key=api_key)
    finally:
        server.stop()


def _pdnsutil(directory: Path, *arguments: str) -> None:
    argv = ["pdnsutil", f"--config-dir={directory}", *arguments]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr}")


def _configuration(directory: Path, api_key: str, address: str, port: int, web_port: int, options: str) -> str:
    return f"""
daemon=no
guardian=no
launch=gsqlite3
gsqlite3-database={directory}/pdns.sqlite3
gsqlite3-pragma-synchronous=0
socket-dir={directory}
local-address={address}
local-port={port}
webserver=yes
webserver-address={address}
webserver-port={web_port}
webserver-allow-from=127.0.0.0/8
api=yes
api-key={api_key}
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
allow-axfr-ips=
disable-axfr=no
receiver-threads=1
distributor-threads=1
# An answer is never older than the last change.
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
default-soa-edit=
# It would ask the vendor whether this version is safe.
security-poll-suffix=
{options}
"""
