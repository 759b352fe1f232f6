"""Invitations: an organization's, and those that wait for one's own answer."""

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
from tenants.access.finding import again, get_organization, get_visible
from tenants.organizations.api.serializers import MemberSerializer
from tenants.people.api.serializers import InvitationCreate, InvitationSerializer
from tenants.people.filters import InvitationFilter
from tenants.people.models.invitation import Invitation
from tenants.people.services.invitations import (
    invitation_accept,
    invitation_create,
    invitation_decline,
    invitation_revoke,
)
from tenants.people.waiting import waiting_invitations
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate


class OrganizationInvitationListView(IdempotentCreate, ListAPIView):
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    access_actions = {"GET": "invitation.view", "POST": "invitation.create"}

    def get_queryset(self) -> QuerySet[Invitation]:
        if getattr(self, "swagger_fake_view", False):
            return Invitation.objects.none()
        organization = get_organization(self.request.user, self.kwargs["slug"])
        invitations = rows.invitations().filter(organization=organization)
        return access.restrict(invitations, self.request.user, "invitation.view")

    @extend_schema(request=InvitationCreate, responses={201: InvitationSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Asks somebody to join. They become a member by accepting, within 14 days."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Invitation:
        organization = get_organization(request.user, kwargs["slug"])
        sent = InvitationCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        return invitation_create(organization=organization, **sent.validated_data, actor=signed_in(request))

    def represent(self, row: Invitation) -> Any:
        return InvitationSerializer(again(rows.invitations(), row)).data


class OrganizationInvitationView(APIView):
    access_actions = {"DELETE": "invitation.revoke"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, invitation: int) -> Response:
        """Takes an invitation back."""
        organization = get_organization(request.user, slug)
        row = _invitation(request, organization=organization, pk=invitation)
        invitation_revoke(invitation=row, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationListView(ListAPIView):
    """The invitations that wait for your answer."""

    serializer_class = InvitationSerializer
    access_actions = {"GET": "invitation.view"}

    def get_queryset(self) -> QuerySet[Invitation]:
        if getattr(self, "swagger_fake_view", False):
            return Invitation.objects.none()
        return waiting_invitations(self.request.user)


class AcceptView(APIView):
    access_actions = {"POST": "invitation.answer"}

    @extend_schema(request=None, responses={201: MemberSerializer})
    def post(self, request: Request, invitation: int) -> Response:
        """Makes you a member. Only who was invited may, and only in time."""
        row = _invitation(request, pk=invitation)
        membership = invitation_accept(invitation=row, actor=signed_in(request))
        return Response(MemberSerializer(membership).data, status=status.HTTP_201_CREATED)


class DeclineView(APIView):
    access_actions = {"POST": "invitation.answer"}

    @extend_schema(request=None, responses=InvitationSerializer)
    def post(self, request: Request, invitation: int) -> Response:
        """Ends the invitation. Only who was invited may."""
        row = _invitation(request, pk=invitation)
        return Response(InvitationSerializer(invitation_decline(invitation=row, actor=signed_in(request))).data)


def _invitation(request: Request, **lookup: Any) -> Invitation:
    return get_visible(rows.invitations(), user=request.user, action="invitation.view", **lookup)
