"""Apps, environments and variables, as clients send and get them."""

from typing import Any

from rest_framework import serializers

from tenants.apps.api.serializers_live import EnvironmentComparison
from tenants.apps.choices import AppState, EnvironmentName, Fallback, Stack
from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.organizations.models.organization import Organization
from tenants.releases.models.release import Release
from tenants.rest.fields import Flag, StrictSerializer, Text, WholeNumber


class CurrentRelease(serializers.ModelSerializer[Release]):
    class Meta:
        model = Release
        fields = ["id", "number", "commit_sha"]


class EnvironmentSummary(serializers.ModelSerializer[Environment]):
    name = serializers.ChoiceField(choices=EnvironmentName.choices)
    hostnames: Any = serializers.SlugRelatedField(source="subdomains", slug_field="hostname", many=True, read_only=True)
    current_release = CurrentRelease(read_only=True, allow_null=True)

    class Meta:
        model = Environment
        fields = ["name", "hostnames", "current_release"]


class VariableSerializer(serializers.ModelSerializer[ConfigVariable]):
    """A variable without its value: that of one which is no secret is shown with the releases that have it."""

    class Meta:
        model = ConfigVariable
        fields = ["name", "is_secret", "updated_at"]


class VariableSet(StrictSerializer):
    value = Text(help_text="At most 4096 bytes; a secret's never comes back.", style={"input_type": "password"})
    secret = Flag(default=True, help_text="Masked in logs. Reviewers are shown the value of one that is none.")


class EnvironmentSerializer(EnvironmentComparison, EnvironmentSummary):
    """Settings and variables as the next release will have them; `live` has those of the release that is live."""

    fallback = serializers.ChoiceField(choices=Fallback.choices)
    variables = VariableSerializer(many=True, read_only=True)

    class Meta(EnvironmentSummary.Meta):
        fields = [
            *EnvironmentSummary.Meta.fields,
            *("memory_mib", "cpu_millis", "pids", "disk_mib", "health_check_path", "fallback", "variables"),
            *("live", "pending"),
        ]


class EnvironmentChange(StrictSerializer):
    memory_mib = WholeNumber(required=False, help_text="32 to 4096")
    cpu_millis = WholeNumber(required=False, help_text="Thousandths of one core, 50 to 4000")
    pids = WholeNumber(required=False, help_text="16 to 1024")
    disk_mib = WholeNumber(required=False, help_text="8 to 1024")
    health_check_path = Text(required=False)


class FallbackSet(StrictSerializer):
    fallback = Text(help_text="none, standby (a second set of containers) or host (the host's own nginx and php-fpm)")


class RepositorySerializer(serializers.Serializer[PluginApp]):
    http_url = serializers.SerializerMethodField()

    def get_http_url(self, app: PluginApp) -> str | None:
        return app.repository_http_url or None


class AppSerializer(serializers.ModelSerializer[PluginApp]):
    id = serializers.CharField(source="public_id", read_only=True, help_text="app1000001")
    organization = serializers.SlugRelatedField[Organization](slug_field="slug", read_only=True)
    state = serializers.ChoiceField(choices=AppState.choices, read_only=True)
    stack = serializers.ChoiceField(choices=Stack.choices, read_only=True)
    repository = RepositorySerializer(source="*", read_only=True)
    environments = EnvironmentSummary(many=True, read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = PluginApp
        fields = [
            *("id", "organization", "name", "slug", "stack", "state", "error", "repository", "environments"),
            *("created_by", "created_at"),
        ]


class AppCreate(StrictSerializer):
    organization = Text(help_text="The organization's slug")
    name = Text()
    slug = Text()
    stack = Text(help_text="php or static")


class AppChange(StrictSerializer):
    name = Text(required=False)
