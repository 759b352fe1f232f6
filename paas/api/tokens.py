"""Tokens for the REST API: a password buys one, and it is shown once."""

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from paas.api.authentication import CHALLENGE
from paas.api.throttling import SignInAddressThrottle, SignInNameThrottle
from tenants.api.fields import StrictSerializer, Text
from tenants.models import User
from tenants.services.people import api_token_create


class TokenCreate(StrictSerializer):
    username = Text(max_length=150)
    password = Text(max_length=1000, style={"input_type": "password"})
    name = Text(help_text="What the token is for, for your own list")


class TokenCreated(serializers.Serializer[None]):
    token = serializers.CharField(help_text="Shown this once")
    expires_at = serializers.DateTimeField()
    name = serializers.CharField()


class TokenListView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInAddressThrottle, SignInNameThrottle]

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE

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
