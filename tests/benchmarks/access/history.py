"""What has happened in the world: releases, deployments, events, invitations, and the machines below."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.models import Permission

from provisioning.models import Certificate, DnsAccount, DnsRecord, Host, HostedZone, Operation, Step
from provisioning.operations.choices import OperationKind, OperationState, StepState
from tenants.models import (
    AccessPolicyVersion,
    ApiToken,
    AuditChain,
    AuditEvent,
    CustomDomain,
    Environment,
    Freeze,
    HeldName,
    Invitation,
    Membership,
    RegistrableDomain,
    Release,
    ReleaseUserObjectPermission,
    Review,
    User,
    Zone,
)
from tenants.people.choices import MemberRole
from tenants.people.services.service_accounts import service_account_username
from tenants.releases.choices import AuthorsState, ReleaseState
from tenants.reviews.choices import ReviewDecision
from tests.benchmarks.access.world import FAR, START, World, create, grant, new_user

_STEPS = ("lease", "fetch", "render", "start", "health", "publish", "drain")
_STATES = (
    ReleaseState.SUPERSEDED,
    ReleaseState.FAILED,
    ReleaseState.SUPERSEDED,
    ReleaseState.REJECTED,
    ReleaseState.AWAITING_REVIEW,
)


def add(world: World) -> None:
    releases = create(_releases(world))
    create(
        Review(
            release=release,
            reviewer=world.reviewer,
            decision=ReviewDecision.REJECT if release.state == ReleaseState.REJECTED else ReviewDecision.APPROVE,
            digest=release.digest,
        )
        for release in releases
        if release.state in (ReleaseState.SUPERSEDED, ReleaseState.REJECTED)
    )
    _deployments(world, releases)
    _trail(world)
    _domains(world)
    _zones(world)
    _people(world, releases[-1])
    create(_host(number) for number in range(world.size.own_lists))
    create(Certificate(name=f"zone{number:03}.example") for number in range(world.size.own_lists))
    create(
        AccessPolicyVersion(policy=world.policy, version=number + 1, content={}, changed_by=world.operator)
        for number in range(world.size.own_lists)
    )
    create(
        Freeze(
            reason="an incident",
            starts_at=START + timedelta(days=number),
            ends_at=START + timedelta(days=number, hours=1),
            created_by=world.operator,
        )
        for number in range(world.size.own_lists)
    )


def _zones(world: World) -> None:
    """Each with an account of its own; the first has records."""
    numbers = range(world.size.own_lists)
    accounts = create(
        DnsAccount(name=f"account{number:03}", provider="powerdns", zones=[f"zone{number:03}.example"])
        for number in numbers
    )
    zones = create(Zone(name=account.zones[0]) for account in accounts)
    hosted = create(
        HostedZone(zone=zone, account=account, owner=zone.name) for zone, account in zip(zones, accounts, strict=True)
    )
    create(
        DnsRecord(
            hosted_zone=hosted[0],
            name=f"app{number}.{zones[0].name}",
            type="A",
            values=["192.0.2.10"],
            ttl_s=300,
            app=world.shown,
        )
        for number in numbers
    )


def _domains(world: World) -> None:
    """Customers' domains of the shown app, and names that are held."""
    production = Environment.objects.get(app=world.shown, name="production")
    parents = create(RegistrableDomain(name=f"customer{number:03}.example") for number in range(world.size.own_lists))
    create(
        CustomDomain(
            environment=production, hostname=f"plugin.{parent.name}", registrable=parent, created_by=world.owner
        )
        for parent in parents
    )
    create(
        HeldName(
            hostname=f"old.{parent.name}",
            registrable=parent,
            organization=world.organizations[0],
            held_until=FAR,
            reason="removed",
        )
        for parent in parents
    )


def _releases(world: World) -> Iterator[Release]:
    """The same number for each app, and more for the one that is shown."""
    environments = {row.app_id: row for row in Environment.objects.filter(name="production")}
    each = world.size.releases // len(world.apps)
    for number in range(1, each + world.size.own_lists + 1):
        for place, app in enumerate(world.apps if number <= each else [world.shown]):
            sha = hashlib.sha1(f"{place}/{number}".encode(), usedforsecurity=False).hexdigest()
            yield Release(
                app=app,
                environment=environments[app.pk],
                number=number,
                requested_ref="main",
                commit_sha=sha,
                commit_title="Say hello",
                commit_author="Ada",
                commit_author_emails=["ada@elsewhere.test"],
                authors_state=AuthorsState.KNOWN,
                digest=hashlib.sha256(sha.encode()).hexdigest(),
                state=_STATES[(place + number) % len(_STATES)],
                checks=[{"name": "tree", "state": "passed", "detail": ""}],
                submitted_by=world.staff[place % len(world.organizations) * 3 + number % 3],
            )


def _deployments(world: World, releases: list[Release]) -> None:
    """Of every tenth release, and of all of the shown app's, which alone have their steps."""
    of_shown = [release for release in releases if release.app_id == world.shown.pk]
    deployments = create(
        Operation(
            kind=OperationKind.DEPLOY_RELEASE,
            app=release.app,
            environment=release.environment,
            release=release,
            requested_by=release.submitted_by,
            state=OperationState.SUCCEEDED,
        )
        for release in [*releases[::10], *of_shown]
    )
    create(
        Step(operation=deployment, position=position, name=name, state=StepState.SUCCEEDED, attempts=1)
        for deployment in deployments[-len(of_shown) :]
        for position, name in enumerate(_STEPS)
    )


def _trail(world: World) -> None:
    """Ten events for each app, and more for the shown one. What their hashes say is nothing to those who read lists."""
    chains = {
        chain.organization_id: chain
        for chain in create(
            AuditChain(name=f"bench-{organization.pk}", organization=organization)
            for organization in world.organizations
            if not AuditChain.objects.filter(organization=organization).exists()
        )
    }
    create(_events(world, chains))


def _events(world: World, chains: dict[int | None, AuditChain]) -> Iterator[AuditEvent]:
    for number in range(10 + world.size.own_lists):
        for place, app in enumerate(world.apps if number < 10 else [world.shown]):
            yield AuditEvent(
                chain=chains[app.organization_id],
                sequence=number * len(world.apps) + place + 1,
                previous_hash="0" * 64,
                hash="0" * 64,
                created_at=START + timedelta(minutes=number),
                actor=world.staff[place % len(world.organizations) * 3],
                action="app.changed",
                object_type="app",
                object_id=app.public_id,
                message="the name was changed",
                organization_id=app.organization_id,
                app=app,
            )


def _people(world: World, release: Release) -> None:
    """Who belongs to the first organization, was invited there, works for it, and was let to see the shown app."""
    count, first = world.size.own_lists, world.organizations[0]
    people = create(new_user(f"person{number:03}") for number in range(count))
    create(Membership(organization=first, user=user, role=MemberRole.DEVELOPER) for user in people)
    accounts = create(
        new_user(service_account_username(first, f"ci{number:03}"), service_organization=first)
        for number in range(count)
    )
    create(Membership(organization=first, user=user, role=MemberRole.DEVELOPER) for user in accounts)
    create(_token(user, number) for number, user in enumerate([*world.staff, *accounts, *[accounts[0]] * count]))
    outside = create(new_user(f"outside{number:03}") for number in range(count))
    invited_by = {"invited_by": world.owner, "expires_at": FAR, "role": MemberRole.DEVELOPER}
    create(Invitation(organization=first, invitee=user, **invited_by) for user in outside)
    create(
        Invitation(organization=organization, invitee=world.member, **invited_by)
        for organization in world.organizations[5 : 5 + count]
    )
    for user in outside:
        grant(user, [world.shown])
    permission = Permission.objects.get(codename="view_release")
    create(
        ReleaseUserObjectPermission(user=user, permission=permission, content_object=release)
        for user in [*outside, world.member]
    )


def _token(user: User, number: int) -> ApiToken:
    return ApiToken(
        user=user, name="ci", token_sha256=f"{number:064}", expires_at=FAR, scopes=["read", "deploy"], created_by=user
    )


def _host(number: int) -> Host:
    return Host(
        name=f"host{number:03}",
        address="127.0.0.1",
        docker_url="unix:///var/run/docker.sock",
        releases_home="/srv/berth",
        port_first=20_000,
        port_last=20_999,
    )
