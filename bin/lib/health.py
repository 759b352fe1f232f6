"""Whether each process does its work, asked of the process itself."""

import http.client
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from lib import configuration as settings
from lib import ports, supervisor
from lib.configuration import Configuration, reachable
from lib.console import Failure, last_lines

LIMIT_S = 180
# A process that ends again and again within this time will not come up.
CRASH_LIMIT_S = 12
SOA, INTERNET, HEADER_BYTES = 6, 1, 12


def wait(configuration: Configuration, names: list[str]) -> None:
    """Waits until every process of `names` is healthy. Raises `Failure` naming the first that is not, with its log."""
    checks: dict[str, Callable[[Configuration], str]] = {
        "redis": _redis,
        "web": _web,
        "worker": _worker,
        "edge": _edge,
        "dns": _dns,
    }
    started = time.monotonic()
    for name in names:
        while True:
            problem = _not_running(configuration, name)
            if not problem and name in checks:
                problem = checks[name](configuration)
            if not problem:
                break
            entry = (supervisor.state(configuration) or {}).get(name, {})
            waited_s = time.monotonic() - started
            is_crashing = entry.get("statename") in {"BACKOFF", "FATAL"} and waited_s > CRASH_LIMIT_S
            if is_crashing or waited_s > LIMIT_S:
                log = configuration.logs / f"{name}.log"
                raise Failure(f"{name} is not healthy: {problem}; the end of {log}:\n{last_lines(log)}")
            time.sleep(0.05)


def _not_running(configuration: Configuration, name: str) -> str:
    entry = (supervisor.state(configuration) or {}).get(name)
    if entry is None:
        return "the process manager does not know it"
    if entry["statename"] == "RUNNING":
        return ""
    detail = entry["spawnerr"] or f"exit status {entry['exitstatus']}"
    return f"it is {entry['statename'].lower()} ({detail})"


def _redis(configuration: Configuration) -> str:
    try:
        answer = _ask_redis(configuration.run / "redis.sock", b"PING\r\n")
    except OSError as error:
        return f"its socket does not answer: {error}"
    return "" if answer.startswith(b"+PONG") else f"it answers {answer[:100]!r}"


def _worker(configuration: Configuration) -> str:
    """The worker is ready when it waits for messages: Redis then shows a client that is blocked on the queue."""
    try:
        clients = _ask_redis(configuration.run / "redis.sock", b"CLIENT LIST\r\n")
    except OSError as error:
        return f"Redis does not answer: {error}"
    return "" if b" cmd=brpop " in clients else "it does not listen for messages"


def _web(configuration: Configuration) -> str:
    address = reachable(configuration.web_address)
    return _not_listening(configuration, "web", configuration.web_port) or _http(
        address, configuration.web_port, "/api/v1/health/", host=f"localhost:{configuration.web_port}", expected=200
    )


def _edge(configuration: Configuration) -> str:
    address = reachable(configuration.edge_address)
    for port in filter(None, (configuration.edge_tls_port, configuration.edge_port)):
        if problem := _not_listening(configuration, "edge", port):
            return problem
    return _http(address, configuration.edge_port, "/", host="nobody.invalid", expected=404)


def _dns(configuration: Configuration) -> str:
    """It answers for the apps' zone with authority, and its API takes the key."""
    address = reachable(configuration.dns_address).strip("[]")
    key = {"X-API-Key": settings.secret(configuration, "BERTH_DNS_API_KEY")}
    return (
        _not_listening(configuration, "dns", configuration.dns_port, ports.UDP)
        or _not_listening(configuration, "dns", configuration.dns_port)
        or _not_listening(configuration, "dns", configuration.dns_api_port)
        or _no_authority(address, configuration.dns_port, configuration.apps_domain)
        or _http(
            "127.0.0.1", configuration.dns_api_port, "/api/v1/servers", host="127.0.0.1", expected=200, headers=key
        )
    )


def _no_authority(address: str, port: int, zone: str) -> str:
    """Asks for the zone's SOA (RFC 1035, section 4.1)."""
    labels = [label.encode() for label in zone.rstrip(".").split(".")]
    identity = os.urandom(2)
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    query = identity + struct.pack("!5H", 0, 1, 0, 0, 0) + name + struct.pack("!2H", SOA, INTERNET)
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(2)
            asking.connect((address, port))
            asking.send(query)
            answer = asking.recv(512)
    except OSError as error:
        return f"UDP port {port} does not answer: {error}"
    if len(answer) < HEADER_BYTES or answer[:2] != identity:
        return f"UDP port {port} answers something else: {answer[:40]!r}"
    is_authority, code, has_answer = bool(answer[2] & 4), answer[3] & 15, answer[6:8] != b"\0\0"
    if is_authority and has_answer and not code:
        return ""
    return f"it does not answer for {zone} (code {code}{'' if is_authority else ', without authority'})"


def _not_listening(configuration: Configuration, name: str, port: int, protocol: ports.Protocol = ports.TCP) -> str:
    """An answer alone says little: it may be somebody else who took the port in the meantime."""
    pid = (supervisor.state(configuration) or {}).get(name, {}).get("pid", 0)
    if ports.is_held_by(port, pid, protocol):
        return ""
    others = [ports.owner(listener.inode) for listener in ports.listeners(port, protocol)]
    label = f"{protocol.label} {port}"
    return f"{label} is held by {others[0]}" if others else f"it does not listen on {label}"


def _http(
    address: str, port: int, path: str, *, host: str, expected: int, headers: Mapping[str, str] = MappingProxyType({})
) -> str:
    connection = http.client.HTTPConnection(address.strip("[]"), port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        response = connection.getresponse()
        body = response.read(300).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer: {error}"
    finally:
        connection.close()
    return "" if response.status == expected else f"GET {path} answers {response.status} {body}"


def _ask_redis(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(command)
        answer = connection.recv(65536)
        if answer.startswith(b"$"):
            length = int(answer[1 : answer.index(b"\r\n")])
            while len(answer) < length:
                answer += connection.recv(65536)
        return answer
