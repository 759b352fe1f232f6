"""Asks an HTTP server whether it answers, as the edge would."""

import http.client
import re
import socket
import time

TIMEOUT_S = 2
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([\x20-\x7e]{0,80}))?")


def probe(*, address: str, port: int, hostname: str, path: str, timeout_s: float = TIMEOUT_S) -> tuple[str, bool]:
    """GET `path`: what came back within `timeout_s`, and whether it was 2xx or 3xx.

    Follows no redirect, and reads no more than the answer's first line: a plugin that goes on answering, with one
    `100 Continue` after the other, must not hold who asks.
    """
    deadline = time.monotonic() + timeout_s
    connection = http.client.HTTPConnection(address, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Host": hostname, "User-Agent": "berth-probe", "Connection": "close"})
        line = _first_line(connection.sock, deadline)
        found = _STATUS.match(line)
        if found is None:
            raise http.client.BadStatusLine(re.sub(rb"[^\x20-\x7e]", b"?", line[:80]).decode())
        status = int(found[1])
        return f"{status} {(found[2] or b'').decode()}".strip(), 200 <= status < 400
    except (OSError, http.client.HTTPException) as exc:
        return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__, False
    finally:
        connection.close()


def _first_line(connection: socket.socket, deadline: float) -> bytes:
    """Up to the first line break, or the first kilobyte. Raises `TimeoutError` at the deadline."""
    read = b""
    while b"\n" not in read and len(read) < 1024:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left_s)
        more = connection.recv(1024)
        if not more:
            raise http.client.RemoteDisconnected("Remote end closed connection without response")
        read += more
    return read.partition(b"\r\n")[0]
