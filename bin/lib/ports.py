"""Who listens on a port, read from /proc."""

import ipaddress
import struct
from dataclasses import dataclass
from pathlib import Path

from lib.configuration import Configuration
from lib.console import Failure


@dataclass(frozen=True)
class Protocol:
    """`waiting` is the state in which /proc shows a socket that takes what comes from anywhere."""

    label: str
    table: str
    waiting: str


TCP = Protocol("port", "tcp", "0A")
UDP = Protocol("UDP port", "udp", "07")


@dataclass(frozen=True)
class Listener:
    address: str
    inode: str


def ensure_free(configuration: Configuration) -> None:
    """Raises `Failure` naming port, process and setting for the first port of the installation that is taken."""
    wanted = [
        ("BERTH_WEB_PORT", configuration.web_port, configuration.web_address, TCP),
        ("BERTH_EDGE_PORT", configuration.edge_port, configuration.edge_address, TCP),
        ("BERTH_EDGE_TLS_PORT", configuration.edge_tls_port, configuration.edge_address, TCP),
    ]
    if configuration.has_embedded_dns:
        wanted += [
            ("BERTH_DNS_LISTEN_PORT", configuration.dns_port, configuration.dns_address, TCP),
            ("BERTH_DNS_LISTEN_PORT", configuration.dns_port, configuration.dns_address, UDP),
            ("BERTH_DNS_API_PORT", configuration.dns_api_port, "127.0.0.1", TCP),
        ]
    for setting, port, address, protocol in wanted:
        for listener in listeners(port, protocol):
            if _collide(listener.address, address):
                raise Failure(
                    f"{protocol.label} {port} is in use by {owner(listener.inode)}: stop it, or set {setting} to "
                    "another port"
                )


def listeners(port: int, protocol: Protocol = TCP) -> list[Listener]:
    """Every socket that listens on `port`, on any address."""
    found = []
    for table in (protocol.table, f"{protocol.table}6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _, number = fields[1].rpartition(":")
            if fields[3] == protocol.waiting and int(number, 16) == port:
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


def is_held_by(port: int, pid: int, protocol: Protocol = TCP) -> bool:
    """Whether process `pid` itself listens on `port`."""
    sockets = {f"socket:[{listener.inode}]" for listener in listeners(port, protocol)}
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
