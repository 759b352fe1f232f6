"""Wakes the runner: a datagram on a Unix socket. It may be lost; the runner looks by itself every second."""

import contextlib
import os
import socket
from collections.abc import Iterator

from provisioning.embedded_forge import configuration

NAME = "runner.sock"


def runner() -> None:
    """Returns at once, whether or not a runner listens."""
    with contextlib.suppress(OSError), _directory() as fd, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"!", f"/proc/self/fd/{fd}/{NAME}")


def listen() -> socket.socket:
    """The runner's end. The path goes through /proc, since a socket's own may not be longer than 107 bytes."""
    with _directory() as fd:
        where = configuration.home() / NAME
        where.unlink(missing_ok=True)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(f"/proc/self/fd/{fd}/{NAME}")
        where.chmod(0o600)
    return receiver


@contextlib.contextmanager
def _directory() -> Iterator[int]:
    fd = os.open(configuration.home(), os.O_PATH | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)
