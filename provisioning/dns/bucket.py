"""A token bucket: how many calls may be made now, and how long to wait for more. Pure arithmetic."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Bucket:
    """`tokens` were in it at `at`; it fills by `rate_per_s` up to `burst`. It may be overdrawn: then it owes."""

    tokens: float
    at: datetime | None
    rate_per_s: float
    burst: int

    def filled(self, now: datetime) -> float:
        """What is in it now. A clock that went back fills nothing; one never used is full."""
        if self.at is None:
            return float(self.burst)
        return min(self.burst, self.tokens + max(0.0, (now - self.at).total_seconds()) * self.rate_per_s)

    def wait_s(self, calls: int, now: datetime) -> float:
        """How long until `calls` may be made; for more than it ever holds, until it is full."""
        missing = min(calls, self.burst) - self.filled(now)
        return max(0.0, missing / self.rate_per_s)
