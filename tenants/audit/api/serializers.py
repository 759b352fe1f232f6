"""Audit events as the API shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.audit import chain
from tenants.audit.models import AuditEvent
from tenants.people.models.user import User

# Where somebody came from and all that a decision looked at is theirs, and of those who oversee the platform.
WITHHELD = ("decision", "source_address", "token")


def is_shown_whole(event: AuditEvent, *, user: User, oversees: bool) -> bool:
    return oversees or event.actor_id == user.pk


class EventSerializer(serializers.ModelSerializer[AuditEvent]):
    """Takes `user` and `oversees` from its context: see `is_shown_whole`."""

    time = serializers.DateTimeField(source="created_at", read_only=True)
    actor = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True, help_text="null where the platform itself acted"
    )
    source_address = serializers.SerializerMethodField(help_text="null where it is somebody else's")
    object = serializers.SerializerMethodField(help_text="Such as app:app1000001")
    organization = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)
    app = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True, allow_null=True)
    environment = serializers.SerializerMethodField()
    release = serializers.SerializerMethodField(help_text="The release's number")
    before = serializers.DictField(read_only=True)
    after = serializers.DictField(read_only=True)
    data = serializers.DictField(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "time",
            "actor",
            "authentication_method",
            "source_address",
            "action",
            "object",
            "message",
            "before",
            "after",
            "data",
            "policy",
            "organization",
            "app",
            "environment",
            "release",
            "request_id",
            "sequence",
            "hash",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_source_address(self, event: AuditEvent) -> str | None:
        user, oversees = self.context["user"], self.context["oversees"]
        return event.source_address or None if is_shown_whole(event, user=user, oversees=oversees) else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_object(self, event: AuditEvent) -> str | None:
        return f"{event.object_type}:{event.object_id}" if event.object_type else None

    def get_environment(self, event: AuditEvent) -> str | None:
        return event.environment or None

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_release(self, event: AuditEvent) -> int | None:
        return event.release.number if event.release else None


def export_line(event: AuditEvent, *, user: User, oversees: bool) -> dict[str, Any]:
    """Everything that the hash covers, the hash, and under `names` the present names of what has only an id in it.

    Without `hash`, `names` and `withheld`, as JSON with sorted keys and no spaces, a line has the SHA-256 that is its
    `hash`: except for one of which something is withheld.
    """
    line = chain.content(event, chain=event.chain.name)
    withheld = [] if is_shown_whole(event, user=user, oversees=oversees) else list(WITHHELD)
    names = {
        "actor": event.actor.username if event.actor else None,
        "organization": event.organization.slug if event.organization else None,
        "app": event.app.public_id if event.app else None,
        "release": event.release.number if event.release else None,
    }
    return line | dict.fromkeys(withheld) | {"hash": event.hash, "names": names, "withheld": withheld}
