"""Limits as the API shows and takes them."""

from typing import Any

from rest_framework import serializers

from tenants.organizations.choices import QuotaName
from tenants.organizations.selectors import ORGANIZATIONS_QUOTAS, PERSONS_QUOTAS
from tenants.rest.fields import StrictSerializer, WholeNumber


class UsageSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=QuotaName.choices)
    used = serializers.IntegerField()
    limit = serializers.IntegerField()
    is_default = serializers.BooleanField(help_text="Whether it is the installation's own: no operator has set another")


class QuotaSerializer(serializers.Serializer[Any]):
    limits = UsageSerializer(many=True)


def _limit() -> WholeNumber:
    return WholeNumber(required=False, allow_null=True, help_text="0 to 1000000; null: the installation's own again")


class OrganizationQuotaChange(StrictSerializer):
    """A limit that is left out stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        return {name.value: _limit() for name in ORGANIZATIONS_QUOTAS}


class PersonQuotaChange(StrictSerializer):
    """A limit that is left out stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        return {name.value: _limit() for name in PERSONS_QUOTAS}
