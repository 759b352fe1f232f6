"""Tokens for git, as clients get them."""

from typing import Any

from rest_framework import serializers


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
