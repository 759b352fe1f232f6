"""Hands git's output on as it comes: archives, files, packs. No answer is held in memory."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from provisioning.repositories.reading.process import environment

CHUNK_BYTES = 64 * 1024
TIMEOUT_S = 600


async def output(
    directory: Path, *arguments: str, sent: bytes = b"", more: Mapping[str, str] | None = None
) -> AsyncIterator[bytes]:
    """Gives git's output. A reader that goes away takes the process with it; so does `TIMEOUT_S`."""
    process = await asyncio.create_subprocess_exec(
        *("git", f"--git-dir={directory}", *arguments),
        cwd="/",
        env=environment(directory, **(more or {})),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        limit=CHUNK_BYTES,
    )
    feeding = asyncio.create_task(_feed(process, sent))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while process.stdout is not None and (chunk := await process.stdout.read(CHUNK_BYTES)):
                yield chunk
            if await process.wait():
                # The client sees a connection that breaks, and no answer that looks whole.
                raise ConnectionError(f"git {arguments[0]} ended with {process.returncode}")
    finally:
        feeding.cancel()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


async def _feed(process: asyncio.subprocess.Process, sent: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(sent)
        await process.stdin.drain()
    process.stdin.close()
