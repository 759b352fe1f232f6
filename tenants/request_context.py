"""The id of the request under way, so that what it writes can be found by it. Empty outside a request."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
