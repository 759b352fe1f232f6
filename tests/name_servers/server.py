"""A real name server as a process of its own, on a loopback address and a port that nobody else has."""

import base64
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

START_S = 20
# Between the look for a free port and the server's start another process may take it.
TRIES = 5


@dataclass(frozen=True, kw_only=True)
class TsigKey:
    """A key that may update and transfer every zone of a server."""

    name: str = "berth-test"
    algorithm: str = "hmac-sha256"
    secret: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())


@dataclass(kw_only=True)
class NameServer:
    """A server that answers. `directory` holds its configuration, its zones and its log."""

    address: str
    port: int
    directory: Path
    key: TsigKey
    process: "subprocess.Popen[bytes]"

    def ask(self, name: str, type_: str) -> dns.message.Message:
        """The server's answer to one question, without anybody in between."""
        query = dns.message.make_query(name, type_)
        answer, _ = dns.query.udp_with_fallback(query, self.address, timeout=10, port=self.port)
        return answer

    def values(self, name: str, type_: str) -> list[str]:
        """The texts of the records of this name and type, sorted."""
        rdtype = dns.rdatatype.from_text(type_)
        return sorted(
            rdata.to_text() for rrset in self.ask(name, type_).answer if rrset.rdtype == rdtype for rdata in rrset
        )

    def suspend(self) -> None:
        """From now on it takes packets and connections, and answers none."""
        self.process.send_signal(signal.SIGSTOP)
        # Each of its threads stops by itself, and one that has not may still answer.
        tasks = Path(f"/proc/{self.process.pid}/task")
        until = time.monotonic() + 10
        while time.monotonic() < until and not all(_is_stopped(task) for task in tasks.iterdir()):
            time.sleep(0.001)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """It is gone at once, and its port with it."""
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")


def zone_file(zone: str, *lines: str, servers: Mapping[str, str] | None = None) -> str:
    """A zone file with SOA, NS and these `lines`, relative to the zone. `servers` are names and their addresses."""
    lines_of_servers = [
        text for name, address in (servers or {"ns1": "127.0.0.1"}).items()
        for text in (f"@ NS {name}", f"{name} A {address}")
    ]  # fmt: skip
    start = [f"$ORIGIN {zone}.", "$TTL 300", "@ SOA ns1 hostmaster 1 3600 600 86400 60"]
    return "\n".join([*start, *lines_of_servers, *lines, ""])


def started(
    prepare: Callable[[int], Sequence[str]], *, address: str, port: int | None, directory: Path, key: TsigKey, zone: str
) -> NameServer:
    """The server whose command `prepare` gives for a port, as soon as it answers for `zone`."""
    for _ in range(TRIES):
        taken = port or free_port(address)
        argv = prepare(taken)
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        server = NameServer(address=address, port=taken, directory=directory, key=key, process=process)
        if _answers(server, zone):
            return server
        server.stop()
    raise RuntimeError(f"{argv[0]} does not answer for {zone}: {server.log()}")


def _answers(server: NameServer, zone: str) -> bool:
    until = time.monotonic() + START_S
    query = dns.message.make_query(zone, "SOA")
    while server.process.poll() is None and time.monotonic() < until:
        try:
            if dns.query.tcp(query, server.address, timeout=5, port=server.port).rcode() == dns.rcode.NOERROR:
                # Somebody else's server on this port is not ours.
                return server.process.poll() is None
        except (OSError, EOFError, dns.exception.DNSException):
            pass
        time.sleep(0.02)
    return False


def free_port(address: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(type=socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port


def _is_stopped(task: Path) -> bool:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except FileNotFoundError:
        return True
