"""Zones, the accounts that hold them, their records, and plans for them. For operators; auditors read."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.dns.api import serializers
from provisioning.dns.models import DnsAccount, DnsRecord
from provisioning.dns.providers import PROVIDERS
from provisioning.dns.selectors.zones import hosted_zone, zone_plan
from provisioning.dns.services.accounts import dns_account_change, dns_account_create
from provisioning.dns.services.moves import move_cancel, move_plan
from provisioning.dns.services.plans import record_adopt, zone_apply
from provisioning.dns.services.zones import hosted_zone_set
from tenants import access
from tenants.access.finding import again, get_visible
from tenants.names.models.zone import Zone
from tenants.names.services.zones import zone_change, zone_create
from tenants.rest.base import signed_in


def zones() -> QuerySet[Zone]:
    return Zone.objects.select_related("hosting__account")


class DnsProviderListView(APIView):
    access_actions = {"GET": "dns_account.view"}

    @extend_schema(operation_id="dns_providers_list", responses=serializers.ProvidersSerializer)
    def get(self, request: Request) -> Response:
        """The DNS providers, with the settings that an account at each takes."""
        _refuse_strangers(request, "dns_account.view")
        found = [{"name": name, "settings": kind.settings} for name, kind in sorted(PROVIDERS.items())]
        return Response(serializers.ProvidersSerializer({"results": found}).data)


class DnsAccountListView(ListAPIView[DnsAccount]):
    """The accounts at DNS providers. No secret is ever shown."""

    access_actions = {"GET": "dns_account.view", "POST": "dns_account.create"}
    serializer_class = serializers.DnsAccountSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[DnsAccount]:
        _refuse_strangers(self.request, "dns_account.view")
        return access.restrict(DnsAccount.objects.all(), self.request.user, "dns_account.view")

    @extend_schema(request=serializers.DnsAccountCreate, responses={201: serializers.DnsAccountSerializer})
    def post(self, request: Request) -> Response:
        """Adds an account. It is used for the zones that it names, whatever its credentials open."""
        _refuse_strangers(request, "dns_account.view")
        sent = serializers.DnsAccountCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        account = dns_account_create(**sent.validated_data, actor=signed_in(request))
        return Response(serializers.DnsAccountSerializer(account).data, status=status.HTTP_201_CREATED)


class DnsAccountView(APIView):
    access_actions = {"GET": "dns_account.view", "PATCH": "dns_account.change"}

    @extend_schema(responses=serializers.DnsAccountSerializer)
    def get(self, request: Request, account: str) -> Response:
        return Response(serializers.DnsAccountSerializer(_account(request, account)).data)

    @extend_schema(request=serializers.DnsAccountChange, responses=serializers.DnsAccountSerializer)
    def patch(self, request: Request, account: str) -> Response:
        """Changes an account: all of its settings, the secrets that are named, its zones, whether it is enabled."""
        row = _account(request, account)
        sent = serializers.DnsAccountChange(data=request.data)
        sent.is_valid(raise_exception=True)
        row = dns_account_change(account=row, actor=signed_in(request), **sent.validated_data)
        return Response(serializers.DnsAccountSerializer(row).data)


class ZoneListView(ListAPIView[Zone]):
    """The zones in which apps get their hostnames."""

    access_actions = {"GET": "zone.view", "POST": "zone.create"}
    serializer_class = serializers.ZoneSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Zone]:
        _refuse_strangers(self.request, "zone.view")
        return access.restrict(zones(), self.request.user, "zone.view")

    @extend_schema(request=serializers.ZoneCreate, responses={201: serializers.ZoneSerializer})
    def post(self, request: Request) -> Response:
        """Adds a zone. New apps get their names in it where its condition holds; those that have one keep it."""
        _refuse_strangers(request, "zone.view")
        sent = serializers.ZoneCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        zone = zone_create(**sent.validated_data, actor=signed_in(request))
        return Response(serializers.ZoneSerializer(zone).data, status=status.HTTP_201_CREATED)


class ZoneView(APIView):
    access_actions = {"GET": "zone.view", "PATCH": "zone.change"}

    @extend_schema(responses=serializers.ZoneSerializer)
    def get(self, request: Request, zone: str) -> Response:
        return Response(serializers.ZoneSerializer(_zone(request, zone)).data)

    @extend_schema(request=serializers.ZoneChange, responses=serializers.ZoneSerializer)
    def patch(self, request: Request, zone: str) -> Response:
        """Changes for which new apps the zone is. Records follow once a plan is applied."""
        row = _zone(request, zone)
        sent = serializers.ZoneChange(data=request.data)
        sent.is_valid(raise_exception=True)
        zone_change(zone=row, actor=signed_in(request), **sent.validated_data)
        return Response(serializers.ZoneSerializer(again(zones(), row)).data)


class ZoneHostingView(APIView):
    access_actions = {"PUT": "zone.change"}

    @extend_schema(request=serializers.HostingSet, responses=serializers.ZoneSerializer)
    def put(self, request: Request, zone: str) -> Response:
        """Hosts the zone with an account, or changes how. What is left out stays. Records follow once a plan is
        applied.
        """
        row = _zone(request, zone)
        sent = serializers.HostingSet(data=request.data)
        sent.is_valid(raise_exception=True)
        account = _account(request, sent.validated_data.pop("account"))
        hosted_zone_set(zone=row, account=account, actor=signed_in(request), **sent.validated_data)
        return Response(serializers.ZoneSerializer(again(zones(), row)).data)


class ZoneRecordListView(ListAPIView[DnsRecord]):
    """The records that Berth keeps in the zone, or wants to, each with its state."""

    access_actions = {"GET": "zone.view"}
    serializer_class = serializers.DnsRecordSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[DnsRecord]:
        if getattr(self, "swagger_fake_view", False):
            return DnsRecord.objects.none()
        zone = _zone(self.request, self.kwargs["zone"])
        return DnsRecord.objects.filter(hosted_zone__zone=zone).select_related("app", "environment")


class ZonePlanView(APIView):
    access_actions = {"GET": "dns.plan"}

    @extend_schema(responses=serializers.PlanSerializer)
    def get(self, request: Request, zone: str) -> Response:
        """What would lead the zone from what its provider lists to what is wanted now. Changes nothing."""
        row = _zone(request, zone)
        access.require(request.user, "dns.plan", row)
        return Response(serializers.PlanSerializer(zone_plan(hosted_zone(row))).data)


class ZoneApplyView(APIView):
    access_actions = {"POST": "dns.apply"}

    @extend_schema(request=serializers.Apply, responses={202: serializers.PlanSerializer})
    def post(self, request: Request, zone: str) -> Response:
        """Has the plan of this digest written, if it is still the plan. What is in conflict is left alone."""
        row = _zone(request, zone)
        sent = serializers.Apply(data=request.data)
        sent.is_valid(raise_exception=True)
        plan = zone_apply(
            zone=row,
            digest=sent.validated_data["plan"],
            override=sent.validated_data["override"],
            actor=signed_in(request),
        )
        return Response(serializers.PlanSerializer(plan).data, status=status.HTTP_202_ACCEPTED)


class ZoneMoveView(APIView):
    access_actions = {"PUT": "zone.change", "DELETE": "zone.change"}

    @extend_schema(request=serializers.Move, responses=serializers.ZoneSerializer)
    def put(self, request: Request, zone: str) -> Response:
        """Has all names lead elsewhere from a time on. Their TTL is lowered now, and raised again afterwards."""
        row = _zone(request, zone)
        sent = serializers.Move(data=request.data)
        sent.is_valid(raise_exception=True)
        move_plan(zone=row, actor=signed_in(request), **sent.validated_data)
        return Response(serializers.ZoneSerializer(again(zones(), row)).data)

    @extend_schema(responses={200: serializers.ZoneSerializer})
    def delete(self, request: Request, zone: str) -> Response:
        """Takes a planned move back."""
        row = _zone(request, zone)
        move_cancel(zone=row, actor=signed_in(request))
        return Response(serializers.ZoneSerializer(again(zones(), row)).data)


class ZoneAdoptView(APIView):
    access_actions = {"POST": "dns.apply"}

    @extend_schema(request=serializers.Adopt, responses=serializers.ZoneSerializer)
    def post(self, request: Request, zone: str) -> Response:
        """Makes a record Berth's own that it did not make. What is wanted at its name is written over it soon after."""
        row = _zone(request, zone)
        sent = serializers.Adopt(data=request.data)
        sent.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(sent.validated_data)
        record_adopt(zone=row, type_=values.pop("type"), actor=signed_in(request), **values)
        return Response(serializers.ZoneSerializer(again(zones(), row)).data)


def _zone(request: Request, name: str) -> Zone:
    if "\x00" in name:
        raise Http404
    return get_visible(zones(), user=request.user, action="zone.view", name=name)


def _account(request: Request, name: str) -> DnsAccount:
    if "\x00" in name:
        raise Http404
    return get_visible(DnsAccount.objects.all(), user=request.user, action="dns_account.view", name=name)


def _refuse_strangers(request: Request, action: str) -> None:
    """Raises `Http404` for who may see none: there is nothing here for them."""
    access.require_scope(request.user, action)
    if not access.may_ever(request.user, action):
        raise Http404
