"""Webhooks of a project, and what was sent to them."""

import uuid

from django.db import models

from provisioning.embedded_forge.encryption import EncryptedTextField
from provisioning.embedded_forge.models.project import Project

EVENTS = (
    "push_events", "tag_push_events", "pipeline_events", "job_events", "deployment_events", "issues_events",
    "confidential_issues_events", "merge_requests_events", "note_events", "confidential_note_events",
    "wiki_page_events", "releases_events", "feature_flag_events", "emoji_events", "resource_access_token_events",
)  # fmt: skip


class Hook(models.Model):
    """`events` lists the switched-on names of `EVENTS`; those this forge has no occasion for are never sent."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="hooks")
    url = models.CharField(max_length=2048)
    token = EncryptedTextField(blank=True, default="")
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.TextField(blank=True, default="")
    events = models.JSONField(default=list)
    is_ssl_verified = models.BooleanField(default=True)
    push_branch_filter = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_hook"

    def __str__(self) -> str:
        return f"hook {self.pk}"


class Delivery(models.Model):
    """One event for one hook. `state`: pending, sent. It is marked sent before the one attempt is made, so that a
    runner that was killed never sends it twice. The payload is built when it is sent, from what `subject` names."""

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    subject = models.JSONField(default=dict)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True)
    state = models.CharField(max_length=10, default="pending")
    response_status = models.CharField(max_length=40, blank=True, default="")
    duration_s = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_delivery"
        indexes = [models.Index(fields=["state", "hook"], name="forge_delivery_state")]

    def __str__(self) -> str:
        return f"{self.event} to {self.hook_id}"
