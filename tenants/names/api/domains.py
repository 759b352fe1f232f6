"""Customers' own domains."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access.finding import again, get_environment, get_visible
from tenants.names.api.serializers import DomainCreate, DomainSerializer
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors import domains as selectors
from tenants.names.services.domains import domain_add, domain_check_request, domain_remove
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class DomainListView(IdempotentCreate, ListAPIView):
    """The domains that the environment has beside the platform's hostnames. A removed one is not among them."""

    access_actions = {"GET": "domain.view", "POST": "domain.create"}
    serializer_class = DomainSerializer

    def get_queryset(self) -> QuerySet[CustomDomain]:
        if getattr(self, "swagger_fake_view", False):
            return CustomDomain.objects.none()
        environment = get_environment(self.request.user, self.kwargs["app"], self.kwargs["env"])
        return access.restrict(selectors.domains().filter(environment=environment), self.request.user, "domain.view")

    @extend_schema(request=DomainCreate, responses={201: DomainSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Claims a domain. It is served once control of it is proven: `records` says what is to be set."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> CustomDomain:
        environment = get_environment(request.user, kwargs["app"], kwargs["env"])
        sent = DomainCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return domain_add(environment=environment, **sent.validated_data, actor=signed_in(request))

    def represent(self, row: CustomDomain) -> Any:
        return DomainSerializer(again(selectors.domains(), row)).data


class DomainView(APIView):
    access_actions = {"GET": "domain.view", "DELETE": "domain.remove"}

    @extend_schema(responses=DomainSerializer)
    def get(self, request: Request, app: str, env: str, domain: int) -> Response:
        """What is to be set, how far it is, and what each name server said last."""
        return Response(DomainSerializer(get_domain(request, app, env, domain)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, app: str, env: str, domain: int) -> Response:
        """Serves it no more. A name that was proven is held for your organization for a while."""
        domain_remove(domain=get_domain(request, app, env, domain), actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DomainCheckView(APIView):
    access_actions = {"POST": "domain.check"}

    @extend_schema(request=None, responses={202: DomainSerializer})
    def post(self, request: Request, app: str, env: str, domain: int) -> Response:
        """Has it looked at now, in the background. Not more often than every 15 seconds."""
        row = get_domain(request, app, env, domain)
        domain_check_request(domain=row, actor=signed_in(request))
        return Response(DomainSerializer(again(selectors.domains(), row)).data, status=status.HTTP_202_ACCEPTED)


def get_domain(request: Request, app: str, env: str, pk: int) -> CustomDomain:
    environment = get_environment(request.user, app, env)
    found = selectors.domains().filter(environment=environment)
    return get_visible(found, user=request.user, action="domain.view", pk=pk)
