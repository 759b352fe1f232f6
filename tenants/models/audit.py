from django.conf import settings
from django.db import models

from tenants.resources import Attribute, Kind, ResourceType, register


class AuditEvent(models.Model):
    """What happened: one row for every write by a service. `actor` is empty where the platform itself acted."""

    created_at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=60)
    message = models.TextField()
    organization = models.ForeignKey("Organization", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    app = models.ForeignKey("PluginApp", null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    environment = models.CharField(max_length=20, blank=True)
    release = models.ForeignKey("Release", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    data = models.JSONField(default=dict, help_text="Never a secret.")
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["app", "-id"], name="event_by_app"),
            models.Index(fields=["organization", "-id"], name="event_by_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M:%S} {self.action}"


AUDIT_EVENT = register(
    ResourceType(
        name="audit_event",
        model=AuditEvent,
        actions={"audit.view": "read", "audit.export": "read"},
        attributes=(
            Attribute("action", Kind.TEXT),
            Attribute("actor", Kind.ID, is_nullable=True),
            Attribute("organization", Kind.ID, is_nullable=True),
            Attribute("organization_slug", Kind.TEXT, "organization__slug", is_nullable=True),
            Attribute("app", Kind.NUMBER, "app__number", is_nullable=True),
            Attribute("created_at", Kind.TIME),
        ),
        organization="organization",
        app="app",
        app_grants={"audit.view": "view_pluginapp"},
    )
)
