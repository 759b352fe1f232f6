"""Tokens for the REST API: a password buys one, and it is shown once."""

from typing import Any

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from paas.api.authentication import CHALLENGE
from paas.api.throttling import SignInAddressThrottle, SignInNameThrottle
from tenants.api.base import signed_in
from tenants.api.fields import StrictSerializer, Text
from tenants.models import ApiToken, User
from tenants.services.people import api_token_create, api_token_revoke


class TokenCreate(StrictSerializer):
    username = Text(max_length=150)
    password = Text(max_length=1000, style={"input_type": "password"})
    name = Text(help_text="What the token is for, for your own list")


class TokenCreated(serializers.Serializer[None]):
    token = serializers.CharField(help_text="Shown this once")
    expires_at = serializers.DateTimeField()
    name = serializers.CharField()


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ["id", "name", "created_at", "expires_at", "last_used_at"]


class TokenListView(ListAPIView):
    """GET: your own tokens that are in force, without their text."""

    serializer_class = TokenSerializer

    # Who asks for a token has none yet; the password is the credential.
    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self._signs_in() else super().get_authenticators()

    def get_permissions(self) -> Any:
        return [AllowAny()] if self._signs_in() else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        return [SignInAddressThrottle(), SignInNameThrottle()] if self._signs_in() else super().get_throttles()

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _signs_in(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return _in_force(self.request)

    @extend_schema(operation_id="token_create", request=TokenCreate, responses={201: TokenCreated}, auth=[])
    def post(self, request: Request) -> Response:
        """A token for a user name and password. An unknown name takes as long as a wrong password."""
        sent = TokenCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = sent.validated_data
        # The hasher runs for unknown names too.
        user = authenticate(request._request, username=fields["username"], password=fields["password"])
        if not isinstance(user, User):
            raise AuthenticationFailed("user name or password is wrong", code="invalid_credentials")
        token, text = api_token_create(user=user, name=fields["name"])
        return Response(
            {"token": text, "expires_at": token.expires_at, "name": token.name}, status=status.HTTP_201_CREATED
        )


class TokenView(APIView):
    @extend_schema(operation_id="token_revoke", responses={204: None})
    def delete(self, request: Request, token: int) -> Response:
        """Revokes one of your own tokens, at once."""
        row = _in_force(request).filter(pk=min(token, 2**63 - 1)).first()
        if row is None:
            raise Http404
        api_token_revoke(token=row, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _in_force(request: Request) -> QuerySet[ApiToken]:
    user = request.user if request.user.is_authenticated else None
    return ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now())
