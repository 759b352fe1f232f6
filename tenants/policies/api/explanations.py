"""Why somebody may or may not do something, and who can."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access.explanations import explain
from tenants.access.finding import get_visible
from tenants.access.in_force import known_context, known_subject
from tenants.access.subjects import Context, Subject
from tenants.audit.request_context import Authentication
from tenants.exceptions import InvalidInput, NotPermitted
from tenants.organizations.models.organization import Organization
from tenants.people.models.user import User
from tenants.policies.api import serializers
from tenants.policies.resources import ACTIONS
from tenants.policies.selectors import who_can
from tenants.rest.base import signed_in
from tenants.rest.references import checked_action, resource_for

_ACTION = OpenApiParameter("action", str, required=True, description="Such as release.approve")
_RESOURCE = OpenApiParameter(
    "resource",
    str,
    description="What it would be done to: app:app1000001, environment:app1000001/test, organization:acme, release:12. "
    "For an action that creates, where: organization:acme for app.create, environment:... for release.submit.",
)
_FLAGS = {"true": True, "false": False}


class ExplainView(APIView):
    access_actions = {"GET": "user.explain"}

    @extend_schema(
        parameters=[
            _ACTION,
            _RESOURCE,
            OpenApiParameter("user", str, description="Somebody else's user name, for operators and auditors"),
            OpenApiParameter("second_factor", bool, description="With `user`: as if they had shown one; else not"),
        ],
        responses=serializers.ExplanationSerializer,
    )
    def get(self, request: Request) -> Response:
        """Whether you (or, for operators, `user`) may do `action` to `resource` now, and why."""
        asker = signed_in(request)
        action = checked_action(request.query_params.get("action", ""))
        resource = resource_for(action, request.query_params.get("resource", ""), user=asker)
        subject, context = _asked_about(request, asker)
        return Response(serializers.ExplanationSerializer(explain(subject, action, resource, context)).data)


class WhoCanView(APIView):
    access_actions = {"GET": "organization.who_can"}

    @extend_schema(parameters=[_ACTION, _RESOURCE], responses=serializers.WhoCanSerializer)
    def get(self, request: Request) -> Response:
        """Who may do `action` to `resource` now. Owners see the people of their organization; operators everybody."""
        asker = signed_in(request)
        action = checked_action(request.query_params.get("action", ""))
        resource = resource_for(action, request.query_params.get("resource", ""), user=asker)
        organization = _organization_of(action, resource)
        sees_everybody = access.may_ever(asker, "user.explain") and access.may(asker, "user.explain", User())
        if not sees_everybody:
            access.require(asker, "organization.who_can", organization or Organization())
        able = list(who_can(action, resource))
        shown = able
        if not sees_everybody and organization is not None:
            members = set(organization.memberships.values_list("user", flat=True))
            shown = [one for one in able if one.user.pk in members or one.user.pk == asker.pk]
        body = {"results": shown, "platform_staff": len(able) - len(shown)}
        return Response(serializers.WhoCanSerializer(body).data)


def _asked_about(request: Request, asker: User) -> tuple[Subject, Context]:
    name = request.query_params.get("user", asker.username)
    if name == asker.username:
        subject = known_subject(asker)
        if subject is None:
            raise NotPermitted("the account is not active")
        return subject, known_context()
    user = get_visible(User.objects.all(), user=asker, action="user.explain", username=name)
    flag = request.query_params.get("second_factor", "false")
    if flag not in _FLAGS:
        raise InvalidInput.field("second_factor", f"{flag[:60]!r} must be true or false")
    came_in = Authentication(method="session", address=known_context().address, has_second_factor=_FLAGS[flag])
    return Subject(user, came_in), Context(address=came_in.address, authentication_method="session")


def _organization_of(action: str, resource: object) -> Organization | None:
    path = ACTIONS[action].organization
    for name in path.split("__") if path not in ("", "pk") else ():
        resource = getattr(resource, name, None)
    return resource if isinstance(resource, Organization) else None
