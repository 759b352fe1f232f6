"""The live settings of an environment, beside those of its next release."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.apps.models.environment import Environment
from tenants.apps.selectors import compared

_CHANGES = ("added", "changed", "removed")


class LiveSettings(serializers.Serializer[Any]):
    """A release's own settings; it keeps them for as long as it is live."""

    release = serializers.IntegerField(help_text="The number of the live release")
    memory_mib = serializers.IntegerField()
    cpu_millis = serializers.IntegerField()
    pids = serializers.IntegerField()
    disk_mib = serializers.IntegerField()
    health_check_path = serializers.CharField()
    hostnames = serializers.ListField(child=serializers.CharField())
    variables = serializers.ListField(child=serializers.CharField(), help_text="Names alone")


class PendingSetting(serializers.Serializer[Any]):
    name = serializers.CharField()
    live = serializers.JSONField()
    next = serializers.JSONField()


class PendingVariable(serializers.Serializer[Any]):
    name = serializers.CharField()
    change = serializers.ChoiceField(choices=_CHANGES)


class Pending(serializers.Serializer[Any]):
    """The changes that the next release will bring, as things are set now."""

    settings = PendingSetting(many=True)
    variables = PendingVariable(many=True)


class EnvironmentComparison(serializers.Serializer[Environment]):
    live = serializers.SerializerMethodField(help_text="null where nothing is live")
    pending = serializers.SerializerMethodField(help_text="null where nothing is live: then all of it is for the first")

    @extend_schema_field(LiveSettings(allow_null=True))
    def get_live(self, environment: Environment) -> dict[str, Any] | None:
        shown = compared(environment)
        if shown.release is None:
            return None
        names = [row.name for row in shown.variables if row.change != "added"]
        return {
            "release": shown.release.number,
            **{row.name: row.live for row in shown.settings},
            "variables": names,
        }

    @extend_schema_field(Pending(allow_null=True))
    def get_pending(self, environment: Environment) -> dict[str, Any] | None:
        shown = compared(environment)
        if shown.release is None:
            return None
        return {
            "settings": [
                {"name": row.name, "live": row.live, "next": row.next} for row in shown.settings if row.differs
            ],
            "variables": [{"name": row.name, "change": row.change} for row in shown.variables if row.change],
        }
