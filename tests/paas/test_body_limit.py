"""Nobody fills the disk with a body: what is too large is refused while it comes in."""

import asyncio
from typing import Any

import pytest

from paas.body_limit import BodyLimit


def ask(body: list[bytes], *, length: bytes | None = None, limit: int = 10) -> tuple[list[int], list[bytes]]:
    """Statuses sent, and what the application behind got to read."""
    read: list[bytes] = []
    sent: list[Any] = []
    pieces = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        for _ in body:
            read.append((await receive())["body"])  # noqa: PERF401 - what came before an error counts
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return pieces.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "path": "/x", "headers": headers}
    asyncio.run(BodyLimit(application, lambda _path: limit)(scope, receive, send))
    return [message["status"] for message in sent if "status" in message], read


def test_a_body_within_the_limit_passes() -> None:
    assert ask([b"12345", b"67890"], length=b"10") == ([200], [b"12345", b"67890"])


@pytest.mark.parametrize("length", [b"11", b"999999999999", b"-1", b"x"])
def test_a_length_that_is_too_large_or_none_is_refused_unread(length: bytes) -> None:
    assert ask([b"12345"], length=length) == ([413], [])


def test_a_body_of_unannounced_length_is_read_no_further_than_the_limit() -> None:
    assert ask([b"12345", b"67890", b"1"]) == ([413], [b"12345", b"67890"])
