"""Messages to the workers: wake-ups, nothing more. A broker that is away costs time; the sweep comes round."""

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

RUN_OPERATION = "provisioning.run_operation"
SYNC_MEMBERS = "provisioning.sync_members"
END_GIT_TOKENS = "provisioning.end_git_tokens"
CHECK_DOMAINS = "provisioning.check_domains"
SERVE_NAMES = "provisioning.serve_names"
SYNC_ZONE = "provisioning.sync_zone"
REMOVE_DRAINED = "provisioning.remove_drained"
READ_PUSHES = "provisioning.read_pushes"


def wake(operation_id: int, *, countdown_s: float = 0) -> None:
    """Asks a worker to look at the operation."""
    _publish(RUN_OPERATION, operation_id, countdown_s=countdown_s)


def wake_on_commit(operation_id: int) -> None:
    transaction.on_commit(partial(wake, operation_id))


def wake_membership(organization_id: int) -> None:
    """Asks a worker to make the forge group's members those of the organization."""
    _publish(SYNC_MEMBERS, organization_id)


def wake_git_tokens_end(user_id: int) -> None:
    """Asks a worker to revoke the tokens for git of an account that has ended."""
    _publish(END_GIT_TOKENS, user_id)


def wake_domain_check(domain_id: int) -> None:
    """Asks a worker to look at a customer's domain, if it is due."""
    _publish(CHECK_DOMAINS, domain_id)


def wake_edge(environment_id: int) -> None:
    """Asks a worker to have the edge serve the environment under the names that it has now."""
    _publish(SERVE_NAMES, environment_id)


def wake_zone(hosted_zone_id: int) -> None:
    """Asks a worker to write what waits in the zone."""
    _publish(SYNC_ZONE, hosted_zone_id)


def wake_removal(environment_id: int, *, countdown_s: float = 0) -> None:
    """Asks a worker to remove what finished deployments of the environment left to drain."""
    _publish(REMOVE_DRAINED, environment_id, countdown_s=countdown_s)


def wake_pushes(app_id: int) -> None:
    """Asks a worker to read who pushed to the app's repository."""
    _publish(READ_PUSHES, app_id)


def _publish(task: str, *arguments: int, countdown_s: float = 0) -> None:
    try:
        current_app.send_task(task, arguments, countdown=countdown_s or None, retry=False)
    except (OperationalError, OSError) as exc:
        logger.warning("the broker did not take %s%s: %s", task, arguments, exc)
