"""One's own second factor, and for operators that of somebody who has lost theirs."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access.finding import get_visible
from tenants.audit.request_context import authentication
from tenants.exceptions import NotPermitted
from tenants.people.choices import TokenScope
from tenants.people.models.user import User
from tenants.people.services.second_factor import (
    recovery_codes_renew,
    second_factor_confirm,
    second_factor_enroll,
    second_factor_remove,
    second_factor_reset,
    second_factor_state,
)
from tenants.rest.base import signed_in
from tenants.rest.fields import StrictSerializer, Text
from tenants.rest.permissions import OwnAffair

_OWN = "everybody keeps their own second factor; what changes it takes the password or a code"
_CHANGES_OWN = OwnAffair(_OWN, scope=TokenScope.OPERATE)


class SecondFactorSerializer(serializers.Serializer[Any]):
    is_confirmed = serializers.BooleanField(help_text="Whether signing in takes a code")
    made_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    recovery_codes_left = serializers.IntegerField()


class SecondFactorEnroll(StrictSerializer):
    password = Text(max_length=1000, style={"input_type": "password"}, help_text="The one that you sign in with")


class SecondFactorEnrolled(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Base32, for your authenticator app. Shown this once")
    uri = serializers.CharField(help_text="The same as an otpauth:// URI. Shown this once")


class SecondFactorCode(StrictSerializer):
    code = Text(max_length=100, help_text="What your authenticator shows now, or a recovery code")


class RecoveryCodes(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Each stands in for your authenticator once. Shown this once"
    )


class SecondFactorView(APIView):
    access_actions = {"GET": OwnAffair(_OWN), "POST": _CHANGES_OWN, "DELETE": _CHANGES_OWN}
    bodied = ("DELETE",)

    @extend_schema(operation_id="second_factor", responses=SecondFactorSerializer)
    def get(self, request: Request) -> Response:
        user = _owner(request)
        return Response(SecondFactorSerializer(second_factor_state(user=user)).data)

    @extend_schema(
        operation_id="second_factor_enroll", request=SecondFactorEnroll, responses={201: SecondFactorEnrolled}
    )
    def post(self, request: Request) -> Response:
        """A new secret for your authenticator app. It counts from when you confirm it with a first code."""
        user = _owner(request)
        sent = SecondFactorEnroll(data=request.data)
        sent.is_valid(raise_exception=True)
        made = second_factor_enroll(actor=user, **sent.validated_data, address=request.META.get("REMOTE_ADDR"))
        return Response(SecondFactorEnrolled(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="second_factor_remove", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Removes your second factor. The body is `{"code": ...}`, a code of it or a recovery code."""
        user = _owner(request)
        second_factor_remove(actor=user, code=_code(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SecondFactorConfirmView(APIView):
    access_actions = {"POST": _CHANGES_OWN}

    @extend_schema(operation_id="second_factor_confirm", request=SecondFactorCode, responses={201: RecoveryCodes})
    def post(self, request: Request) -> Response:
        """Makes your new second factor count, and gives you recovery codes for when the authenticator is lost."""
        user = _owner(request)
        codes = second_factor_confirm(actor=user, code=_code(request))
        return Response({"recovery_codes": codes}, status=status.HTTP_201_CREATED)


class RecoveryCodesView(APIView):
    access_actions = {"POST": _CHANGES_OWN}

    @extend_schema(operation_id="recovery_codes_renew", request=SecondFactorCode, responses={201: RecoveryCodes})
    def post(self, request: Request) -> Response:
        """New recovery codes; the old ones are worth nothing any more."""
        user = _owner(request)
        codes = recovery_codes_renew(actor=user, code=_code(request))
        return Response({"recovery_codes": codes}, status=status.HTTP_201_CREATED)


class UserSecondFactorView(APIView):
    access_actions = {"DELETE": "user.change"}

    @extend_schema(operation_id="user_second_factor_reset", responses={204: None})
    def delete(self, request: Request, username: str) -> Response:
        """Removes the second factor of somebody who has lost authenticator and recovery codes. Only operators may."""
        if "\x00" in username:
            raise Http404
        user = get_visible(User.objects.all(), user=request.user, action="user.view", username=username)
        second_factor_reset(user=user, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _owner(request: Request) -> User:
    """Who acts on what is their own. A token must not be for one tenant alone."""
    user = signed_in(request)
    came_in = authentication.get()
    if came_in.organization_id is not None or came_in.app_id is not None:
        raise NotPermitted("the token is for one organization or app alone: use one that is not")
    return user


def _code(request: Request) -> str:
    sent = SecondFactorCode(data=request.data)
    sent.is_valid(raise_exception=True)
    return str(sent.validated_data["code"])
