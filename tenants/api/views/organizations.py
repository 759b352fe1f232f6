"""Organizations and their members; who I am."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.api import serializers
from tenants.api.base import get_visible, signed_in
from tenants.api.idempotency import IDEMPOTENCY_KEY, IdempotentCreate
from tenants.models import Membership, Organization, User
from tenants.selectors import rows
from tenants.services.organizations import membership_add, membership_remove, organization_create


class MeView(APIView):
    @extend_schema(operation_id="me", responses=serializers.MeSerializer)
    def get(self, request: Request) -> Response:
        user = User.objects.prefetch_related("memberships__organization").get(pk=signed_in(request).pk)
        return Response(serializers.MeSerializer(user).data)


class OrganizationListView(IdempotentCreate, ListAPIView):
    serializer_class = serializers.OrganizationSerializer

    def get_queryset(self) -> QuerySet[Organization]:
        return access.restrict(rows.organizations(), self.request.user, "organization.view")

    @extend_schema(
        request=serializers.OrganizationCreate,
        responses={201: serializers.OrganizationSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Creates an organization; you become its owner."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Organization:
        sent = serializers.OrganizationCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return organization_create(**sent.validated_data, actor=signed_in(request))

    def represent(self, row: Organization) -> Any:
        return serializers.OrganizationSerializer(row).data


class OrganizationView(APIView):
    @extend_schema(responses=serializers.OrganizationSerializer)
    def get(self, request: Request, slug: str) -> Response:
        organization = _organization(request, slug)
        return Response(serializers.OrganizationSerializer(organization).data)


class MemberListView(ListAPIView):
    serializer_class = serializers.MemberSerializer

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        organization = _organization(self.request, self.kwargs["slug"])
        return organization.memberships.select_related("user")

    @extend_schema(request=serializers.MemberCreate, responses={201: serializers.MemberSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Makes somebody a member, or gives a member another role. Only owners may."""
        organization = _organization(request, slug)
        sent = serializers.MemberCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        membership = membership_add(organization=organization, **sent.validated_data, actor=signed_in(request))
        return Response(serializers.MemberSerializer(membership).data, status=status.HTTP_201_CREATED)


class MemberView(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> Response:
        """Ends a membership. Only owners may; an organization keeps at least one."""
        organization = _organization(request, slug)
        membership_remove(organization=organization, username=username, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _organization(request: Request, slug: str) -> Organization:
    return get_visible(rows.organizations(), user=request.user, action="organization.view", slug=slug)
