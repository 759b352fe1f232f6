"""Tokens for the REST API: a password buys one, or a session, or another token. It is shown once."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from paas.api.authentication import CHALLENGE
from paas.throttling import SignInAddressThrottle
from tenants import access
from tenants.access import rows
from tenants.access.finding import get_visible
from tenants.audit.choices import AuthenticationMethod
from tenants.audit.request_context import Authentication, authentication
from tenants.people.api.serializers import TokenCreated, TokenRequest, TokenSerializer
from tenants.people.api.service_accounts import shown_once
from tenants.people.filters import TokenFilter
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.people.services.second_factor import second_factor_shown
from tenants.people.services.sign_in import password_check
from tenants.people.services.tokens import ALL_SCOPES, api_token_create, api_token_revoke
from tenants.people.token_places import named_app, named_organization, named_ttl
from tenants.rest.base import signed_in
from tenants.rest.fields import Text, TextList

_CREDENTIALS = ("username", "password", "otp")


class TokenCreate(TokenRequest):
    scopes = TextList(required=False, help_text="Of read, deploy, review, operate; all four if left out")


class SignInTokenCreate(TokenCreate):
    username = Text(max_length=150)
    password = Text(max_length=1000, style={"input_type": "password"})
    otp = Text(
        required=False,
        max_length=100,
        help_text="A code of your second factor, or a recovery code: needed where you have one",
    )


class TokenCreateDocumented(TokenCreate):
    """Whoever is signed in already, by a session or a token, leaves out user name, password and otp."""

    username = Text(max_length=150, required=False)
    password = Text(max_length=1000, required=False, style={"input_type": "password"})
    otp = Text(required=False, max_length=100)


class TokenListView(ListAPIView):
    """GET: your own tokens that are in force, without their text; operators see those of `user` too."""

    serializer_class = TokenSerializer
    filterset_class = TokenFilter
    access_actions = {"GET": "token.view", "POST": "token.create"}

    def perform_authentication(self, request: Request) -> None:
        if self._signs_in(request):
            # The password is the credential; whatever else came with the request counts for nothing.
            request.user, request.auth = AnonymousUser(), None
        else:
            super().perform_authentication(request)

    def get_permissions(self) -> Any:
        return [AllowAny()] if self._signs_in(self.request) else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        return [SignInAddressThrottle()] if self._signs_in(self.request) else super().get_throttles()

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _signs_in(self, request: Request | None) -> bool:
        if request is None or request.method != "POST":
            return False
        if isinstance(request.data, Mapping) and any(name in request.data for name in _CREDENTIALS):
            return True
        return "Authorization" not in request.headers and not request._request.user.is_authenticated

    def get_queryset(self) -> QuerySet[ApiToken]:
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        tokens = rows.tokens_in_force()
        if "user" not in self.request.query_params:
            tokens = tokens.filter(user=signed_in(self.request))
        return access.restrict(tokens, self.request.user, "token.view")

    @extend_schema(
        operation_id="token_create",
        request=TokenCreateDocumented,
        responses={201: TokenCreated},
        auth=[{}, {"token": []}, {"session": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request) -> Response:
        """A token for a user name and password, or for who is signed in already.

        An unknown name takes as long as a wrong password. A token made with another token has no wider scopes than that
        one, and ends no later.
        """
        if not self._signs_in(request):
            sent = TokenCreate(data=request.data)
            sent.is_valid(raise_exception=True)
            return _created(signed_in(request), sent.validated_data)
        sent = SignInTokenCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = sent.validated_data
        address = request.META.get("REMOTE_ADDR") or None
        user = password_check(username=fields["username"], password=fields["password"], address=address)
        shown = second_factor_shown(user=user, code=fields.get("otp"))
        authentication.set(
            Authentication(method=AuthenticationMethod.PASSWORD, address=address, has_second_factor=shown)
        )
        return _created(user, fields)


class TokenView(APIView):
    access_actions = {"DELETE": "token.revoke"}

    @extend_schema(operation_id="token_revoke", responses={204: None})
    def delete(self, request: Request, token: int) -> Response:
        """Revokes a token at once: one of your own, or of your organization's service accounts; operators: any."""
        row = get_visible(rows.tokens_in_force(), user=request.user, action="token.view", pk=token)
        api_token_revoke(token=row, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _created(user: User, fields: Mapping[str, Any]) -> Response:
    row, text = api_token_create(
        user=user,
        actor=user,
        name=fields["name"],
        scopes=fields.get("scopes", ALL_SCOPES),
        organization=named_organization(user, fields.get("organization")),
        app=named_app(user, fields.get("app")),
        ttl=named_ttl(fields.get("expires_in_days")),
        has_second_factor=authentication.get().has_second_factor,
    )
    return shown_once(row, text)
