"""Putting an earlier release back."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from provisioning.operations.api.serializers import DeploymentSerializer
from provisioning.operations.api.views import deployments
from provisioning.operations.models import Deployment
from provisioning.releases.api import serializers
from provisioning.releases.services.rollbacks import rollback_request
from tenants.access.finding import again, get_environment
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class RollbackView(IdempotentCreate):
    access_actions = {"POST": "release.rollback"}
    creates = "deployment"

    @extend_schema(
        request=serializers.RollbackSerializer,
        responses={201: DeploymentSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Puts an earlier release back: the numbered one, or the last good one."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Deployment:
        environment = get_environment(request.user, kwargs["app"], kwargs["env"])
        sent = serializers.RollbackSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return rollback_request(
            environment=environment, number=sent.validated_data.get("release"), actor=signed_in(request)
        )

    def represent(self, row: Deployment) -> Any:
        return DeploymentSerializer(again(deployments(), row)).data
