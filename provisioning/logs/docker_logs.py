"""Reads containers' logs from one Docker Engine, over its HTTP API, without a thread.

The Docker SDK blocks a thread for each stream that is followed, and closing one from outside is a race. Here a stream
is a connection of the event loop's own, closed for certain when whoever reads it stops, fails or is cancelled.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from provisioning.exceptions import OperatorError, ServiceUnavailable
from provisioning.logs.frames import BrokenStream, LineAssembler, RawLine, read_lines

ANSWER_TIMEOUT_S = 10
_CHUNK = 64 * 1024
_NS = 10**9


class ContainerGone(Exception):
    """The container was removed, and its log with it."""


@dataclass(frozen=True, kw_only=True)
class LogContainer:
    """`release` is 0 where the container does not say."""

    id: str
    name: str
    role: str
    release: int


class LogEngine:
    """One engine, by its URL: `unix:///path` or `tcp://host:port`. Holds no connection between calls."""

    def __init__(self, docker_url: str) -> None:
        self.docker_url = docker_url

    async def containers(self, labels: Mapping[str, str], *, container_id: str = "") -> list[LogContainer]:
        """All that carry `labels`, running or not; the one with `container_id` where it is given."""
        filters: dict[str, list[str]] = {"label": _label_filters(labels)}
        if container_id:
            filters["id"] = [container_id]
        params = {"all": "1", "filters": json.dumps(filters)}
        async with self._get("/containers/json", params) as body, asyncio.timeout(ANSWER_TIMEOUT_S):
            rows: list[dict[str, Any]] = json.loads(b"".join([chunk async for chunk in body]))
        return [_container(row) for row in rows]

    @contextlib.asynccontextmanager
    async def lines(
        self,
        container_id: str,
        assembler: LineAssembler,
        *,
        since_ns: int | None = None,
        until_ns: int | None = None,
        tail: int | None = None,
        is_follow: bool = False,
    ) -> AsyncIterator[AsyncIterator[RawLine]]:
        """The container's lines in the order Docker wrote them. Both times are inclusive; `tail` counts frames.

        Raises `ContainerGone`, or `ServiceUnavailable` where the engine does not answer or breaks off.
        """
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": "all" if tail is None else str(tail)}
        if is_follow:
            params["follow"] = "1"
        for name, value in (("since", since_ns), ("until", until_ns)):
            if value is not None:
                params[name] = f"{value // _NS}.{value % _NS:09}"
        async with self._get(f"/containers/{quote(container_id, safe='')}/logs", params) as body:
            try:
                yield read_lines(body, assembler)
            except BrokenStream:
                raise OperatorError(
                    f"the log of {container_id[:12]} is no stream of stdout and stderr: run it without a terminal"
                ) from None

    @contextlib.asynccontextmanager
    async def changes(self, labels: Mapping[str, str]) -> AsyncIterator[AsyncIterator[str]]:
        """Ids of containers with `labels` as they start or are removed, from the moment this is entered."""
        filters = {"type": ["container"], "event": ["start", "destroy"], "label": _label_filters(labels)}
        async with self._get("/events", {"filters": json.dumps(filters)}) as body:
            yield _ids(body)

    @contextlib.asynccontextmanager
    async def _get(self, path: str, params: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of the answer, in pieces. Its connection is gone when the block is left, however it is left."""
        transport: asyncio.WriteTransport | None = None
        try:
            with self._speaking():
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    reader, writer = await self._connect()
                    transport = writer.transport
                    # No version in the path: the oldest and the newest engines have none in common.
                    target = f"{path}?{urlencode(params)}"
                    writer.write(f"GET {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
                    status, headers = await _head(reader)
                    said = "" if status == 200 else (await reader.read(4096)).decode(errors="replace").strip()
            if status == 404:
                raise ContainerGone
            if status != 200:
                raise ServiceUnavailable(f"the Docker Engine at {self.docker_url} answers {status}: {said}")
            yield self._body(reader, headers)
        finally:
            if transport is not None:
                transport.abort()

    async def _body(self, reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        with self._speaking():
            if headers.get("transfer-encoding") != "chunked":
                while data := await reader.read(_CHUNK):
                    yield data
                return
            while size := int((await reader.readline() or b"x").split(b";")[0], 16):
                while size:
                    data = await reader.read(min(size, _CHUNK))
                    if not data:
                        raise EOFError("it broke off in the middle of an answer")
                    size -= len(data)
                    yield data
                await reader.readline()

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, ValueError) as exc:
            why = str(exc) or type(exc).__name__
            raise ServiceUnavailable(
                f"the Docker Engine at {self.docker_url} does not answer: start it ({why})"
            ) from exc

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = urlsplit(self.docker_url)
        if url.scheme == "unix":
            return await asyncio.open_unix_connection(url.path, limit=_CHUNK)
        if url.scheme in {"tcp", "http"} and url.hostname:
            return await asyncio.open_connection(url.hostname, url.port or 2375, limit=_CHUNK)
        raise OperatorError(f"logs can't be read from {self.docker_url}: give the host a unix:// or tcp:// URL")


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status_line = (await reader.readline()).decode("latin-1")
    if not status_line.startswith("HTTP/1."):
        raise EOFError("it closed the connection")
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip().lower()
    return int(status_line.split()[1]), headers


async def _ids(body: AsyncIterator[bytes]) -> AsyncIterator[str]:
    buffer = b""
    async for data in body:
        *complete, buffer = (buffer + data).split(b"\n")
        for line in complete:
            if line.strip():
                yield str(json.loads(line)["Actor"]["ID"])


def _label_filters(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]


def _container(row: dict[str, Any]) -> LogContainer:
    labels = row["Labels"]
    number = labels.get("berth.release", "")
    return LogContainer(
        id=row["Id"],
        name=row["Names"][0].removeprefix("/") if row["Names"] else row["Id"][:12],
        role=labels.get("berth.role", ""),
        release=int(number) if number.isdigit() else 0,
    )
