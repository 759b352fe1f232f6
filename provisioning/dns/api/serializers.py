"""Zones, accounts at DNS providers, records and plans: the shape of what clients send and get."""

import json
from typing import Any

from rest_framework import serializers

from provisioning.dns.change_plan import Plan
from provisioning.dns.choices import DnsRecordState, DriftPolicy
from provisioning.dns.models import DnsAccount, DnsRecord, HostedZone
from tenants.names.models.zone import Zone
from tenants.rest.fields import Flag, StrictSerializer, Text, WholeNumber

MAX_TEXTS = 1000
# What one answer shows of a plan; the counts are of all.
MAX_CHANGES = 1000


class Texts(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=4000), max_length=MAX_TEXTS, **kwargs)


class TextsByName(serializers.DictField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=4000), **kwargs)


class ProviderSettingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    help = serializers.CharField()
    is_secret = serializers.BooleanField(help_text="Such go into `secrets`, and are never shown again")
    is_required = serializers.BooleanField()
    default = serializers.CharField(allow_null=True)


class ProviderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    settings = ProviderSettingSerializer(many=True)


class ProvidersSerializer(serializers.Serializer[Any]):
    results = ProviderSerializer(many=True)


class DnsAccountSerializer(serializers.ModelSerializer[DnsAccount]):
    settings = serializers.DictField(child=serializers.CharField(), read_only=True)
    secrets = serializers.SerializerMethodField(help_text="The names of those that are set")
    zones = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = DnsAccount
        fields = ["name", "provider", "settings", "secrets", "zones", "is_enabled", "blocked_until", "created_at"]
        read_only_fields = fields

    def get_secrets(self, account: DnsAccount) -> list[str]:
        return sorted(json.loads(account.secrets))


class DnsAccountCreate(StrictSerializer):
    name = Text()
    provider = Text(help_text="One of /dns/providers/")
    settings = TextsByName(required=False, default=dict)
    secrets = TextsByName(required=False, default=dict)
    zones = Texts(help_text="The zones that the account may be used for, and no others")


class DnsAccountChange(StrictSerializer):
    settings = TextsByName(required=False, help_text="All of them")
    secrets = TextsByName(required=False, help_text="Those that are to be replaced")
    zones = Texts(required=False)
    is_enabled = Flag(required=False)


class HostingSerializer(serializers.ModelSerializer[HostedZone]):
    account = serializers.CharField(source="account.name", read_only=True)
    targets = serializers.ListField(child=serializers.CharField(), read_only=True)
    next_targets = serializers.ListField(child=serializers.CharField(), read_only=True)
    drift_policy = serializers.ChoiceField(choices=DriftPolicy.choices, read_only=True)
    live_checks = serializers.ListField(child=serializers.CharField(), read_only=True)
    nameservers = serializers.ListField(child=serializers.CharField(), read_only=True)
    findings = serializers.ListField(child=serializers.DictField(child=serializers.CharField()), read_only=True)

    class Meta:
        model = HostedZone
        fields = [
            *("account", "owner", "targets", "ttl_s", "low_ttl_s", "next_targets", "move_at", "lowered_at"),
            *("drift_policy", "live_checks", "nameservers", "findings", "last_sync_at", "last_error"),
        ]
        read_only_fields = fields


class ZoneSerializer(serializers.ModelSerializer[Zone]):
    applies_to = serializers.JSONField(read_only=True)
    hosting = serializers.SerializerMethodField(help_text="null for a zone whose records somebody else makes")

    class Meta:
        model = Zone
        fields = ["name", "applies_to", "priority", "is_wildcard", "is_enabled", "created_at", "hosting"]
        read_only_fields = fields

    def get_hosting(self, zone: Zone) -> dict[str, Any] | None:
        hosted = getattr(zone, "hosting", None)
        return None if hosted is None else dict(HostingSerializer(hosted).data)


class ZoneChange(StrictSerializer):
    applies_to = serializers.JSONField(required=False, help_text="A condition on environments, as in policies")
    priority = WholeNumber(required=False, help_text="The lowest number is asked first")
    is_wildcard = Flag(required=False)
    is_enabled = Flag(required=False)


class ZoneCreate(ZoneChange):
    name = Text(help_text="In A-labels")


class HostingSet(StrictSerializer):
    account = Text()
    targets = Texts(required=False, help_text="Addresses, or one name; none: those of the edge's setting")
    ttl_s = WholeNumber(required=False)
    low_ttl_s = WholeNumber(required=False, help_text="Before a planned move")
    drift_policy = Text(required=False, help_text="repair or report")
    live_checks = Texts(required=False, help_text="Some of authoritative, resolvers, edge")
    nameservers = Texts(required=False, help_text="address:port; none: those that the delegation leads to")


class DnsRecordSerializer(serializers.ModelSerializer[DnsRecord]):
    values = serializers.ListField(child=serializers.CharField(), read_only=True)
    app = serializers.CharField(source="app.public_id", read_only=True, allow_null=True, default=None)
    environment = serializers.CharField(source="environment.name", read_only=True, allow_null=True, default=None)
    state = serializers.ChoiceField(choices=DnsRecordState.choices, read_only=True)

    class Meta:
        model = DnsRecord
        fields = [
            *("id", "name", "type", "values", "ttl_s", "given_ttl_s", "app", "environment", "state", "error"),
            "applied_at",
        ]
        read_only_fields = fields


class PlannedSerializer(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["create", "update", "delete", "conflict"])
    name = serializers.CharField()
    type = serializers.CharField()
    app = serializers.CharField(help_text="Whose it is, where that is known")
    text = serializers.CharField(help_text="What is there, and what would be")


class PlanSerializer(serializers.Serializer[Plan]):
    digest = serializers.CharField()
    creates = serializers.SerializerMethodField()
    updates = serializers.SerializerMethodField()
    deletes = serializers.SerializerMethodField()
    conflicts = serializers.SerializerMethodField()
    untouched = serializers.IntegerField()
    total = serializers.IntegerField(help_text="How many record sets the zone has")
    share = serializers.FloatField(help_text="What part of them would change or be deleted")
    needs_override = serializers.BooleanField()
    changes = serializers.SerializerMethodField(help_text=f"The first {MAX_CHANGES}")

    def get_creates(self, plan: Plan) -> int:
        return len(plan.creates)

    def get_updates(self, plan: Plan) -> int:
        return len(plan.updates)

    def get_deletes(self, plan: Plan) -> int:
        return len(plan.deletes)

    def get_conflicts(self, plan: Plan) -> int:
        return len(plan.conflicts)

    def get_changes(self, plan: Plan) -> list[dict[str, Any]]:
        actions = {"+": "create", "~": "update", "-": "delete", "!": "conflict"}
        return [
            {"action": actions[sign], "name": item.key[0], "type": item.key[1], "app": item.app, "text": str(item)}
            for sign, item in plan.signed[:MAX_CHANGES]
        ]


class Apply(StrictSerializer):
    plan = Text(max_length=64, help_text="The digest of the plan")
    override = Text(required=False, default="", help_text="Why the plan may change so much of the zone")


class Move(StrictSerializer):
    targets = Texts()
    at = serializers.DateTimeField()
    override = Text(required=False, default="", help_text="Why the move may change so much of the zone")


class Adopt(StrictSerializer):
    name = Text(max_length=253)
    type = Text(max_length=5)
    reason = Text()
    previous_owner = Text(required=False, default="", help_text="The text of the owner record that is there")
