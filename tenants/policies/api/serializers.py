"""Policies, freezes and explanations: the shape of what clients send and get."""

from typing import Any

from rest_framework import serializers

from tenants.policies.choices import PolicyEffect
from tenants.policies.models.policy import AccessPolicy, AccessPolicyVersion, Freeze
from tenants.rest.fields import Flag, StrictSerializer, Text, WholeNumber

MAX_SIMULATED = 10_000


class PolicySerializer(serializers.ModelSerializer[AccessPolicy]):
    effect = serializers.ChoiceField(choices=PolicyEffect.choices, read_only=True)
    actions = serializers.ListField(child=serializers.CharField(), read_only=True)
    subject = serializers.JSONField(read_only=True)
    resource = serializers.JSONField(read_only=True)
    context = serializers.JSONField(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = AccessPolicy
        fields = [
            *("id", "name", "description", "effect", "actions", "resource_type", "subject", "resource", "context"),
            *("code", "is_enabled", "is_built_in", "version", "created_at", "updated_at"),
        ]


class PolicyFields(StrictSerializer):
    description = Text(required=False)
    effect = Text(required=False, help_text="allow or deny")
    actions = serializers.JSONField(required=False, help_text="A list of actions of the resource type")
    resource_type = Text(required=False)
    subject = serializers.JSONField(required=False, help_text="A condition; everybody is {match_all: true}")
    resource = serializers.JSONField(required=False, help_text="A condition; every row is {match_all: true}")
    context = serializers.JSONField(  # type: ignore[assignment]
        required=False, help_text="A condition; always is {match_all: true}"
    )
    code = Text(required=False, help_text="What clients get as code where this denies")
    is_enabled = Flag(required=False)


class PolicyCreate(StrictSerializer):
    name = Text()
    description = Text()
    effect = Text(help_text="allow or deny")
    actions = serializers.JSONField(help_text="A list of actions of the resource type")
    resource_type = Text()
    subject = serializers.JSONField(help_text="A condition; everybody is {match_all: true}")
    resource = serializers.JSONField(help_text="A condition; every row is {match_all: true}")
    context = serializers.JSONField(  # type: ignore[assignment]
        help_text="A condition; always is {match_all: true}"
    )
    code = Text(required=False, default="", help_text="What clients get as code where this denies")
    is_enabled = Flag(required=False, default=True)


class PolicyChange(PolicyFields):
    version = WholeNumber(help_text="The version that you read")


class PolicyVersionSerializer(serializers.ModelSerializer[AccessPolicyVersion]):
    changed_by = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True, help_text="null for what came with Berth"
    )
    content = serializers.DictField(read_only=True)

    class Meta:
        model = AccessPolicyVersion
        fields = ["version", "content", "changed_by", "changed_at"]


class SimulationRequest(StrictSerializer):
    last = WholeNumber(required=False, default=1000, min_value=1, max_value=MAX_SIMULATED)
    draft = PolicyFields(required=False, help_text="Fields that differ from the saved policy")


class ChangedDecisionSerializer(serializers.Serializer[Any]):
    event = serializers.IntegerField(source="event.pk", help_text="The audit event's id")
    time = serializers.DateTimeField(source="event.created_at")
    actor = serializers.CharField(source="event.actor.username", read_only=True, allow_null=True, default=None)
    action = serializers.CharField(source="event.decision.action")
    resource = serializers.SerializerMethodField(help_text="app:app1000001")
    before = serializers.BooleanField(help_text="Whether the policies in force allow it")
    after = serializers.BooleanField(help_text="Whether it would be allowed with the draft")
    policy = serializers.CharField(help_text="What would decide; empty where nothing would allow it")

    def get_resource(self, changed: Any) -> str:
        decision = changed.event.decision
        return f"{decision['resource_type']}:{decision['resource_id']}"


class SimulationSerializer(serializers.Serializer[Any]):
    examined = serializers.IntegerField(help_text="How many decisions there were on the draft's actions")
    changed = ChangedDecisionSerializer(many=True)


class FreezeSerializer(serializers.ModelSerializer[Freeze]):
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Freeze
        fields = ["id", "reason", "starts_at", "ends_at", "created_by", "created_at"]


class FreezeCreate(StrictSerializer):
    reason = Text()
    starts_at = serializers.DateTimeField(required=False, help_text="Now, if left out")
    ends_at = serializers.DateTimeField()


class MatchedPolicySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    effect = serializers.SerializerMethodField()
    description = serializers.CharField()

    def get_effect(self, policy: Any) -> str:
        return PolicyEffect.DENY.value if policy.is_deny else PolicyEffect.ALLOW.value


class FailureSerializer(serializers.Serializer[Any]):
    policy = serializers.CharField()
    condition = serializers.CharField(help_text="subject, resource or context")
    term = serializers.CharField(help_text="The attribute and lookup that failed")
    wanted = serializers.JSONField()
    found = serializers.JSONField()


class ExplanationSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField(source="decision.allowed")
    policy = serializers.CharField(source="decision.policy", help_text="What decided; empty where nothing allows it")
    reason = serializers.CharField(source="decision.reason")
    matched = MatchedPolicySerializer(many=True)
    failed = FailureSerializer(allow_null=True)


class AbleSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(source="user.username")
    is_service_account = serializers.BooleanField(source="user.is_service_account")
    policy = serializers.CharField(help_text="What lets them")


class WhoCanSerializer(serializers.Serializer[Any]):
    results = AbleSerializer(many=True)
    platform_staff = serializers.IntegerField(
        help_text="How many people of the platform can as well, where you may not see who"
    )
