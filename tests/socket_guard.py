"""Whom this process speaks to: every address is written down, and those outside of the machine are refused."""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_asked: list[str] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _asked is None or event not in _EVENTS or not isinstance(arguments[1], tuple):
        return
    address = str(arguments[1][0])
    _asked.append(address)
    if not ipaddress.ip_address(address).is_loopback:
        raise ConnectionRefusedError(f"a test may not speak to {address}")


# One that is added stays: it does nothing while nobody listens.
sys.addaudithook(_hook)


@contextmanager
def guarded() -> Iterator[list[str]]:
    """Gives the list of addresses, by which threads of this process are counted too."""
    global _asked
    _asked = found = []
    try:
        yield found
    finally:
        _asked = None
