"""HTTP with an end: whatever the server does, a request is over after so long, all of it.

A timeout of `requests` is for each packet. A server that sends a header a byte at a time would keep who asks for as
long as it likes, and one that reads a request so. Here a watch breaks the connection when the time is over.
"""

import contextlib
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """For one session, of one thread. Within `ending` its connections are broken when the time is over."""

    def __init__(self, **kwargs: Any) -> None:
        self._connections: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.is_over = False
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        connected = self._connected

        class Http(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                connected(self)

        class Https(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                connected(self)

        class HttpPool(HTTPConnectionPool):
            ConnectionCls = Http

        class HttpsPool(HTTPSConnectionPool):
            ConnectionCls = Https

        self.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}

    @contextlib.contextmanager
    def ending(self, after_s: float) -> Iterator[None]:
        """`is_over` says afterwards whether the time was over. Connecting has the session's own timeout."""
        self.is_over = False
        watch = threading.Timer(after_s, self._end)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _connected(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connections.add(connection)
            is_late = self.is_over
        if is_late:
            _break(connection)

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            connections = list(self._connections)
        for connection in connections:
            _break(connection)


def _break(connection: HTTPConnection) -> None:
    """Whoever waits for the other side wakes up and finds it gone."""
    found = connection.sock
    if isinstance(found, socket.socket):
        # TLS's own would say goodbye first, and wait for an answer.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(found, socket.SHUT_RDWR)
