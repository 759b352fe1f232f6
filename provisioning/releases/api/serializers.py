"""How provisioning's rows look from outside."""

from typing import Any

from rest_framework import serializers

from tenants.rest.fields import StrictSerializer


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
