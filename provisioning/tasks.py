"""Celery's entry points: an id in, one workflow call. A message is only a wake-up: the row is the truth."""

import logging
from functools import partial

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from provisioning.workflows import reconcile as reconciler
from provisioning.workflows import registry
from provisioning.workflows import sweep as sweeper

logger = logging.getLogger(__name__)


@shared_task(name="provisioning.run_operation")
def run_operation(operation_id: int) -> None:
    pause = registry.run(operation_id)
    if pause is not None:
        wake(operation_id, countdown_s=pause)


@shared_task(name="provisioning.sweep")
def sweep() -> None:
    for operation_id in sweeper.due():
        wake(operation_id)


@shared_task(name="provisioning.reconcile")
def reconcile() -> None:
    reconciler.run()


def wake(operation_id: int, *, countdown_s: float = 0) -> None:
    """Asks a worker to look at the operation. A broker that is away costs time, nothing else: the sweep comes round."""
    try:
        run_operation.apply_async((operation_id,), countdown=countdown_s or None, retry=False)
    except (OperationalError, OSError) as exc:
        logger.warning("the broker did not take the wake-up of operation %s: %s", operation_id, exc)


def wake_on_commit(operation_id: int) -> None:
    transaction.on_commit(partial(wake, operation_id))
