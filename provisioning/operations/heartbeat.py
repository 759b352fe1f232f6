"""Keeps a worker's lease while it works: renewed every few seconds, by a thread with a connection of its own."""

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from django.db import close_old_connections, connection
from django.db.models import QuerySet
from django.utils import timezone

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
HEARTBEAT_S = 5


class Leased(Protocol):
    """One worker's hold on a row with `lease_until`: `held` finds it as long as nobody else has taken it."""

    lost: threading.Event

    def held(self) -> QuerySet[Any]: ...


def lease_owner() -> str:
    """Who this worker is, for people."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


@contextmanager
def renewing(hold: Leased, name: str) -> Iterator[None]:
    """Renews the lease of what `name` says until the block ends; sets `hold.lost` where somebody else has it."""
    stop = threading.Event()
    heartbeat = threading.Thread(target=_beat, args=(hold, name, stop), daemon=True, name=f"lease of {name}")
    heartbeat.start()
    try:
        yield
    finally:
        stop.set()
        heartbeat.join()


def _beat(hold: Leased, name: str, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_S):
        try:
            close_old_connections()
            # A lease that was released meanwhile stays so.
            if not hold.held().exclude(lease_until=None).update(lease_until=timezone.now() + LEASE):
                hold.lost.set()
        except Exception:
            logger.exception("the lease of %s was not renewed", name)
        finally:
            connection.close()
