"""Leases from ranges, safe under concurrent callers: the unique constraint decides, nothing is probed or guessed."""

import ipaddress
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from provisioning.exceptions import PortsExhausted, SubnetsExhausted, UidsExhausted
from provisioning.inventory.choices import UidUse
from provisioning.inventory.models.host import Host
from provisioning.inventory.models.leases import PortLease, SubnetLease, UidLease
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp

# A port or subnet that was given back rests, so that a late connection never meets another tenant.
REST = timedelta(minutes=5)
SUBNET_PREFIX = 29


def _lowest_unused(taken: set[int], first: int, last: int) -> int | None:
    return next((number for number in range(first, last + 1) if number not in taken), None)


def _take_rested(rested: PortLease | SubnetLease, **values: object) -> bool:
    """Compare-and-set on `free_at`: True where this caller, and no other, took the row."""
    rows = type(rested)._default_manager.filter(pk=rested.pk, free_at=rested.free_at)
    return bool(rows.update(free_at=None, **values))


def port_lease(*, host: Host, use: str) -> PortLease:
    """Leases the lowest free port of the host's range. Raises `PortsExhausted`."""
    while True:
        now = timezone.now()
        leases = PortLease.objects.filter(host=host, port__range=(host.port_first, host.port_last))
        unused = _lowest_unused(set(leases.values_list("port", flat=True)), host.port_first, host.port_last)
        rested = leases.filter(free_at__lte=now).order_by("port").first()
        if rested is not None and (unused is None or rested.port < unused):
            if _take_rested(rested, use=use, leased_at=now):
                rested.refresh_from_db()
                return rested
            continue
        if unused is None:
            raise PortsExhausted(
                f"host {host.name} has no free port in {host.port_first}-{host.port_last}: "
                "an operator must widen the host's range or retire apps"
            )
        try:
            with transaction.atomic():
                return PortLease.objects.create(host=host, port=unused, use=use, leased_at=now)
        except IntegrityError:
            continue  # another caller was faster


def port_release(*, lease: PortLease, rest: timedelta = REST) -> None:
    """Gives the port back. It rests before it is leased again. Giving back twice is without effect."""
    PortLease.objects.filter(pk=lease.pk, free_at=None).update(free_at=timezone.now() + rest)


def subnet_lease(*, environment: Environment) -> ipaddress.IPv4Network:
    """The environment's small network, leased on first need. Raises `SubnetsExhausted`."""
    while True:
        held = SubnetLease.objects.filter(environment=environment).first()
        if held is not None:
            return subnet_at(held.index)
        size = 2 ** (SUBNET_PREFIX - ipaddress.IPv4Network(settings.SUBNET_POOL).prefixlen)
        unused = _lowest_unused(set(SubnetLease.objects.values_list("index", flat=True)), 0, size - 1)
        rested = SubnetLease.objects.filter(free_at__lte=timezone.now()).order_by("index").first()
        try:
            with transaction.atomic():
                if rested is not None and (unused is None or rested.index < unused):
                    _take_rested(rested, environment=environment)
                elif unused is not None:
                    SubnetLease.objects.create(index=unused, environment=environment)
                else:
                    raise SubnetsExhausted(
                        f"the address pool {settings.SUBNET_POOL} has no free network: "
                        "an operator must widen BERTH_SUBNET_POOL or retire apps"
                    )
        except IntegrityError:
            continue


def subnet_at(index: int) -> ipaddress.IPv4Network:
    pool = ipaddress.IPv4Network(settings.SUBNET_POOL)
    return ipaddress.IPv4Network((int(pool.network_address) + index * 2 ** (32 - SUBNET_PREFIX), SUBNET_PREFIX))


def subnet_release(*, environment: Environment, rest: timedelta = REST) -> None:
    """Gives the network back. It rests before it is leased again."""
    SubnetLease.objects.filter(environment=environment).update(environment=None, free_at=timezone.now() + rest)


def subnets_set_aside(taken: Iterable[ipaddress.IPv4Network], *, rest: timedelta) -> None:
    """Keeps every free network of the pool that overlaps with one of `taken` from being leased for a while."""
    pool = ipaddress.IPv4Network(settings.SUBNET_POOL)
    free_at = timezone.now() + rest
    for network in taken:
        if not network.overlaps(pool):
            continue
        shared = network if network.subnet_of(pool) else pool
        first = (int(shared.network_address) - int(pool.network_address)) >> (32 - SUBNET_PREFIX)
        count = max(1, shared.num_addresses >> (32 - SUBNET_PREFIX))
        SubnetLease.objects.bulk_create(
            [SubnetLease(index=index) for index in range(first, first + count)], ignore_conflicts=True
        )
        SubnetLease.objects.filter(index__range=(first, first + count - 1), environment=None).update(free_at=free_at)


def uid_lease(*, app: PluginApp, use: UidUse = UidUse.PLUGIN) -> int:
    """The app's user id for one use on every host, leased on first need; it never returns. Raises `UidsExhausted`."""
    first, last = settings.UID_RANGE
    while True:
        held = UidLease.objects.filter(app=app, use=use).first()
        if held is not None:
            return held.uid
        highest = UidLease.objects.aggregate(models.Max("uid"))["uid__max"]
        uid = first if highest is None else max(first, highest + 1)
        if uid > last:
            raise UidsExhausted(f"all user ids in {first}-{last} were used: an operator must widen BERTH_UID_LAST")
        try:
            with transaction.atomic():
                return UidLease.objects.create(uid=uid, app=app, use=use).uid
        except IntegrityError:
            continue
