"""Requests that go on while something breaks, and the count of those that failed."""

import http.client
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """Sends requests through the edge from several keep-alive connections until it is stopped; a third are POSTs."""

    edge: str
    hostname: str
    clients: int = 4
    get_sent: int = 0
    get_failed: int = 0
    post_sent: int = 0
    post_failed: int = 0
    reconnects: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def sent(self) -> int:
        return self.get_sent + self.post_sent

    def _client(self) -> None:
        parts = urlsplit(self.edge)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        number, used = 0, False
        while not self._stop.is_set():
            number += 1
            method = "POST" if number % 3 == 0 else "GET"
            outcome = self._request(connection, method)
            if outcome == "reconnect" and used:
                # The edge closed an idle connection: the client opens another one and asks again.
                with self._lock:
                    self.reconnects += 1
                connection.close()
                outcome = self._request(connection, method)
            used = outcome == "200"
            self._count(method, outcome)
            if not used:
                connection.close()
                time.sleep(0.01)
        connection.close()

    def _request(self, connection: http.client.HTTPConnection, method: str) -> str:
        try:
            connection.request(method, "/", body=b"" if method == "POST" else None, headers={"Host": self.hostname})
            response = connection.getresponse()
            response.read()
            return str(response.status)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            return "reconnect"
        except (OSError, http.client.HTTPException) as exc:
            return type(exc).__name__

    def _count(self, method: str, outcome: str) -> None:
        with self._lock:
            if method == "GET":
                self.get_sent += 1
                self.get_failed += outcome != "200"
            else:
                self.post_sent += 1
                self.post_failed += outcome != "200"
            if outcome != "200" and len(self.failures) < 20:
                self.failures.append(f"{method} {outcome}")
