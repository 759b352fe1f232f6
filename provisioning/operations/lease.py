"""A worker's lease on a row: the one way in which workers keep off each other's work.

A worker claims a row, renews the lease while it works (`heartbeat`), and releases it. The fence grows with each claim.
It stands in the row itself: so one statement both checks it and writes, and the database refuses a write of a worker
that was away too long. Writes to other rows stand inside `Lease.fenced`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.exceptions import LeaseLost
from provisioning.operations.heartbeat import LEASE, lease_owner, renewing


class Leased(models.Model):
    """A row that one worker at a time works on: `lease_owner` until `lease_until`. `fence` counts the claims."""

    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=Leased)


@dataclass
class Lease(Generic[Row]):
    """One worker's hold on one row. `last` is written with the release."""

    row: Row
    fence: int
    lost: threading.Event = field(default_factory=threading.Event)
    last: dict[str, object] = field(default_factory=dict)

    def held(self) -> QuerySet[Row]:
        """The row, as long as nobody else has claimed it."""
        return type(self.row)._base_manager.filter(pk=self.row.pk, fence=self.fence)

    def write(self, **values: object) -> None:
        """Writes the row; without values, only renews the lease. Raises `LeaseLost`."""
        values = values or {"lease_until": timezone.now() + LEASE}
        if self.lost.is_set() or not self.held().update(**values):
            raise LeaseLost

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A transaction for other rows: nobody else claims this one before its end. Raises `LeaseLost`."""
        with transaction.atomic():
            self.write()
            yield

    def release(self) -> None:
        self.held().update(lease_until=None, lease_owner="", **self.last)


def claim(rows: QuerySet[Row], **values: object) -> Row | None:
    """The one row of `rows`, with `values` written beside the lease; None if another worker has it, or it is gone.

    Safe under concurrent callers: the fence decides.
    """
    now = timezone.now()
    free = rows.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    row = free.first()
    if row is None:
        return None
    lease = {"fence": row.fence + 1, "lease_owner": lease_owner(), "lease_until": now + LEASE}
    if not free.filter(fence=row.fence).update(**lease, **values):
        return None
    for name, value in lease.items():
        setattr(row, name, value)
    return row


@contextmanager
def holding(rows: QuerySet[Row]) -> Iterator[Lease[Row] | None]:
    """The lease on the one row of `rows` for as long as the block takes; None if another worker has it."""
    row = claim(rows)
    if row is None:
        yield None
        return
    lease = Lease(row, row.fence)
    with renewing(lease, f"{row._meta.verbose_name} {row}"):
        try:
            yield lease
        finally:
            lease.release()
