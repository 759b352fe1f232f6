"""Asks a pool, over FastCGI, whether one of its workers answers."""

import socket
import struct
from pathlib import Path

PING_PATH = b"/berth-ping"
_BEGIN, _PARAMS, _STDIN = 1, 4, 5


def listens(path: Path) -> bool:
    """Whether there is a master that keeps the socket `path` open."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.setblocking(False)
            connection.connect(str(path))
    except BlockingIOError:
        # So many wait already that no more are taken.
        return True
    except OSError:
        return False
    return True


def answers(path: Path, *, timeout_s: float = 2) -> bool:
    """Whether the pool behind the socket `path` says `pong`."""
    names = {b"REQUEST_METHOD": b"GET", b"SCRIPT_NAME": PING_PATH, b"SCRIPT_FILENAME": PING_PATH}
    pairs = b"".join(bytes((len(name), len(value))) + name + value for name, value in names.items())
    request = _record(_BEGIN, struct.pack("!HB5x", 1, 0)) + _record(_PARAMS, pairs) + _record(_PARAMS) + _record(_STDIN)
    said = b""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(request)
            while len(said) < 4096 and (more := connection.recv(4096)):
                said += more
    except OSError:
        return False
    return b"\r\n\r\npong" in said


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content
