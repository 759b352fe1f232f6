"""An environment's settings and variables."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access import rows
from tenants.access.finding import again, get_environment
from tenants.apps.api.serializers import (
    EnvironmentChange,
    EnvironmentSerializer,
    FallbackSet,
    VariableSerializer,
    VariableSet,
)
from tenants.apps.models.environment import Environment
from tenants.apps.services.environments import (
    environment_fallback_set,
    environment_update,
    variable_remove,
    variable_set,
)
from tenants.rest.base import signed_in


class EnvironmentView(APIView):
    access_actions = {"GET": "environment.view", "PATCH": "environment.change"}

    @extend_schema(responses=EnvironmentSerializer)
    def get(self, request: Request, app: str, env: str) -> Response:
        return _shown(get_environment(request.user, app, env, queryset=rows.environments()))

    @extend_schema(request=EnvironmentChange, responses=EnvironmentSerializer)
    def patch(self, request: Request, app: str, env: str) -> Response:
        """Changes take effect with the next release."""
        environment = get_environment(request.user, app, env)
        sent = EnvironmentChange(data=request.data)
        sent.is_valid(raise_exception=True)
        environment_update(environment=environment, actor=signed_in(request), **sent.validated_data)
        return _shown(again(rows.environments(), environment))


class FallbackView(APIView):
    access_actions = {"PUT": "environment.set_fallback"}

    @extend_schema(request=FallbackSet, responses=EnvironmentSerializer)
    def put(self, request: Request, app: str, env: str) -> Response:
        """Takes effect with the next release or rollback. What `host` put on the host goes within seconds after it is
        turned off; until the next release the environment then has no fallback."""
        environment = get_environment(request.user, app, env)
        sent = FallbackSet(data=request.data)
        sent.is_valid(raise_exception=True)
        environment_fallback_set(environment=environment, actor=signed_in(request), **sent.validated_data)
        return _shown(again(rows.environments(), environment))


class VariableView(APIView):
    access_actions = {"PUT": "environment.change", "DELETE": "environment.change"}

    @extend_schema(request=VariableSet, responses=VariableSerializer)
    def put(self, request: Request, app: str, env: str, name: str) -> Response:
        """Sets the variable for the next release. Its value never comes back."""
        environment = get_environment(request.user, app, env)
        sent = VariableSet(data=request.data)
        sent.is_valid(raise_exception=True)
        variable = variable_set(
            environment=environment,
            name=name,
            value=sent.validated_data["value"],
            is_secret=sent.validated_data["secret"],
            actor=signed_in(request),
        )
        return Response(VariableSerializer(variable).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, app: str, env: str, name: str) -> Response:
        environment = get_environment(request.user, app, env)
        if not variable_remove(environment=environment, name=name, actor=signed_in(request)):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(environment: Environment) -> Response:
    return Response(EnvironmentSerializer(environment).data)
