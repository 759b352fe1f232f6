"""A vendor's HTTP API on loopback: the part that all vendors share. Each has its records, and answers as documented."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    body: bytes | str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Row:
    """One record. `name` is absolute, without the dot at its end."""

    id: str
    name: str
    type: str
    value: str
    ttl: int
    more: dict[str, Any] = field(default_factory=dict)


class VendorApi:
    """`asked` is every request so far. What is in `faults` is answered first, whatever is asked."""

    def __init__(self) -> None:
        self.zones: dict[str, dict[str, Row]] = {}
        self.asked: list[Asked] = []
        self.faults: list[Answer] = []
        self.url = ""
        self.released = threading.Event()
        self.released.set()
        self._ids = itertools.count(100001)
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def take(self, asked: Asked) -> Answer:
        self.released.wait(30)
        with self._lock:
            self.asked.append(asked)
            return self.faults.pop(0) if self.faults else self.answer(asked)

    def add(self, zone: str, name: str, type_: str, value: str, ttl: int = 300, **more: Any) -> Row:
        row = Row(id=str(next(self._ids)), name=name, type=type_, value=value, ttl=ttl, more=more)
        self.zones.setdefault(zone, {})[row.id] = row
        return row

    def at(self, zone: str, name: str, *, but: str = "") -> list[Row]:
        return [row for row in self.zones[zone].values() if row.name == name and row.id != but]

    def is_conflict(self, zone: str, name: str, type_: str, *, but: str = "") -> bool:
        types = {row.type for row in self.at(zone, name, but=but)}
        return "CNAME" in types or (bool(types) and type_ == "CNAME")

    def is_double(self, zone: str, name: str, type_: str, value: str, *, but: str = "") -> bool:
        return any((row.type, row.value) == (type_, value) for row in self.at(zone, name, but=but))

    def published(self, name: str, type_: str) -> list[str]:
        rows = [row for rows in self.zones.values() for row in rows.values()]
        return sorted(row.value for row in rows if (row.name, row.type) == (name, type_))

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self.released.clear()
        try:
            yield
        finally:
            self.released.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: else the second waits for the first one's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    take: Callable[[Asked], Answer]

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        answer = type(self).take(
            Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
        )
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        try:
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # who asked has gone

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_args: object) -> None:
        pass


Api = TypeVar("Api", bound=VendorApi)


@contextmanager
def serving(api: Api) -> Iterator[Api]:
    handler = type("Handler", (_Handler,), {"take": staticmethod(api.take)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        api.released.set()
        server.shutdown()
        server.server_close()
