from django.conf import settings
from django.db import models

from tenants.audit.chain import GENESIS
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class AuditChain(models.Model):
    """The head of one chain of audit events: an organization's, or the platform's own.

    `sequence` and `hash` are those of its last event. Whoever appends moves them by compare-and-set, and holds the row
    until the transaction has ended.
    """

    name = models.CharField(max_length=60, unique=True)
    organization = models.OneToOneField(
        "Organization", null=True, blank=True, on_delete=models.PROTECT, related_name="audit_chain"
    )
    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class AuditEvent(models.Model):
    """What happened: one row for every write by a service, never changed again. `actor` is empty where the platform
    itself acted.

    `hash` covers everything that the event says and the hash of the event before it in its chain (see
    `tenants.audit.chain`). On PostgreSQL a trigger refuses every change and removal of a row. No trigger of rows
    sees that a whole table is emptied, but the heads that stay show it. `manage.py verify_audit` finds all of it, on
    any database.
    """

    chain = models.ForeignKey("AuditChain", on_delete=models.PROTECT, related_name="events", db_index=False)
    sequence = models.PositiveBigIntegerField(help_text="The place in the chain, from 1 and without a gap.")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(help_text="When it happened: events are written when their transaction ends.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    authentication_method = models.CharField(max_length=20, blank=True)
    source_address = models.CharField(max_length=45, blank=True)
    # No foreign key: what a token did outlives it.
    token_id = models.BigIntegerField(null=True, blank=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=200, blank=True, help_text="As people name it: app1000001, a slug, a name.")
    message = models.TextField()
    before = models.JSONField(default=dict, blank=True, help_text="Never a secret.")
    after = models.JSONField(default=dict, blank=True, help_text="Never a secret.")
    data = models.JSONField(default=dict, blank=True, help_text="Never a secret.")
    policy = models.CharField(max_length=120, blank=True, help_text="The policy or grant that allowed it.")
    decision = models.JSONField(default=dict, blank=True, help_text="All that the decision rested on. Never a secret.")
    organization = models.ForeignKey("Organization", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    app = models.ForeignKey("PluginApp", null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    environment = models.CharField(max_length=20, blank=True)
    release = models.ForeignKey("Release", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_event_once_per_place_in_chain"),
        ]
        indexes = [
            models.Index(fields=["app", "-id"], name="event_by_app"),
            models.Index(fields=["organization", "-id"], name="event_by_organization"),
            models.Index(fields=["actor", "-id"], name="event_by_actor"),
            models.Index(fields=["action", "-id"], name="event_by_action"),
            models.Index(fields=["object_type", "object_id", "-id"], name="event_by_object"),
            models.Index(fields=["created_at"], name="event_by_time"),
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
