"""Deployments of an app."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.operations.api.serializers import DeploymentSerializer
from provisioning.operations.models import Deployment
from tenants import access
from tenants.access.finding import get_app, get_visible


def deployments() -> QuerySet[Deployment]:
    related = ("app__organization", "environment", "release", "requested_by")
    return Deployment.objects.select_related(*related).prefetch_related("steps")


class DeploymentListView(ListAPIView[Deployment]):
    """The deployments of an app, newest first."""

    access_actions = {"GET": "deployment.view"}
    serializer_class = DeploymentSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Deployment]:
        if getattr(self, "swagger_fake_view", False):
            return Deployment.objects.none()
        app = get_app(self.request.user, self.kwargs["app"])
        return access.restrict(deployments().filter(app=app), self.request.user, "deployment.view")


class DeploymentView(APIView):
    access_actions = {"GET": "deployment.view"}

    @extend_schema(responses=DeploymentSerializer)
    def get(self, request: Request, deployment: int) -> Response:
        row = get_visible(deployments(), user=request.user, action="deployment.view", pk=deployment)
        return Response(DeploymentSerializer(row).data)
