"""What the forge tells Berth. A hook is a hint that something changed: what did, is asked of the forge itself.

So a forged, replayed, reordered or lost delivery changes nothing but when Berth looks. The token is compared in
constant time; a delivery is taken once.
"""

import hmac
import json
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.models import Operation
from provisioning.repositories.models.repository import Repository, WebhookDelivery

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
KEPT_FOR = timedelta(days=30)
LOOK_S = 0.05


class WebhookRefused(Exception):
    """The delivery is not from a forge that knows the app's token."""


@dataclass(frozen=True)
class Taken:
    """What a genuine delivery concerns: operations, and the app whose pushes must be read."""

    operations: list[int] = field(default_factory=list)
    pushed_app: int | None = None


def take_delivery(*, token: str, delivery_id: str, body: bytes) -> Taken:
    """What a genuine delivery concerns; nothing for one that was taken before.

    Raises `WebhookRefused` where the token is not the project's, or the body is not a hook's.
    """
    payload = _payload(body)
    project_id = payload.get("project", {}).get("id") if isinstance(payload.get("project"), dict) else None
    repository = None
    if isinstance(project_id, int):
        projects = Q(management_project_id=project_id) | Q(code_project_id=project_id)
        repository = Repository.objects.filter(projects).first()
    # The comparison runs either way: the time taken says nothing about which projects there are.
    expected = repository.webhook_token if repository is not None else ""
    genuine = hmac.compare_digest(expected.encode(), token.encode())
    if repository is None or not expected or not genuine:
        raise WebhookRefused
    if delivery_id and not _first_time(delivery_id):
        return Taken()
    if repository.code_project_id == project_id:
        return Taken(pushed_app=repository.app_id)
    deployments = Operation.objects.filter(
        app=repository.app_id, kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED
    )
    return Taken(operations=list(deployments.values_list("pk", flat=True)))


def newest_delivery() -> int:
    """The number of the delivery that was taken last, of whichever app; 0 where there was none."""
    return WebhookDelivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def wait_for_delivery(newest: int, timeout_s: float) -> int:
    """Waits until one newer than `newest` was taken, or for so long. Gives the newest."""
    until = time.monotonic() + timeout_s
    while (found := newest_delivery()) == newest and time.monotonic() < until:
        time.sleep(LOOK_S)
    return found


def forget_deliveries() -> int:
    """Removes what was taken longer than `KEPT_FOR` ago; gives the number. GitLab repeats nothing after that."""
    return WebhookDelivery.objects.filter(received_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookRefused from None
    if not isinstance(payload, dict):
        raise WebhookRefused
    return payload


def _first_time(delivery_id: str) -> bool:
    try:
        with transaction.atomic():
            WebhookDelivery.objects.create(delivery_id=delivery_id[:100])
    except IntegrityError:
        return False
    return True
