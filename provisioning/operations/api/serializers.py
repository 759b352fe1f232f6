"""Deployments and their steps, as clients get them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from provisioning.operations.choices import STEP_STATES_SHOWN
from provisioning.operations.models import Deployment, Step
from provisioning.operations.selectors.moves import move_of
from tenants.audit.choices import Actor


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
