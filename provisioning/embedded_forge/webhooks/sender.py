"""Sends webhooks: one attempt each, in order for each hook, none waiting for another hook's receiver."""

import http.client
import json
import logging
import ssl
import threading
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from django.db import connections, transaction

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.entities.projects import instance
from provisioning.embedded_forge.locks import hold_project
from provisioning.embedded_forge.models import Delivery, Hook, Pipeline, User
from provisioning.embedded_forge.webhooks import payloads

logger = logging.getLogger(__name__)
HEADERS = {"pipeline_events": "Pipeline Hook", "push_events": "Push Hook", "tag_push_events": "Tag Push Hook"}
MAX_ANSWER_BYTES = 64 * 1024
# Deliveries kept for each hook.
KEPT = 100


class Sender:
    """A thread for each hook that has something to send."""

    def __init__(self) -> None:
        self._threads: dict[int, threading.Thread] = {}

    def send_pending(self) -> None:
        """Returns at once; the threads send."""
        self._threads = {hook: thread for hook, thread in self._threads.items() if thread.is_alive()}
        waiting = Delivery.objects.filter(state="pending").values_list("hook", flat=True).distinct()
        for hook_id in waiting:
            if hook_id not in self._threads:
                thread = threading.Thread(target=self._drain, args=(hook_id,), name=f"hook-{hook_id}", daemon=True)
                self._threads[hook_id] = thread
                thread.start()

    def _drain(self, hook_id: int) -> None:
        try:
            while True:
                row = (
                    Delivery.objects.filter(state="pending", hook=hook_id)
                    .select_related("hook__project")
                    .order_by("pk")
                    .first()
                )
                if row is None:
                    break
                # Marked before it is sent: nothing is sent twice, even if this process is killed now.
                if Delivery.objects.filter(pk=row.pk, state="pending").update(state="sent"):
                    _attempt(row)
            _forget_old(hook_id)
        except Exception:
            logger.exception("deliveries to hook %s stopped", hook_id)
        finally:
            connections.close_all()


def _forget_old(hook_id: int) -> None:
    sent = Delivery.objects.filter(hook=hook_id, state="sent").order_by("-pk").values_list("pk", flat=True)
    if old := list(sent[KEPT:]):
        with transaction.atomic():
            hold_project(hooks=hook_id)
            Delivery.objects.filter(pk__in=old).delete()


def _attempt(row: Delivery) -> None:
    """One request. Its outcome is noted and changes nothing else."""
    started = time.monotonic()
    try:
        body = _payload(row)
        status = str(_post(row, body)) if body is not None else "subject is gone"
    except (OSError, http.client.HTTPException, ValueError) as error:
        status = f"internal error: {type(error).__name__}"[:40]
    Delivery.objects.filter(pk=row.pk).update(response_status=status, duration_s=round(time.monotonic() - started, 3))


def _payload(row: Delivery) -> dict[str, Any] | None:
    subject, project = row.subject, row.hook.project
    if row.event == "pipeline_events":
        found = (
            Pipeline.objects.select_related("project", "project__namespace", "user")
            .filter(pk=subject["pipeline"])
            .first()
        )
        if found is None or (found.user is not None and not found.user.is_active):
            return None
        return payloads.pipeline(found)
    actor = User.objects.filter(pk=subject.get("user")).first()
    if subject.get("test"):
        return payloads.push(
            project, actor, before="0" * 40, after="0" * 40, ref=f"refs/heads/{project.default_branch}"
        )
    return payloads.push(project, actor, before=subject["before"], after=subject["after"], ref=subject["ref"])


def _post(row: Delivery, body: dict[str, Any]) -> int:
    """The status of the answer. Redirects are not followed."""
    hook = row.hook
    url = urlsplit(hook.url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"GitLab/{configuration.VERSION}",
        "Idempotency-Key": str(row.idempotency_key),
        "X-Gitlab-Event": HEADERS[row.event],
        "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
        "X-Gitlab-Instance": instance(),
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
        "Connection": "close",
    }
    if hook.token:
        headers["X-Gitlab-Token"] = hook.token
    connection = _connection(hook, url.scheme, url.hostname or "", url.port)
    try:
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        connection.request("POST", target, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        answer.read(MAX_ANSWER_BYTES)
        return answer.status
    finally:
        connection.close()


def _connection(hook: Hook, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    timeout = configuration.hook_timeout_s()
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    if not hook.is_ssl_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
