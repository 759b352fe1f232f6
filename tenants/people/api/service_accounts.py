"""An organization's service accounts and their tokens."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access import rows
from tenants.access.finding import again, get_organization, get_visible
from tenants.audit.request_context import authentication
from tenants.people.api.serializers import (
    ServiceAccountCreate,
    ServiceAccountSerializer,
    ServiceAccountTokenCreate,
    TokenCreated,
    TokenSerializer,
)
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.people.services.service_accounts import (
    service_account_create,
    service_account_remove,
    service_account_username,
)
from tenants.people.services.tokens import api_token_create
from tenants.people.token_places import named_app, named_ttl
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class ServiceAccountListView(IdempotentCreate, ListAPIView):
    serializer_class = ServiceAccountSerializer
    access_actions = {"GET": "service_account.view", "POST": "service_account.create"}

    def get_queryset(self) -> QuerySet[User]:
        if getattr(self, "swagger_fake_view", False):
            return User.objects.none()
        organization = get_organization(self.request.user, self.kwargs["slug"])
        accounts = rows.service_accounts().filter(service_organization=organization)
        return access.restrict(accounts, self.request.user, "service_account.view")

    @extend_schema(
        request=ServiceAccountCreate, responses={201: ServiceAccountSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """An account for a machine, a member of this organization alone. It signs in with tokens only."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> User:
        organization = get_organization(request.user, kwargs["slug"])
        sent = ServiceAccountCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return service_account_create(organization=organization, **sent.validated_data, actor=signed_in(request)).user

    def represent(self, row: User) -> Any:
        return ServiceAccountSerializer(again(rows.service_accounts(), row)).data


class ServiceAccountView(APIView):
    access_actions = {"DELETE": "service_account.remove"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, name: str) -> Response:
        """Removes the account: its tokens and its access to repositories end at once."""
        service_account_remove(account=_account(request, slug, name), actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ServiceAccountTokenListView(ListAPIView):
    """The account's tokens that are in force, without their text."""

    serializer_class = TokenSerializer
    access_actions = {"GET": "token.view", "POST": "token.create"}

    def get_queryset(self) -> QuerySet[ApiToken]:
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        account = _account(self.request, self.kwargs["slug"], self.kwargs["name"])
        return access.restrict(rows.tokens_in_force().filter(user=account), self.request.user, "token.view")

    @extend_schema(request=ServiceAccountTokenCreate, responses={201: TokenCreated})
    def post(self, request: Request, slug: str, name: str) -> Response:
        """A token for the account, good in this organization alone, or in one app of it. Owners only."""
        account = _account(request, slug, name)
        sent = ServiceAccountTokenCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = sent.validated_data
        row, text = api_token_create(
            user=account,
            actor=signed_in(request),
            name=fields["name"],
            scopes=fields["scopes"],
            app=named_app(request.user, fields.get("app")),
            ttl=named_ttl(fields.get("expires_in_days")),
            has_second_factor=authentication.get().has_second_factor,
        )
        return shown_once(row, text)


def shown_once(row: ApiToken, text: str) -> Response:
    row.text = text  # type: ignore[attr-defined]
    return Response(TokenCreated(row).data, status=status.HTTP_201_CREATED)


def _account(request: Request, slug: str, name: str) -> User:
    organization = get_organization(request.user, slug)
    if "\x00" in name:
        raise Http404
    return get_visible(
        rows.service_accounts(),
        user=request.user,
        action="service_account.view",
        username=service_account_username(organization, name),
        service_organization=organization,
    )
