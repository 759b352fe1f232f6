"""The unit of work: one transaction, with its audit events written and chained at its very end.

Each service is one (`@unit_of_work`); units may be nested, and may be opened around several services. The events wait
until the outermost unit ends and are written just before it commits: the heads of the chains are what everybody waits
for, so they are held for as short as can be, and in one order. Inside a plain `transaction.atomic` the events are
written when the outermost unit ends; heads are then held until that transaction has ended.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, TypeVar, overload

from django.db import connection, transaction

from tenants import access
from tenants.audit import request_context
from tenants.audit.models import AuditEvent
from tenants.audit.services import trail
from tenants.exceptions import NotPermitted

logger = logging.getLogger(__name__)
Service = TypeVar("Service", bound=Callable[..., Any])


class _Open(threading.local):
    """How many units are open in this thread. Connections, and so transactions, belong to a thread."""

    depth = 0


class _Pending:
    """An event that waits among the transaction's hooks: a savepoint that is rolled back takes it away with it."""

    def __init__(self, event: AuditEvent) -> None:
        self.event = event

    def __call__(self) -> None:
        raise RuntimeError(f"audit event {self.event.action} was recorded outside of any unit of work")


_open = _Open()


class UnitOfWork(ContextDecorator):
    """See `unit_of_work`."""

    def _recreate_cm(self) -> "UnitOfWork":
        return type(self)()

    def __enter__(self) -> "UnitOfWork":
        self.is_outermost = not _open.depth
        if self.is_outermost:
            request_context.decision.set(None)
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        _open.depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_outermost and error is None and not connection.needs_rollback:
            try:
                trail.append(_taken())
            except BaseException as failure:
                self._leave(type(failure), failure, failure.__traceback__)
                raise
        self._leave(kind, error, trace)
        if self.is_outermost and isinstance(error, NotPermitted) and error.decision is not None:
            _record_refusal(error)

    def _leave(self, *ending: Any) -> None:
        # First, since hooks that run after the commit may open units of their own.
        _open.depth -= 1
        is_taken_back = ending[0] is not None or connection.needs_rollback
        try:
            self._transaction.__exit__(*ending)
        finally:
            if is_taken_back:
                access.changes_taken_back()


@overload
def unit_of_work() -> UnitOfWork: ...
@overload
def unit_of_work(service: Service) -> Service: ...
def unit_of_work(service: Service | None = None) -> UnitOfWork | Service:
    """For services as `@unit_of_work`, elsewhere as `with unit_of_work():`; otherwise as `transaction.atomic`.

    A unit that ends with `NotPermitted` is rolled back, and the refusal is written in a transaction of its own, with
    the decision that refused.
    """
    return UnitOfWork() if service is None else UnitOfWork()(service)


def is_open() -> bool:
    return _open.depth > 0


def hold(event: AuditEvent) -> None:
    """Keeps `event` until the outermost unit ends. Call it inside a unit."""
    transaction.on_commit(_Pending(event))


def _taken() -> list[AuditEvent]:
    """What waits in the transaction, in the order of its recording; it waits no more."""
    waiting = [entry[1].event for entry in connection.run_on_commit if isinstance(entry[1], _Pending)]
    connection.run_on_commit = [entry for entry in connection.run_on_commit if not isinstance(entry[1], _Pending)]
    return waiting


def _record_refusal(refusal: NotPermitted) -> None:
    if refusal.decision is None:
        return
    try:
        with transaction.atomic():
            trail.append([trail.refusal(refusal.decision, message=refusal.detail)])
    except Exception:
        # What was refused stays refused, and whoever asked is told so.
        logger.exception("the refusal of %s could not be written to the trail", refusal.decision.action)
