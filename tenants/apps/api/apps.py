"""Apps."""

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
from tenants.access.finding import again, get_app
from tenants.apps.api.serializers import AppChange, AppCreate, AppSerializer
from tenants.apps.filters import AppFilter
from tenants.apps.models.plugin_app import PluginApp
from tenants.apps.services.apps import app_create, app_retire, app_update
from tenants.exceptions import InvalidInput
from tenants.organizations.models.organization import Organization
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class AppListView(IdempotentCreate, ListAPIView):
    access_actions = {"GET": "app.view", "POST": "app.create"}
    serializer_class = AppSerializer
    filterset_class = AppFilter

    def get_queryset(self) -> QuerySet[PluginApp]:
        return access.restrict(rows.apps(), self.request.user, "app.view")

    @extend_schema(request=AppCreate, responses={201: AppSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Asks for an app: its repository, environments and hostnames are made in the background."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> PluginApp:
        sent = AppCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = sent.validated_data
        visible = access.restrict(Organization.objects.all(), request.user, "organization.view")
        organization = visible.filter(slug=fields.pop("organization")).first()
        if organization is None:
            raise InvalidInput.field("organization", "is none that you can see: name the slug of yours")
        return app_create(organization=organization, **fields, actor=signed_in(request))

    def represent(self, row: PluginApp) -> Any:
        return AppSerializer(again(rows.apps(), row)).data


class AppView(APIView):
    access_actions = {"GET": "app.view", "PATCH": "app.change", "DELETE": "app.retire"}

    @extend_schema(responses=AppSerializer)
    def get(self, request: Request, app: str) -> Response:
        return _shown(get_app(request.user, app, queryset=rows.apps()))

    @extend_schema(request=AppChange, responses=AppSerializer)
    def patch(self, request: Request, app: str) -> Response:
        row = get_app(request.user, app)
        sent = AppChange(data=request.data)
        sent.is_valid(raise_exception=True)
        app_update(app=row, name=sent.validated_data.get("name", row.name), actor=signed_in(request))
        return _shown(again(rows.apps(), row))

    @extend_schema(responses={202: AppSerializer})
    def delete(self, request: Request, app: str) -> Response:
        """Retires the app: its containers, hostnames and repositories go, in the background."""
        row = get_app(request.user, app)
        app_retire(app=row, actor=signed_in(request))
        return _shown(again(rows.apps(), row), status.HTTP_202_ACCEPTED)


def _shown(app: PluginApp, code: int = status.HTTP_200_OK) -> Response:
    return Response(AppSerializer(app).data, status=code)
