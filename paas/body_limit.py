"""Refuses a request body that is too large before anything of it is written to disk.

Django's ASGI handler spools the whole body to a temporary file before it calls the first middleware, for anybody.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# What an application takes is typed differently by everybody who makes one.
Application = Callable[[Any, Any, Any], Awaitable[None]]

MIB = 1024 * 1024


class BodyTooLarge(Exception):
    """More came than the path admits."""


class BodyLimit:
    """An ASGI application in front of another one.

    `limit_of` gives the largest body in bytes that a path (undecoded) admits. A declared length is refused with 413 at
    once; a body of unannounced length is read up to the limit, and then the connection ends with 413.
    """

    def __init__(self, application: Application, limit_of: Callable[[str], int]) -> None:
        self.application = application
        self.limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit = self.limit_of(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            await _refuse(send, limit)
            return
        read, has_answered = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise BodyTooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self.application(scope, counted, noted)
        except BodyTooLarge:
            if not has_answered:
                await _refuse(send, limit)


async def _refuse(send: Send, limit: int) -> None:
    problem = {
        "type": "urn:berth:error:body_too_large",
        "title": "The body is too large",
        "status": 413,
        "detail": f"the body has more than {limit} bytes: send less",
        "code": "body_too_large",
        "errors": [],
        "request_id": "",
    }
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
