"""Accounts, for operators."""

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
from tenants.access.finding import again, get_visible
from tenants.people.api.serializers import UserChange, UserChanged, UserCreate, UserSerializer
from tenants.people.filters import UserFilter
from tenants.people.models.user import User
from tenants.people.services.memberships import organizations_left_without
from tenants.people.services.users import user_change, user_create
from tenants.rest.base import signed_in


class UserListView(ListAPIView):
    """The accounts that you may see: operators all, everybody their own."""

    serializer_class = UserSerializer
    filterset_class = UserFilter
    access_actions = {"GET": "user.view", "POST": "user.create"}

    def get_queryset(self) -> QuerySet[User]:
        return access.restrict(rows.users(), self.request.user, "user.view")

    # No Idempotency-Key: what is kept of a request to compare it must not be a fast hash over a password.
    @extend_schema(request=UserCreate, responses={201: UserSerializer})
    def post(self, request: Request) -> Response:
        """Creates a person. Operators only."""
        sent = UserCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        row = user_create(**sent.validated_data, actor=signed_in(request))
        return Response(UserSerializer(again(rows.users(), row)).data, status=status.HTTP_201_CREATED)


class UserView(APIView):
    access_actions = {"GET": "user.view", "PATCH": "user.change"}

    @extend_schema(responses=UserChanged)
    def get(self, request: Request, username: str) -> Response:
        return _shown(_user(request, username))

    @extend_schema(request=UserChange, responses=UserChanged)
    def patch(self, request: Request, username: str) -> Response:
        """Roles, groups, e-mail address, and whether the account is active. Operators only."""
        row = _user(request, username)
        sent = UserChange(data=request.data)
        sent.is_valid(raise_exception=True)
        user_change(user=row, actor=signed_in(request), **sent.validated_data)
        return _shown(again(rows.users(), row))


def _user(request: Request, username: str) -> User:
    if "\x00" in username:
        raise Http404
    return get_visible(rows.users(), user=request.user, action="user.view", username__iexact=username)


def _shown(user: User) -> Response:
    user.organizations_without_owner = [  # type: ignore[attr-defined]
        organization.slug for organization in organizations_left_without(user)
    ]
    return Response(UserChanged(user).data)
