"""Grants on one app or release, as clients send and get them."""

from typing import Any

from rest_framework import serializers

from tenants.policies.services.grants import APP_PERMISSIONS, RELEASE_PERMISSIONS
from tenants.rest.fields import StrictSerializer, Text


class AppGrantCreate(StrictSerializer):
    username = Text(help_text="An existing person's user name")
    permission = Text(help_text=f"One of {', '.join(APP_PERMISSIONS)}")


class ReleaseGrantCreate(StrictSerializer):
    username = Text(help_text="An existing person's user name")
    permission = Text(help_text=f"One of {', '.join(RELEASE_PERMISSIONS)}")


class GrantSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField(source="user.username")
    permission = serializers.CharField(source="permission.codename")
    granted_by = serializers.CharField(source="granted_by.username", read_only=True, allow_null=True, default=None)
    created_at = serializers.DateTimeField()
