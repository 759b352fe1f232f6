"""The limits of an organization or a person, and their use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from tenants.apps.choices import AppState
from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.names.choices import OPEN_DOMAIN_STATES
from tenants.names.models.custom_domain import CustomDomain
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Membership, Organization
from tenants.organizations.models.quota import Quota
from tenants.people.choices import InvitationState
from tenants.people.models.credentials import ApiToken
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User
from tenants.releases.choices import OPEN_RELEASE_STATES, ReleaseState
from tenants.releases.models.release import Release

ORGANIZATIONS_QUOTAS = (
    QuotaName.APPS,
    QuotaName.MEMORY_MIB,
    QuotaName.RELEASES_A_DAY,
    QuotaName.DOMAINS,
    QuotaName.VARIABLES,
    QuotaName.MEMBERS,
    QuotaName.SERVICE_ACCOUNTS,
    QuotaName.TOKENS,
)
PERSONS_QUOTAS = (QuotaName.ORGANIZATIONS, QuotaName.PERSONAL_TOKENS)
LABELS = {
    QuotaName.APPS: "Apps",
    QuotaName.MEMORY_MIB: "Memory of all environments, MiB",
    QuotaName.RELEASES_A_DAY: "Releases in 24 hours",
    QuotaName.DOMAINS: "Domains",
    QuotaName.VARIABLES: "Variables of all environments",
    QuotaName.MEMBERS: "Members and open invitations",
    QuotaName.SERVICE_ACCOUNTS: "Service accounts",
    QuotaName.TOKENS: "Tokens of service accounts",
    QuotaName.ORGANIZATIONS: "Organizations founded",
    QuotaName.PERSONAL_TOKENS: "API tokens",
}
DAY = timedelta(days=1)
# Of a limit that is used so far, operators are told (`manage.py doctor`).
NEAR = 0.9
# A release in one of these states is live or may come to be, with the memory that it was asked for with.
_CLAIMING = (*OPEN_RELEASE_STATES, ReleaseState.APPROVED, ReleaseState.DEPLOYING, ReleaseState.LIVE)
# Organization or person id -> number.
Used = dict[int, int]


@dataclass(frozen=True)
class Usage:
    """`is_default`: the installation's own limit counts, since no operator has set another."""

    name: QuotaName
    used: int
    limit: int
    is_default: bool

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def default(self) -> int:
        return default(self.name)

    @property
    def is_near(self) -> bool:
        return self.used >= NEAR * self.limit


def usage_of(organization: Organization) -> list[Usage]:
    return _usage(ORGANIZATIONS_QUOTAS, organization.pk, Quota.objects.filter(organization=organization))


def usage_of_person(user: User) -> list[Usage]:
    return _usage(PERSONS_QUOTAS, user.pk, Quota.objects.filter(user=user))


def usage_of_one(owner: Organization | User, name: QuotaName) -> Usage:
    """Of one limit alone, for a service that is about to make one more."""
    quotas = owner.quotas.filter(name=name)
    return _usage([name], owner.pk, quotas)[0]


def near_their_limits() -> list[tuple[Organization, Usage]]:
    """Every organization's limits of which little is left, in a fixed number of queries."""
    organizations = list(Organization.objects.order_by("slug"))
    set_ones = {(quota.organization_id, quota.name): quota.limit for quota in Quota.objects.filter(user=None)}
    found = []
    for name in ORGANIZATIONS_QUOTAS:
        used = used_by(name)
        for organization in organizations:
            limit = set_ones.get((organization.pk, name))
            usage = Usage(name, used.get(organization.pk, 0), default(name) if limit is None else limit, limit is None)
            if usage.used and usage.is_near:
                found.append((organization, usage))
    return found


def default(name: QuotaName) -> int:
    return int(settings.QUOTAS[name.value])


def used_by(name: QuotaName, ids: Iterable[int] | None = None) -> Used:
    """How much each has; of those in `ids` alone if they are given."""
    if name == QuotaName.MEMORY_MIB:
        return claimed_mib(ids)
    found: Used = {}
    for rows, path in _COUNTED[name]():
        rows = rows.filter(**{f"{path}__isnull": False} if ids is None else {f"{path}__in": list(ids)})
        for pk, number in rows.order_by().values_list(path).annotate(number=Count("pk")):
            found[pk] = found.get(pk, 0) + number
    return found


def claimed_mib(ids: Iterable[int] | None, *, instead: Mapping[int, int] | None = None) -> Used:
    """Of each environment the most that its settings, its live release or one on its way there asks for.

    `instead` has settings that an environment is about to get, by its id.
    """
    environments = Environment.objects.exclude(app__state=AppState.RETIRED)
    releases = Release.objects.filter(state__in=_CLAIMING).exclude(app__state=AppState.RETIRED)
    if ids is not None:
        environments = environments.filter(app__organization__in=list(ids))
        releases = releases.filter(app__organization__in=list(ids))
    organization_of, most = {}, {}
    for pk, organization, mib in environments.order_by().values_list("pk", "app__organization", "memory_mib"):
        organization_of[pk], most[pk] = organization, (instead or {}).get(pk, mib)
    for pk, asked_for in releases.order_by().values_list("environment", "configuration__memory_mib"):
        most[pk] = max(most.get(pk, 0), asked_for or 0)
    found: Used = {}
    for pk, organization in organization_of.items():
        found[organization] = found.get(organization, 0) + most[pk]
    return found


def first_release_of_the_day(organization: Organization) -> datetime | None:
    """The time at which the oldest release that still counts was asked for."""
    counted = _releases_of_the_day().filter(app__organization=organization)
    return counted.order_by("created_at").values_list("created_at", flat=True).first()


def _usage(names: Iterable[QuotaName], pk: int, quotas: QuerySet[Quota]) -> list[Usage]:
    limits = dict(quotas.values_list("name", "limit"))
    return [
        Usage(name, used_by(name, [pk]).get(pk, 0), limits.get(name, default(name)), name not in limits)
        for name in names
    ]


def _releases_of_the_day() -> QuerySet[Release]:
    # Failed and cancelled ones too: each was fetched, checked and rendered.
    return Release.objects.filter(created_at__gt=timezone.now() - DAY)


def _tokens_in_force() -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now())


def _people() -> list[tuple[QuerySet[Membership] | QuerySet[Invitation], str]]:
    invited = Invitation.objects.filter(state=InvitationState.PENDING, expires_at__gt=timezone.now())
    return [
        (Membership.objects.filter(user__service_organization=None), "organization"),
        (invited, "organization"),
    ]


# The rows to count, and the path from a row to its owner.
_COUNTED: dict[QuotaName, Callable[[], list[tuple[QuerySet, str]]]] = {
    QuotaName.APPS: lambda: [(PluginApp.objects.exclude(state=AppState.RETIRED), "organization")],
    QuotaName.RELEASES_A_DAY: lambda: [(_releases_of_the_day(), "app__organization")],
    QuotaName.DOMAINS: lambda: [
        (CustomDomain.objects.filter(state__in=OPEN_DOMAIN_STATES), "environment__app__organization")
    ],
    QuotaName.VARIABLES: lambda: [
        (
            ConfigVariable.objects.exclude(environment__app__state=AppState.RETIRED),
            "environment__app__organization",
        )
    ],
    QuotaName.MEMBERS: _people,
    QuotaName.SERVICE_ACCOUNTS: lambda: [(User.objects.filter(is_active=True), "service_organization")],
    QuotaName.TOKENS: lambda: [(_tokens_in_force(), "user__service_organization")],
    QuotaName.ORGANIZATIONS: lambda: [(Organization.objects.all(), "founded_by")],
    QuotaName.PERSONAL_TOKENS: lambda: [(_tokens_in_force(), "user")],
}
