"""The account that asks, and its organizations."""

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access import rows
from tenants.access.finding import again
from tenants.organizations.api.serializers import MeSerializer
from tenants.people.models.user import User
from tenants.rest.base import signed_in
from tenants.rest.permissions import OwnAffair


class MeView(APIView):
    access_actions = {"GET": OwnAffair("everybody is told who they are; organizations as far as they may be seen")}

    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        user = signed_in(request)
        # A token for one organization shows no other.
        shown = access.restrict(rows.memberships(), user, "membership.view")
        user = again(User.objects.prefetch_related(Prefetch("memberships", queryset=shown)), user)
        return Response(MeSerializer(user).data)
