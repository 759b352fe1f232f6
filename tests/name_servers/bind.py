"""A real BIND."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.name_servers.server import NameServer, TsigKey, started


@contextmanager
def running_bind(
    directory: Path,
    zones: Mapping[str, str],
    *,
    key: TsigKey | None = None,
    address: str = "127.0.0.1",
    port: int | None = None,
    options: str = "",
    denied: str = "",
    is_recursive: bool = False,
) -> Iterator[NameServer]:
    """Serves `zones` (name -> zone file). The key updates and transfers them, but for what `denied` names:
    `allow-update` or `allow-transfer`. `options` stand in `options { }`. One that
    `is_recursive` is a resolver for everybody on this machine, too.
    """
    key = key or TsigKey()
    # AppArmor may keep /usr/sbin/named to the directories that Debian gave it. A copy it does not know.
    binary = Path(shutil.copy(shutil.which("named") or "named", directory / "named"))
    for zone, text in zones.items():
        (directory / f"{zone}.zone").write_text(text)

    def prepare(port: int) -> list[str]:
        configuration = directory / "named.conf"
        configuration.write_text(_configuration(directory, zones, key, address, port, options, denied, is_recursive))
        return [str(binary), "-g", "-n", "2", "-c", str(configuration)]

    server = started(prepare, address=address, port=port, directory=directory, key=key, zone=next(iter(zones)))
    try:
        yield server
    finally:
        server.stop()


def _configuration(
    directory: Path,
    zones: Mapping[str, str],
    key: TsigKey,
    address: str,
    port: int,
    options: str,
    denied: str,
    is_recursive: bool,
) -> str:
    allowed = dict.fromkeys(("allow-update", "allow-transfer"), f'key "{key.name}"') | {denied: "none"}
    listed = "".join(
        f"""
zone "{zone}" {{
    type primary;
    file "{directory}/{zone}.zone";
    allow-update {{ {allowed["allow-update"]}; }};
    allow-transfer {{ {allowed["allow-transfer"]}; }};
}};
"""
        for zone in zones
    )
    return f"""
key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};
options {{
    directory "{directory}";
    pid-file none;
    session-keyfile "{directory}/session.key";
    managed-keys-directory "{directory}";
    listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }};
    recursion {"yes" if is_recursive else "no"};
    notify no;
    dnssec-validation no;
    {options}
}};
controls {{ }};
{listed}"""
