"""The limits of an organization or a person, and their use."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access import rows
from tenants.access.finding import get_organization, get_visible
from tenants.organizations.api.serializers_quotas import OrganizationQuotaChange, PersonQuotaChange, QuotaSerializer
from tenants.organizations.selectors import Usage, usage_of, usage_of_person
from tenants.organizations.services.quotas import organization_quota_set, person_quota_set
from tenants.people.models.user import User
from tenants.rest.base import signed_in


class OrganizationQuotaView(APIView):
    access_actions = {"GET": "organization.view", "PATCH": "organization.set_quota"}

    @extend_schema(operation_id="organization_quota", responses=QuotaSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The use of each limit of the organization, and the limit."""
        return _shown(usage_of(get_organization(request.user, slug)))

    @extend_schema(operation_id="organization_quota_set", request=OrganizationQuotaChange, responses=QuotaSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Sets limits. Operators only. A limit below what is in use takes nothing away, and lets nothing be added."""
        organization = get_organization(request.user, slug)
        sent = OrganizationQuotaChange(data=request.data)
        sent.is_valid(raise_exception=True)
        limits = dict(sent.validated_data)
        return _shown(organization_quota_set(organization=organization, limits=limits, actor=signed_in(request)))


class PersonQuotaView(APIView):
    access_actions = {"GET": "user.view", "PATCH": "user.change"}

    @extend_schema(operation_id="person_quota", responses=QuotaSerializer)
    def get(self, request: Request, username: str) -> Response:
        """How many organizations the person has founded, how many API tokens they have, and the limits of both."""
        return _shown(usage_of_person(_person(request, username)))

    @extend_schema(operation_id="person_quota_set", request=PersonQuotaChange, responses=QuotaSerializer)
    def patch(self, request: Request, username: str) -> Response:
        """Sets limits of one person. Operators only."""
        person = _person(request, username)
        sent = PersonQuotaChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return _shown(person_quota_set(user=person, limits=dict(sent.validated_data), actor=signed_in(request)))


def _person(request: Request, username: str) -> User:
    people = rows.users().filter(service_organization=None)
    return get_visible(people, user=request.user, action="user.view", username__iexact=username)


def _shown(limits: list[Usage]) -> Response:
    return Response(QuotaSerializer({"limits": limits}).data)
