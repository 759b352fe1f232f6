"""Organizations and their members; who I am."""

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
from tenants.access.finding import get_organization, get_visible
from tenants.organizations.api.serializers import (
    MemberSerializer,
    OrganizationCreate,
    OrganizationSerializer,
)
from tenants.organizations.models.organization import Membership, Organization
from tenants.organizations.services.organizations import organization_create
from tenants.people.api.serializers import MemberChange
from tenants.people.services.memberships import membership_change, membership_remove
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class OrganizationListView(IdempotentCreate, ListAPIView):
    serializer_class = OrganizationSerializer
    access_actions = {"GET": "organization.view", "POST": "organization.create"}

    def get_queryset(self) -> QuerySet[Organization]:
        return access.restrict(rows.organizations(), self.request.user, "organization.view")

    @extend_schema(
        request=OrganizationCreate,
        responses={201: OrganizationSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Creates an organization; you become its owner."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Organization:
        sent = OrganizationCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return organization_create(**sent.validated_data, actor=signed_in(request))

    def represent(self, row: Organization) -> Any:
        return OrganizationSerializer(row).data


class OrganizationView(APIView):
    access_actions = {"GET": "organization.view"}

    @extend_schema(responses=OrganizationSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(OrganizationSerializer(get_organization(request.user, slug)).data)


class MemberListView(ListAPIView):
    """Who belongs to the organization. People join by invitation."""

    serializer_class = MemberSerializer
    access_actions = {"GET": "membership.view"}

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        organization = get_organization(self.request.user, self.kwargs["slug"])
        members = rows.memberships().filter(organization=organization)
        return access.restrict(members, self.request.user, "membership.view")


class MemberView(APIView):
    access_actions = {"PATCH": "membership.change", "DELETE": "membership.remove"}

    @extend_schema(request=MemberChange, responses=MemberSerializer)
    def patch(self, request: Request, slug: str, username: str) -> Response:
        """Gives a member another role. Only owners may; an organization keeps at least one."""
        member = _member(request, slug, username)
        sent = MemberChange(data=request.data)
        sent.is_valid(raise_exception=True)
        changed = membership_change(
            organization=member.organization,
            username=member.user.username,
            role=sent.validated_data["role"],
            actor=signed_in(request),
        )
        return Response(MemberSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> Response:
        """Ends a membership: your own, or as an owner anybody's. An organization keeps at least one owner."""
        member = _member(request, slug, username)
        membership_remove(organization=member.organization, username=member.user.username, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _member(request: Request, slug: str, username: str) -> Membership:
    organization = get_organization(request.user, slug)
    if "\x00" in username:
        raise Http404
    return get_visible(
        rows.memberships(),
        user=request.user,
        action="membership.view",
        organization=organization,
        user__username__iexact=username,
    )
