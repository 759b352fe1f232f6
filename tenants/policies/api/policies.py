"""Policies and freezes: read, tried on the past, changed."""

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access.finding import get_visible
from tenants.policies.api import serializers
from tenants.policies.models.policy import AccessPolicy, AccessPolicyVersion, Freeze
from tenants.policies.selectors import simulate
from tenants.policies.services.policies import freeze_create, freeze_end, policy_change, policy_create
from tenants.rest.base import signed_in


class PolicyListView(ListAPIView):
    """All policies, for operators and auditors."""

    access_actions = {"GET": "policy.view", "POST": "policy.create"}
    serializer_class = serializers.PolicySerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[AccessPolicy]:
        _refuse_strangers(self.request)
        return access.restrict(AccessPolicy.objects.all(), self.request.user, "policy.view")

    @extend_schema(request=serializers.PolicyCreate, responses={201: serializers.PolicySerializer})
    def post(self, request: Request) -> Response:
        """Adds a policy; it is in force at once. One that would lock every operator out is refused."""
        _refuse_strangers(request)
        sent = serializers.PolicyCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        policy = policy_create(**sent.validated_data, actor=signed_in(request))
        return Response(serializers.PolicySerializer(policy).data, status=status.HTTP_201_CREATED)


class PolicyView(APIView):
    access_actions = {"GET": "policy.view", "PATCH": "policy.change"}

    @extend_schema(responses=serializers.PolicySerializer)
    def get(self, request: Request, policy: int) -> Response:
        return Response(serializers.PolicySerializer(_policy(request, policy)).data)

    @extend_schema(request=serializers.PolicyChange, responses=serializers.PolicySerializer)
    def patch(self, request: Request, policy: int) -> Response:
        """Changes a policy at once. Of a built-in one only `is_enabled`."""
        row = _policy(request, policy)
        sent = serializers.PolicyChange(data=request.data)
        sent.is_valid(raise_exception=True)
        row = policy_change(policy=row, actor=signed_in(request), **sent.validated_data)
        return Response(serializers.PolicySerializer(row).data)


class PolicyVersionListView(ListAPIView):
    """The policy as it was, the newest version first."""

    access_actions = {"GET": "policy.view"}
    serializer_class = serializers.PolicyVersionSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[AccessPolicyVersion]:
        if getattr(self, "swagger_fake_view", False):
            return AccessPolicyVersion.objects.none()
        return _policy(self.request, self.kwargs["policy"]).versions.select_related("changed_by")


class SimulationView(APIView):
    access_actions = {"POST": "policy.simulate"}

    @extend_schema(request=serializers.SimulationRequest, responses=serializers.SimulationSerializer)
    def post(self, request: Request, policy: int) -> Response:
        """Which of the last audited decisions the policy would change, as saved or as `draft` says. Writes nothing."""
        row = _policy(request, policy)
        access.require(request.user, "policy.simulate", row)
        sent = serializers.SimulationRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        draft = sent.validated_data.get("draft", {})
        for name, value in draft.items():
            setattr(row, name, value)
        simulation = simulate(row, last=sent.validated_data["last"], is_in_force=draft.get("is_enabled", True))
        return Response(serializers.SimulationSerializer(simulation).data)


class FreezeListView(ListAPIView):
    """When nothing may go live, the newest first."""

    access_actions = {"GET": "freeze.view", "POST": "freeze.create"}
    serializer_class = serializers.FreezeSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Freeze]:
        return access.restrict(Freeze.objects.select_related("created_by"), self.request.user, "freeze.view")

    @extend_schema(request=serializers.FreezeCreate, responses={201: serializers.FreezeSerializer})
    def post(self, request: Request) -> Response:
        """Declares a freeze. Only operators may."""
        sent = serializers.FreezeCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        freeze = freeze_create(**sent.validated_data, actor=signed_in(request))
        return Response(serializers.FreezeSerializer(freeze).data, status=status.HTTP_201_CREATED)


class FreezeEndView(APIView):
    access_actions = {"POST": "freeze.end"}

    @extend_schema(request=None, responses=serializers.FreezeSerializer)
    def post(self, request: Request, freeze: int) -> Response:
        """Ends a freeze now. Only operators may."""
        row = get_visible(
            Freeze.objects.select_related("created_by"), user=request.user, action="freeze.view", pk=freeze
        )
        return Response(serializers.FreezeSerializer(freeze_end(freeze=row, actor=signed_in(request))).data)


def _policy(request: Request, pk: int) -> AccessPolicy:
    return get_visible(AccessPolicy.objects.all(), user=request.user, action="policy.view", pk=pk)


def _refuse_strangers(request: Request) -> None:
    """Raises `Http404` for who may see no policy: there is nothing here for them."""
    access.require_scope(request.user, "policy.view")
    if not access.may_ever(request.user, "policy.view"):
        raise Http404
