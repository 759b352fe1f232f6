"""A relay between the platform and something it needs, as a process of its own: while it is stopped, that is down.

`python -m tests.end_to_end.relay LISTEN TARGET`; both are `unix:PATH` or `tcp:PORT` (on 127.0.0.1).
"""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Relay:
    """`start` returns when it listens; `stop` ends it and with it every connection through it."""

    def __init__(self, listen: str, target: str) -> None:
        self.listen = listen
        self.target = target
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.is_open:
            return
        if self._answers():
            raise RuntimeError(f"somebody else listens at {self.listen}: what is behind it would never be down")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.relay", self.listen, self.target], cwd=ROOT
        )
        until = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no relay listens at {self.listen}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def is_open(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        kind, _, where = self.listen.partition(":")
        with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as connection:
            try:
                connection.connect(where if kind == "unix" else ("127.0.0.1", int(where)))
            except OSError:
                return False
        return True


async def _connect(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    kind, _, where = target.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(where)
    return await asyncio.open_connection("127.0.0.1", int(where))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        # One side has said all it had to say; the other may still answer.
        writer.write_eof()
    except OSError:
        writer.close()


async def _serve(listen: str, target: str) -> None:
    # The event loop itself does not hold on to a task.
    running: set[asyncio.Task[None] | None] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        try:
            there_reader, there_writer = await _connect(target)
        except OSError:
            writer.close()
            running.discard(asyncio.current_task())
            return
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        there_writer.close()
        writer.close()
        running.discard(asyncio.current_task())

    kind, _, where = listen.partition(":")
    if kind == "unix":
        await asyncio.to_thread(Path(where).unlink, missing_ok=True)
        server = await asyncio.start_unix_server(relay, where)
    else:
        server = await asyncio.start_server(relay, "127.0.0.1", int(where))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
