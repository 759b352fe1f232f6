"""A real Knot DNS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.name_servers.server import NameServer, TsigKey, started


@contextmanager
def running_knot(
    directory: Path,
    zones: Mapping[str, str],
    *,
    key: TsigKey | None = None,
    address: str = "127.0.0.1",
    port: int | None = None,
) -> Iterator[NameServer]:
    """Serves `zones` (name -> zone file). The key updates and transfers them."""
    key = key or TsigKey()
    (directory / "databases").mkdir()
    for zone, text in zones.items():
        # For the root Knot makes it `.zone`.
        (directory / f"{zone.removesuffix('.')}.zone").write_text(text)

    def prepare(port: int) -> list[str]:
        configuration = directory / "knot.conf"
        configuration.write_text(_configuration(directory, zones, key, address, port))
        return ["knotd", "-c", str(configuration)]

    server = started(prepare, address=address, port=port, directory=directory, key=key, zone=next(iter(zones)))
    try:
        yield server
    finally:
        server.stop()


def _configuration(directory: Path, zones: Mapping[str, str], key: TsigKey, address: str, port: int) -> str:
    listed = "".join(f"  - domain: {zone}\n" for zone in zones)
    return f"""
server:
    rundir: .
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: {directory}/databases
    journal-db-max-size: 50M
    kasp-db-max-size: 10M
    timer-db-max-size: 10M
    catalog-db-max-size: 10M
key:
  - id: {key.name}
    algorithm: {key.algorithm}
    secret: {key.secret}
acl:
  - id: everything
    address: 127.0.0.0/8
    key: {key.name}
    action: [update, transfer]
template:
  - id: default
    storage: {directory}
    file: "%s.zone"
    acl: everything
zone:
{listed}"""
