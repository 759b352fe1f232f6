"""Explicit grants on one app or one release."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access import rows
from tenants.access.finding import again, get_app, get_release, get_visible
from tenants.policies.api.serializers_grants import AppGrantCreate, GrantSerializer, ReleaseGrantCreate
from tenants.policies.models.grants import PluginAppUserObjectPermission, ReleaseUserObjectPermission
from tenants.policies.services.grants import app_grant_create, grant_revoke, release_grant_create
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class AppGrantListView(IdempotentCreate, ListAPIView):
    """With whom the app is shared, beside its organization's members."""

    serializer_class = GrantSerializer
    access_actions = {"GET": "app_grant.view", "POST": "app_grant.create"}

    def get_queryset(self) -> QuerySet[PluginAppUserObjectPermission]:
        if getattr(self, "swagger_fake_view", False):
            return PluginAppUserObjectPermission.objects.none()
        app = get_app(self.request.user, self.kwargs["app"])
        return access.restrict(rows.app_grants().filter(content_object=app), self.request.user, "app_grant.view")

    @extend_schema(request=AppGrantCreate, responses={201: GrantSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Lets one person do one thing with this app. Owners and maintainers only."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> PluginAppUserObjectPermission:
        app = get_app(request.user, kwargs["app"])
        sent = AppGrantCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return app_grant_create(app=app, **sent.validated_data, actor=signed_in(request))

    def represent(self, row: PluginAppUserObjectPermission) -> Any:
        return GrantSerializer(again(rows.app_grants(), row)).data


class AppGrantView(APIView):
    access_actions = {"DELETE": "app_grant.revoke"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, app: str, grant: int) -> Response:
        """Takes the grant back, at once."""
        row = get_visible(
            rows.app_grants(),
            user=request.user,
            action="app_grant.view",
            content_object=get_app(request.user, app),
            pk=grant,
        )
        grant_revoke(grant=row, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReleaseGrantListView(IdempotentCreate, ListAPIView):
    """Who may see the release beside those who may see its app."""

    serializer_class = GrantSerializer
    access_actions = {"GET": "release_grant.view", "POST": "release_grant.create"}

    def get_queryset(self) -> QuerySet[ReleaseUserObjectPermission]:
        if getattr(self, "swagger_fake_view", False):
            return ReleaseUserObjectPermission.objects.none()
        release = get_release(self.request.user, self.kwargs["release"])
        grants = rows.release_grants().filter(content_object=release)
        return access.restrict(grants, self.request.user, "release_grant.view")

    @extend_schema(request=ReleaseGrantCreate, responses={201: GrantSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Lets one person see this release. Operators only."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> ReleaseUserObjectPermission:
        release = get_release(request.user, kwargs["release"])
        sent = ReleaseGrantCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return release_grant_create(release=release, **sent.validated_data, actor=signed_in(request))

    def represent(self, row: ReleaseUserObjectPermission) -> Any:
        return GrantSerializer(again(rows.release_grants(), row)).data


class ReleaseGrantView(APIView):
    access_actions = {"DELETE": "release_grant.revoke"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, release: int, grant: int) -> Response:
        """Takes the grant back, at once."""
        row = get_visible(
            rows.release_grants(),
            user=request.user,
            action="release_grant.view",
            content_object=get_release(request.user, release),
            pk=grant,
        )
        grant_revoke(grant=row, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
