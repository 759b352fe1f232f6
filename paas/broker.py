"""Celery's Redis transport without the client's own retries.

A message is only a wake-up: a request must not wait several seconds for a broker that is away, and the sweep finds the
row anyway. redis-py retries a connection three times with growing pauses unless it is given a `Retry` of its own.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        return {**parameters, "retry": Retry(NoBackoff(), 0)}


class Transport(redis.Transport):
    Channel = Channel


def register() -> None:
    """Makes every `redis` broker URL of this process use the transport above."""
    for alias in ("redis", "rediss"):
        TRANSPORT_ALIASES[alias] = "paas.broker:Transport"
