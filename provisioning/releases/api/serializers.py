"""How provisioning's rows look from outside."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from provisioning.certificates.models import Certificate
from provisioning.inventory.models.host import Host
from provisioning.operations.choices import STEP_STATES_SHOWN
from provisioning.operations.models import Deployment, Step
from provisioning.operations.selectors.moves import move_of
from tenants.audit.choices import Actor
from tenants.rest.fields import StrictSerializer


class StepSerializer(serializers.ModelSerializer[Step]):
    state = serializers.ChoiceField(
        choices=STEP_STATES_SHOWN,
        source="shown_state",
        read_only=True,
        help_text="not_reached, cancelled: the operation ended before the step did.",
    )

    class Meta:
        model = Step
        fields = ["name", "state", "attempts", "started_at", "finished_at", "output", "error"]
        read_only_fields = fields


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """One attempt to make a release live, with its steps in their order."""

    app = serializers.CharField(source="app.public_id", read_only=True)
    environment = serializers.CharField(source="environment.name", read_only=True)
    release = serializers.IntegerField(source="release_id", read_only=True)
    release_number = serializers.IntegerField(source="release.number", read_only=True)
    requested_by = serializers.CharField(source="requested_by.username", read_only=True, allow_null=True, default=None)
    steps = StepSerializer(many=True, read_only=True)
    whose_move = serializers.SerializerMethodField(help_text="Who must act; null if there is nothing left to do.")
    next_step = serializers.SerializerMethodField(help_text="What that person does, in one sentence.")

    class Meta:
        model = Deployment
        fields = [
            "id",
            "app",
            "environment",
            "release",
            "release_number",
            "is_rollback",
            "state",
            "error",
            "error_code",
            "whose_move",
            "next_step",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
            "steps",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Actor.choices, allow_null=True))
    def get_whose_move(self, deployment: Deployment) -> str | None:
        move = move_of(deployment)
        return move.actor.value if move else None

    def get_next_step(self, deployment: Deployment) -> str | None:
        move = move_of(deployment)
        return move.next_step if move else None


class HostSerializer(serializers.ModelSerializer[Host]):
    workloads = serializers.IntegerField(source="workload_count", read_only=True)
    ports_leased = serializers.IntegerField(source="port_count", read_only=True)
    ports = serializers.SerializerMethodField()

    class Meta:
        model = Host
        fields = ["name", "address", "transport", "roles", "is_enabled", "ports", "ports_leased", "workloads"]
        read_only_fields = fields

    def get_ports(self, host: Host) -> str:
        return f"{host.port_first}-{host.port_last}"


class CertificateSerializer(serializers.ModelSerializer[Certificate]):
    """What the edge serves for a zone or a hostname, and what is wrong with what it could serve."""

    class Meta:
        model = Certificate
        fields = ["name", "names", "source", "fingerprint", "not_before", "not_after", "state", "error"]
        read_only_fields = fields


class GitTokenSerializer(serializers.Serializer[Any]):
    """Git over HTTP takes the user name, and the token as password. The token is shown once."""

    username = serializers.CharField(read_only=True)
    token = serializers.CharField(read_only=True)
    expires_on = serializers.DateField(read_only=True)


class GitTokenListed(serializers.Serializer[Any]):
    """One of your tokens for git, without its text."""

    id = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True, allow_null=True)
    expires_on = serializers.DateField(read_only=True, allow_null=True)


class SettingChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class VariableChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    change = serializers.ChoiceField(["set", "changed", "removed", "secrecy"])
    before = serializers.CharField(allow_null=True, help_text="The live value; null if it is a secret or not there.")
    before_is_secret = serializers.BooleanField(allow_null=True, help_text="Null if nothing of this name is live.")
    after = serializers.CharField(
        allow_null=True, help_text="The release's value; null if it is a secret or not there."
    )
    after_is_secret = serializers.BooleanField(allow_null=True, help_text="Null if the release removes it.")


class RollbackSerializer(StrictSerializer):
    release = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="A release's number; nothing for the last good one."
    )
