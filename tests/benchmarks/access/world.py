"""The rows that the figures of access control are measured on: 10,000 apps in 1,000 organizations, and their people."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from django.contrib.auth.models import Permission
from django.db.models import Model

from tenants.apps.choices import AppState, EnvironmentName, Stack
from tenants.apps.models.plugin_app import FIRST_NUMBER
from tenants.models import (
    AccessPolicy,
    ApiToken,
    Environment,
    Membership,
    Organization,
    PluginApp,
    PluginAppUserObjectPermission,
    Release,
    Subdomain,
    User,
    Zone,
)
from tenants.people.choices import MemberRole
from tenants.people.services.tokens import ALL_SCOPES, token_sha256

Row = TypeVar("Row", bound=Model)
START = datetime(2026, 1, 1, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
ROLES = (MemberRole.OWNER, MemberRole.MAINTAINER, MemberRole.DEVELOPER)
GRANTED_EACH = 100
# The policy whose versions are listed.
VERSIONED = "own-apps"
_BATCH = 2_000
# A prime that divides no number of apps here.
_STRIDE = 7_919


@dataclass(frozen=True)
class Size:
    organizations: int
    apps: int
    releases: int
    # Each has `GRANTED_EACH` apps granted, and so has the member.
    collaborators: int
    # What one more has been granted: more than a subject holds in memory.
    heavy_grants: int
    # How many rows the lists have that belong to one app or one organization.
    own_lists: int


SMALL = Size(organizations=20, apps=200, releases=400, collaborators=2, heavy_grants=150, own_lists=3)
FULL = Size(organizations=1_000, apps=10_000, releases=100_000, collaborators=49, heavy_grants=3_000, own_lists=60)


@dataclass
class World:
    """`shown` is the app whose own lists are measured, of the first organization: `owner` owns that, and `member` is a
    developer there and in four others, with grants on apps elsewhere. `heavy` is a member of nothing.
    """

    size: Size
    organizations: list[Organization]
    staff: list[User]
    apps: list[PluginApp]
    collaborators: list[User]
    member: User
    heavy: User
    reviewer: User
    operator: User
    # What the member was granted.
    granted: list[int]

    @property
    def release(self) -> Release:
        """The shown app's last, which was granted to some."""
        return Release.objects.filter(app=self.shown).latest("number")

    @property
    def service_account(self) -> User:
        """The first organization's first, with the most tokens."""
        return User.objects.filter(service_organization=self.organizations[0]).earliest("pk")

    @property
    def policy(self) -> AccessPolicy:
        return AccessPolicy.objects.get(name=VERSIONED)

    @property
    def zone(self) -> Zone:
        return Zone.objects.earliest("pk")

    @property
    def owner(self) -> User:
        return self.staff[0]

    @property
    def shown(self) -> PluginApp:
        return self.apps[0]


def build(size: Size) -> World:
    """Organizations with an owner, a maintainer and a developer each, apps, and who else was granted what."""
    organizations = create(
        Organization(name=f"Organization {number}", slug=f"org{number:05}") for number in range(size.organizations)
    )
    staff = create(new_user(f"{role}{number:05}") for number in range(size.organizations) for role in ROLES)
    create(
        Membership(organization=organizations[place // 3], user=user, role=ROLES[place % 3])
        for place, user in enumerate(staff)
    )
    apps = create(new_app(place, organizations, staff) for place in range(size.apps))
    _environments(apps)
    collaborators = create(new_user(f"collaborator{number:03}") for number in range(size.collaborators))
    member, heavy, reviewer, operator = create(
        [
            new_user("member"),
            new_user("heavy"),
            new_user("reviewer", is_reviewer=True),
            new_user("operator", is_operator=True),
        ]
    )
    create(
        Membership(organization=organization, user=member, role=MemberRole.DEVELOPER)
        for organization in organizations[:5]
    )
    for place, user in enumerate([member, *collaborators]):
        grant(user, spread(apps, GRANTED_EACH, first=place * 7 + 6))
    grant(heavy, spread(apps, size.heavy_grants, first=1))
    granted = list(PluginAppUserObjectPermission.objects.filter(user=member).values_list("content_object", flat=True))
    return World(size, organizations, staff, apps, collaborators, member, heavy, reviewer, operator, granted)


def new_user(username: str, **fields: Any) -> User:
    return User(username=username, email=f"{username}@example.test", password="!", **fields)


def new_app(place: int, organizations: list[Organization], staff: list[User]) -> PluginApp:
    """Apps go round the organizations; one in twenty has failed."""
    home = place % len(organizations)
    return PluginApp(
        number=FIRST_NUMBER + place,
        organization=organizations[home],
        name=f"Plugin {place}",
        slug=f"plugin{place}",
        stack=Stack.PHP if place % 3 else Stack.STATIC,
        state=AppState.FAILED if place % 20 == 19 else AppState.ACTIVE,
        repository_http_url=f"http://forge.test/org{home:05}/plugin{place}.git",
        created_by=staff[home * 3 + place // len(organizations) % 2],
    )


def _environments(apps: list[PluginApp]) -> None:
    environments = create(Environment(app=app, name=name) for app in apps for name in EnvironmentName.values)
    create(
        Subdomain(
            environment=environment,
            hostname=f"{environment.app.public_id}{'-test' * (environment.name == 'test')}.apps.example.test",
        )
        for environment in environments
    )


def grant(user: User, apps: list[PluginApp], codename: str = "view_pluginapp") -> None:
    permission = Permission.objects.get(codename=codename, content_type__app_label="tenants")
    create(PluginAppUserObjectPermission(user=user, permission=permission, content_object=app) for app in apps)


def spread(apps: list[PluginApp], count: int, *, first: int) -> list[PluginApp]:
    """`count` of `apps`, no two the same, of organizations from all over."""
    return [apps[(first + place * _STRIDE) % len(apps)] for place in range(count)]


def token(user: User, organization: Organization | None = None) -> str:
    """The text of a token of `user`'s."""
    text = f"berth_of-{user.username}-{organization or 'everything'}"
    ApiToken.objects.create(
        user=user,
        name="measured with",
        token_sha256=token_sha256(text),
        expires_at=FAR,
        last_used_at=FAR,
        scopes=sorted(ALL_SCOPES),
        organization=organization,
        created_by=user,
    )
    return text


def create(rows: Iterable[Row]) -> list[Row]:
    """All of them, in batches: a generator is never in memory as a whole but for its rows."""
    made: list[Row] = []
    for batch in _batches(rows):
        made += type(batch[0])._default_manager.bulk_create(batch)
    return made


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        yield batch
