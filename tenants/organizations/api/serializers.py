"""Organizations and members, as clients send and get them."""

from typing import Any

from rest_framework import serializers

from tenants.organizations.models.organization import Membership, Organization
from tenants.people.choices import MemberRole, PlatformRole
from tenants.rest.fields import StrictSerializer, Text


class OrganizationCreate(StrictSerializer):
    name = Text()
    slug = Text()


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["slug", "name", "created_at"]


class MemberSerializer(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")
    role = serializers.ChoiceField(choices=MemberRole.choices)

    class Meta:
        model = Membership
        fields = ["username", "role", "created_at"]


class MyOrganization(serializers.ModelSerializer[Membership]):
    slug = serializers.CharField(source="organization.slug")
    name = serializers.CharField(source="organization.name")
    role = serializers.ChoiceField(choices=MemberRole.choices)

    class Meta:
        model = Membership
        fields = ["slug", "name", "role"]


class MeSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=PlatformRole.choices))
    organizations = MyOrganization(source="memberships", many=True)
