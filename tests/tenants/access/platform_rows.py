"""Rows of the platform for the worlds of policies: operations, hosts, domains, certificates, zones, grants."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Model

from provisioning.certificates.choices import CertificateState
from provisioning.models import Certificate, DnsAccount, Host, Operation
from provisioning.operations.choices import OperationKind, OperationState
from tenants.models import (
    CustomDomain,
    Environment,
    HeldName,
    Organization,
    PluginApp,
    PluginAppUserObjectPermission,
    RegistrableDomain,
    Release,
    ReleaseUserObjectPermission,
    User,
    Zone,
)
from tenants.names.choices import DomainState

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def operations_made(environments: list[Environment], users: list[User]) -> list[Operation]:
    return Operation.objects.bulk_create(
        Operation(
            kind=list(OperationKind)[place % 4],
            app=environment.app,
            environment=environment if place % 3 else None,
            requested_by=users[place % 4] if place % 4 else None,
            is_rollback=place % 2 == 0,
            state=OperationState.SUCCEEDED if place % 2 else OperationState.FAILED,
        )
        for place, environment in enumerate(environments[:8])
    )


def hosts_made() -> list[Host]:
    return Host.objects.bulk_create(
        Host(
            name=name,
            transport=transport,
            is_enabled=name != "a_1",
            docker_url="x",
            releases_home="x",
            port_first=2000,
            port_last=2001,
        )
        for name, transport in (("a%1", "local"), ("a_1", "ssh"), ("A_1", "ssh"))
    )


def custom_domains_made(environments: list[Environment], users: list[User]) -> list[CustomDomain]:
    roots = RegistrableDomain.objects.bulk_create(RegistrableDomain(name=name) for name in ("a%.test", "a_.test"))
    domains = CustomDomain.objects.bulk_create(
        CustomDomain(
            environment=environment,
            hostname=f"{('a', 'A', 'b')[place % 3]}-{place}.test",
            registrable=roots[place % 2],
            state=list(DomainState)[place % 5],
            is_mixed_script=place % 3 == 1,
            created_by=users[place % 5],
            proven_at=START + timedelta(place) if place % 5 else None,
        )
        for place, environment in enumerate(environments)
    )
    spread(domains, "created_at")
    return domains


def certificates_made() -> list[Certificate]:
    return Certificate.objects.bulk_create(
        Certificate(
            name=name,
            source=("files", "", "Files")[place],
            state=list(CertificateState)[place],
            not_after=START + timedelta(place) if place else None,
        )
        for place, name in enumerate(("a-1.example", "a_1.example", "A-1.example"))
    )


def zones_made() -> list[Zone]:
    return Zone.objects.bulk_create(
        Zone(name=name, priority=place, is_wildcard=place == 1, is_enabled=place != 2)
        for place, name in enumerate(("a-1.example", "a_1.example", "A-1.example"))
    )


def held_names_made(organizations: list[Organization]) -> list[HeldName]:
    roots = RegistrableDomain.objects.bulk_create(RegistrableDomain(name=name) for name in ("held.test", "HELD.test"))
    return HeldName.objects.bulk_create(
        HeldName(
            hostname=f"{('a', 'A', 'b')[place % 3]}-{place}.held.test",
            registrable=roots[place % 2],
            organization=organizations[place % 3],
            held_until=START + timedelta(place),
            reason="",
        )
        for place in range(6)
    )


def dns_accounts_made() -> list[DnsAccount]:
    return DnsAccount.objects.bulk_create(
        DnsAccount(name=name, provider=("powerdns", "PowerDNS", "rfc2136")[place], is_enabled=place != 2)
        for place, name in enumerate(("a%1", "a_1", "A_1"))
    )


def grants_made(
    apps: list[PluginApp], releases: list[Release], users: list[User], random: Random
) -> dict[str, list[Any]]:
    permissions = list(
        Permission.objects.filter(
            codename__in=("view_pluginapp", "change_pluginapp", "submit_release", "read_logs"),
            content_type__model="pluginapp",
        )
    )
    view = Permission.objects.get(codename="view_release")
    on_apps = PluginAppUserObjectPermission.objects.bulk_create(
        PluginAppUserObjectPermission(user=user, permission=permission, content_object=app)
        for user in users
        for app in apps
        for permission in permissions
        if random.random() < 0.12
    )
    on_releases = ReleaseUserObjectPermission.objects.bulk_create(
        ReleaseUserObjectPermission(user=user, permission=view, content_object=release)
        for user in users
        for release in releases
        if random.random() < 0.1
    )
    return {"app_grant": on_apps[:12], "release_grant": on_releases[:12]}


def spread(rows: list[Any], field: str) -> None:
    """Different times, of microseconds too, in place of now."""
    model: type[Model] = type(rows[0])
    for place, row in enumerate(rows):
        setattr(row, field, START + timedelta(hours=place, microseconds=place % 3))
    model._default_manager.bulk_update(rows, [field])
