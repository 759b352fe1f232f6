"""Rows of every resource type, for random policies to be asked about: each attribute has several values and, where it
may be missing, none. They are written past the services, since no service would make most of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

from django.contrib.auth.models import Group

from tenants.apps.choices import AppState, EnvironmentName, Stack
from tenants.models import (
    AccessPolicy,
    ApiToken,
    AuditChain,
    AuditEvent,
    Environment,
    Freeze,
    Invitation,
    Membership,
    MembershipPeriod,
    Organization,
    PluginApp,
    Release,
    ReleaseContributor,
    User,
)
from tenants.people.choices import InvitationState, MemberRole
from tenants.policies.choices import PolicyEffect
from tenants.releases.choices import AuthorsState, Part, ReleaseState
from tests.tenants.access.platform_rows import (
    START,
    certificates_made,
    custom_domains_made,
    dns_accounts_made,
    grants_made,
    held_names_made,
    hosts_made,
    operations_made,
    spread,
    zones_made,
)

FROZEN = (datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 12, tzinfo=UTC))
# SQL's wildcards, both cases of one word, and one text that starts another.
SLUGS = ("acme", "acme-labs", "ACME")
REFS = ("main", "Main", "feature/50%", "feature/50_", "é", "")
EMAILS = ("ada@x.test", "bob@x.test", "b_b@x.test", "ü@x.test", 'a"ada@x.test', "ADA@x.test")
GROUPS = ("on-call", "On-Call", "staff")
ROLES = (None, *MemberRole.values)
MACHINES = (2, 4, 5)


@dataclass(frozen=True)
class Rows:
    """`by_type` has the rows of each resource type; `users` one for each way to belong to the organizations."""

    by_type: dict[str, list[Any]]
    users: list[User]
    organizations: list[Organization]
    apps: list[PluginApp]


def make_rows() -> Rows:
    random = Random(1)
    organizations = Organization.objects.bulk_create([Organization(name=slug, slug=slug) for slug in SLUGS])
    users = _people(organizations, random)
    author = users[0]
    apps = PluginApp.objects.bulk_create(
        PluginApp(
            number=1_000_001 + place,
            organization=organizations[place % 3],
            name=f"App {place}",
            slug=f"app{place}",
            stack=list(Stack)[place % 2],
            state=list(AppState)[place % 5],
            created_by=users[place],
        )
        for place in range(6)
    )
    spread(apps, "created_at")
    environments = Environment.objects.bulk_create(
        Environment(app=app, name=name) for app in apps for name in EnvironmentName.values
    )
    releases = _releases(environments, users)
    events = _events(organizations, apps, author)
    policies = [*AccessPolicy.objects.order_by("pk")[:6], *_policies()]
    Freeze.objects.create(reason="spring", starts_at=FROZEN[0], ends_at=FROZEN[1], created_by=author)
    Freeze.objects.create(
        reason="long ago", starts_at=START - timedelta(900), ends_at=START - timedelta(899), created_by=users[1]
    )
    spread(organizations, "created_at")
    by_type: dict[str, list[Any]] = {
        "organization": organizations,
        "membership": list(Membership.objects.order_by("pk")[:12]),
        "invitation": _invitations(organizations, users),
        "service_account": users[:8],
        "user": users[:8],
        "token": _tokens(organizations, users),
        "app": apps,
        "environment": environments,
        "release": releases,
        "custom_domain": custom_domains_made(environments, users),
        "deployment": operations_made(environments, users),
        "audit_event": events,
        "host": hosts_made(),
        "certificate": certificates_made(),
        "zone": zones_made(),
        "held_name": held_names_made(organizations),
        "dns_account": dns_accounts_made(),
        "policy": policies,
        "freeze": list(Freeze.objects.order_by("pk")),
        **grants_made(apps, releases, users, random),
    }
    # As the database has them: what is asked about is what is found.
    read = {
        name: list(type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows]).order_by("pk"))
        for name, rows in by_type.items()
    }
    return Rows(read, list(User.objects.filter(pk__in=[user.pk for user in users])), organizations, apps)


def _people(organizations: list[Organization], random: Random) -> list[User]:
    """One for each combination of roles in the organizations; who has none is in no group. Some are machines."""
    users = User.objects.bulk_create(
        User(
            username=("ada", "Bob", "b_b", "é")[place] if place < 4 else f"user{place}",
            email=("Ada@X.test", "bob@x.test", "b_b@x.test", "Ü@x.test", "")[place % 5],
            is_active=place % 7 != 6,
            # No machine holds a platform role.
            is_reviewer=place % 2 == 1 and place not in MACHINES,
            is_operator=place % 3 == 1 and place not in MACHINES,
            is_auditor=place % 5 == 1 and place not in MACHINES,
            service_organization=organizations[place % 3] if place in MACHINES else None,
        )
        for place in range(64)
    )
    combinations = random.sample(list(product(ROLES, repeat=3)), 64)
    Membership.objects.bulk_create(
        Membership(organization=organization, user=user, role=role)
        for user, roles in zip(users, combinations, strict=True)
        for organization, role in zip(organizations, roles, strict=True)
        if role
    )
    groups = Group.objects.bulk_create([Group(name=name) for name in GROUPS])
    held = User.groups.through
    held.objects.bulk_create(
        held(user=user, group=group)
        for user, roles in zip(users, combinations, strict=True)
        for group in groups
        if any(roles) and random.random() < 0.4
    )
    return users


def _releases(environments: list[Environment], users: list[User]) -> list[Release]:
    releases = Release.objects.bulk_create(
        Release(
            app=environment.app,
            environment=environment,
            number=place + 1,
            requested_ref=REFS[place % len(REFS)],
            commit_sha="c" * 40,
            commit_author_emails=list(EMAILS[place % 6 : place % 6 + place % 3]),
            digest="d" * 64,
            state=list(ReleaseState)[place % 11],
            submitted_by=users[place % 5],
            authors_state=AuthorsState.values[place % 3],
            authors_note="" if place % 2 else "nobody knows",
            went_live_at=START + timedelta(place) if place % 3 else None,
        )
        for place, environment in enumerate(environments)
    )
    spread(releases, "created_at")
    ReleaseContributor.objects.bulk_create(
        ReleaseContributor(release=release, user=user, part=part, through=users[place % 2] if step else user)
        for place, release in enumerate(releases)
        for step in range(place % 3)
        for number, part in enumerate(Part)
        for user in [users[(place + step + number) % 5]]
    )
    _former_members(environments, users)
    return releases


def _former_members(environments: list[Environment], users: list[User]) -> None:
    """Some left before something was approved, some after, and of some only the role ended."""
    for place, environment in enumerate(environments):
        as_of = START + timedelta(days=10) if place % 3 else None
        Environment.objects.filter(pk=environment.pk).update(approved_as_of=as_of)
    organizations = sorted({environment.app.organization_id for environment in environments})
    MembershipPeriod.objects.bulk_create(
        MembershipPeriod(
            organization_id=organization,
            user=user,
            role=MemberRole.DEVELOPER,
            since=START,
            until=START + timedelta(days=(place * 7 + number) % 20) if (place + number) % 4 else None,
            is_end=bool((place + number) % 4) and bool((place + number) % 5),
        )
        for number, organization in enumerate(organizations)
        for place, user in enumerate(users[:12])
    )


def _events(organizations: list[Organization], apps: list[PluginApp], actor: User) -> list[AuditEvent]:
    chain = AuditChain.objects.create(name="of the tests")
    return AuditEvent.objects.bulk_create(
        AuditEvent(
            chain=chain,
            sequence=place + 1,
            created_at=START + timedelta(hours=place),
            actor=actor if place % 3 else None,
            action=("app.created", "app.Created", "release.submitted")[place % 3],
            organization=organizations[place % 3] if place % 4 else None,
            app=apps[place % 6] if place % 5 in (1, 2) else None,
        )
        for place in range(12)
    )


def _policies() -> list[AccessPolicy]:
    return AccessPolicy.objects.bulk_create(
        AccessPolicy(name=name, effect=PolicyEffect.DENY, resource_type=about, is_enabled=is_enabled, actions=[])
        for name, about, is_enabled in (("No_one", "host", False), ("no%one", "app", False))
    )


def _invitations(organizations: list[Organization], users: list[User]) -> list[Invitation]:
    return Invitation.objects.bulk_create(
        Invitation(
            organization=organizations[place % 3],
            invitee=users[place],
            role=MemberRole.values[place % 3],
            state=InvitationState.values[place % 4],
            invited_by=users[0],
            expires_at=START,
        )
        for place in range(6)
    )


def _tokens(organizations: list[Organization], users: list[User]) -> list[ApiToken]:
    return ApiToken.objects.bulk_create(
        ApiToken(
            user=users[place],
            name=f"token {place}",
            token_sha256=str(place),
            expires_at=START,
            organization=organizations[place % 3] if place % 2 else None,
        )
        for place in range(7)
    )
