"""Customers' own domains as clients send and get them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.apps.choices import EnvironmentName
from tenants.names.choices import DomainState
from tenants.names.custom_names import in_unicode
from tenants.names.models.custom_domain import CustomDomain, HeldName
from tenants.names.selectors.domains import records_to_set, told
from tenants.rest.fields import StrictSerializer, Text


class DomainCreate(StrictSerializer):
    hostname = Text(help_text="The name alone, as people type it: plugin.example.com")


class RecordToSetSerializer(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(
        choices=["control", "pointing"], help_text="control proves that the name is yours; pointing brings visitors"
    )
    type = serializers.ChoiceField(choices=["TXT", "CNAME", "A", "AAAA"])
    name = serializers.CharField()
    content = serializers.CharField(source="value", help_text="The text, the name or the address that it has")


class ServerAnswerSerializer(serializers.Serializer[Any]):
    server = serializers.CharField(help_text="The name server's name")
    address = serializers.CharField()
    outcome = serializers.CharField(
        help_text="answer, no_data, nx_domain, serv_fail, refused, lame, timeout, malformed"
    )
    values = serializers.ListField(child=serializers.CharField())
    cname = serializers.CharField(allow_blank=True, help_text="Where the name points, where it is a CNAME")
    detail = serializers.CharField(allow_blank=True)


class ObservationSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()
    zone = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True, help_text="Why nobody could be asked")
    answers = ServerAnswerSerializer(many=True)


class DomainSerializer(serializers.ModelSerializer[CustomDomain]):
    display_name = serializers.SerializerMethodField(help_text="As people read it, in U-labels")
    app = serializers.CharField(source="environment.app.public_id", read_only=True)
    environment = serializers.ChoiceField(source="environment.name", choices=EnvironmentName.choices, read_only=True)
    state = serializers.ChoiceField(choices=DomainState.choices, read_only=True)
    is_mixed_script = serializers.BooleanField(
        read_only=True, help_text="It mixes scripts, or could be read as another name: look twice"
    )
    detail = serializers.SerializerMethodField(help_text="What is wrong, and whose move it is")
    records = serializers.SerializerMethodField(help_text="What is to be set at the domain's DNS provider")
    observations = ObservationSerializer(many=True, read_only=True, help_text="What each name server said last")
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = CustomDomain
        fields = [
            *("id", "hostname", "display_name", "app", "environment", "state", "is_mixed_script", "detail", "records"),
            *("observations", "created_by", "created_at", "proven_at", "checked_at", "next_check_at", "failing_since"),
            *("unheard_since", "waiting_since"),
        ]

    def get_display_name(self, domain: CustomDomain) -> str:
        return in_unicode(domain.hostname)

    def get_detail(self, domain: CustomDomain) -> str:
        return told(domain)

    @extend_schema_field(RecordToSetSerializer(many=True))
    def get_records(self, domain: CustomDomain) -> Any:
        return RecordToSetSerializer(records_to_set(domain), many=True).data


class HeldNameSerializer(serializers.ModelSerializer[HeldName]):
    display_name = serializers.SerializerMethodField(help_text="As people read it, in U-labels")
    organization = serializers.SlugRelatedField[Any](
        slug_field="slug", read_only=True, help_text="Who had it last, and may prove it again"
    )
    reason = serializers.CharField(read_only=True, help_text="How its time ended")

    class Meta:
        model = HeldName
        fields = ["id", "hostname", "display_name", "organization", "reason", "held_until"]

    def get_display_name(self, held: HeldName) -> str:
        return in_unicode(held.hostname)


class HeldNameRelease(StrictSerializer):
    reason = Text(help_text="Why it may be another organization's before its time")
