"""Who listens on a port, read from /proc."""

import ipaddress
import struct
from dataclasses import dataclass
from pathlib import Path

from lib.configuration import Configuration
from lib.console import Failure

LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    address: str
    inode: str


def ensure_free(configuration: Configuration) -> None:
    """Raises `Failure` naming port, process and setting for the first port of the installation that is taken."""
    for setting, port, address in (
        ("BERTH_WEB_PORT", configuration.web_port, configuration.web_address),
        ("BERTH_EDGE_PORT", configuration.edge_port, configuration.edge_address),
    ):
        for listener in listeners(port):
            if _collide(listener.address, address):
                raise Failure(
                    f"port {port} is in use by {owner(listener.inode)}: stop it, or set {setting} to another port"
                )


def listeners(port: int) -> list[Listener]:
    """Every socket that listens on `port`, on any address."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _, number = fields[1].rpartition(":")
            if fields[3] == LISTEN and int(number, 16) == port:
                found.append(Listener(address=_address(address), inode=fields[9]))
    return found


def owner(inode: str) -> str:
    """The process that holds the socket, for a message: its pid and the start of its command line."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            descriptors = [str(path.readlink()) for path in (directory / "fd").iterdir()]
            if f"socket:[{inode}]" in descriptors:
                words = (directory / "cmdline").read_bytes().decode(errors="replace").split("\0")[:3]
                command = " ".join(words).strip() or (directory / "comm").read_text().strip()
                return f"process {directory.name} ({command[:100]})"
        except OSError:
            continue
    return "a process that this user may not see (run as root to have it named)"


def is_held_by(port: int, pid: int) -> bool:
    """Whether process `pid` itself listens on `port`."""
    sockets = {f"socket:[{listener.inode}]" for listener in listeners(port)}
    try:
        return any(str(path.readlink()) in sockets for path in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _address(hexadecimal: str) -> str:
    words = [hexadecimal[start : start + 8] for start in range(0, len(hexadecimal), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _collide(one: str, other: str) -> bool:
    return one == other or any(ipaddress.ip_address(address).is_unspecified for address in (one, other))
