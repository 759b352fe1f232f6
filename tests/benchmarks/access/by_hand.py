"""Each list of the REST API with the filter that somebody would write by hand for one person, who knows what that
person belongs to and was granted: the peers of `access.restrict`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from provisioning.containers.choices import WorkloadState
from provisioning.dns.api.views import zones
from provisioning.models import Certificate, DnsAccount, DnsRecord, Host
from provisioning.operations.api.views import deployments
from tenants.access import rows
from tenants.models import AccessPolicy, AccessPolicyVersion, Freeze, User
from tenants.names.selectors.domains import domains, held_names
from tenants.people.choices import InvitationState
from tests.benchmarks.access.world import World


@dataclass(frozen=True)
class Person:
    """Somebody with a token, and what whoever writes filters for them knows. `is_staff`: sees every tenant's rows."""

    name: str
    user: User
    token: str
    organizations: tuple[int, ...] = ()
    apps: tuple[int, ...] = ()
    releases: tuple[int, ...] = ()
    is_staff: bool = False
    is_operator: bool = False
    # The token is for one organization alone.
    is_limited: bool = False

    def tenant(self, organization: str, app: str) -> Q:
        """The rows of their organizations and of what was granted to them, by the paths that lead there."""
        if self.is_staff:
            return Q()
        own = Q((f"{organization}__in", self.organizations))
        return own | Q((f"{app}__in", self.apps)) if self.apps else own


# None: there is no such list for this person.
ByHand = Callable[[World, Person], QuerySet[Any] | None]


def _apps(_world: World, person: Person) -> QuerySet[Any]:
    seen = person.tenant("organization", "pk")
    if not person.is_staff and not person.is_limited:
        seen |= Q(created_by=person.user)
    return rows.apps().filter(seen)


def _releases(_world: World, person: Person) -> QuerySet[Any]:
    seen = person.tenant("app__organization", "app")
    if not person.is_staff and not person.is_limited:
        seen |= Q(submitted_by=person.user)
        if person.releases:
            seen |= Q(pk__in=person.releases)
    return rows.releases().filter(seen)


def _audit(_world: World, person: Person) -> QuerySet[Any]:
    if person.name == "reviewer":
        return rows.timeline().exclude(app=None)
    return rows.timeline().filter(person.tenant("organization", "app"))


def _organizations(_world: World, person: Person) -> QuerySet[Any]:
    found = rows.organizations()
    return found if person.is_staff else found.filter(pk__in=person.organizations)


def _tokens(_world: World, person: Person) -> QuerySet[Any] | None:
    return None if person.is_limited else rows.tokens_in_force().filter(user=person.user)


def _waiting(_world: World, person: Person) -> QuerySet[Any] | None:
    waiting = Q(invitee=person.user, state=InvitationState.PENDING, expires_at__gt=timezone.now())
    return None if person.is_limited or person.is_staff else rows.invitations().filter(waiting)


def _users(_world: World, person: Person) -> QuerySet[Any] | None:
    if person.is_limited:
        return None
    return rows.users() if person.is_operator else rows.users().filter(pk=person.user.pk)


def _hosts(_world: World, person: Person) -> QuerySet[Any] | None:
    running = Q(workloads__state__in=[WorkloadState.STARTING, WorkloadState.SERVING])
    leased = Q(port_leases__free_at=None, port_leases__pk__isnull=False)
    hosts = Host.objects.annotate(
        workload_count=Count("workloads", filter=running, distinct=True),
        port_count=Count("port_leases", filter=leased, distinct=True),
    )
    return hosts if person.is_operator else None


def _for_operators(make: Callable[[World], QuerySet[Any]]) -> ByHand:
    return lambda world, person: make(world) if person.is_operator else None


def _for_owner_and_operators(make: Callable[[World], QuerySet[Any]]) -> ByHand:
    return lambda world, person: make(world) if person.is_operator or person.name == "owner" else None


def _for_members(make: Callable[[World], QuerySet[Any]]) -> ByHand:
    """Of the first organization, and staff."""
    return lambda world, _person: make(world)


def _for_members_and_operators(make: Callable[[World], QuerySet[Any]]) -> ByHand:
    return lambda world, person: None if person.name == "reviewer" else make(world)


BY_HAND: dict[str, ByHand] = {
    "apps/": _apps,
    "apps/<str:app>/deployments/": _for_members(lambda world: deployments().filter(app=world.shown)),
    "apps/<str:app>/environments/<str:env>/domains/": _for_members(
        lambda world: domains().filter(environment__app=world.shown, environment__name="production")
    ),
    "apps/<str:app>/grants/": _for_owner_and_operators(
        lambda world: rows.app_grants().filter(content_object=world.shown)
    ),
    "apps/<str:app>/releases/": _for_members(lambda world: rows.releases().filter(app=world.shown)),
    "apps/<str:app>/timeline/": _for_members(lambda world: rows.timeline().filter(app=world.shown)),
    "audit/": _audit,
    "certificates/": _for_operators(lambda _world: Certificate.objects.all()),
    "dns/accounts/": _for_operators(lambda _world: DnsAccount.objects.all()),
    "freezes/": lambda _world, person: None if person.is_limited else Freeze.objects.select_related("created_by"),
    "held-names/": _for_operators(lambda _world: held_names()),
    "hosts/": _hosts,
    "invitations/": _waiting,
    "organizations/": _organizations,
    "organizations/<str:slug>/invitations/": _for_members_and_operators(
        lambda world: rows.invitations().filter(organization=world.organizations[0])
    ),
    "organizations/<str:slug>/members/": _for_members(
        lambda world: rows.memberships().filter(organization=world.organizations[0])
    ),
    "organizations/<str:slug>/service-accounts/": _for_members_and_operators(
        lambda world: rows.service_accounts().filter(service_organization=world.organizations[0])
    ),
    "organizations/<str:slug>/service-accounts/<str:name>/tokens/": _for_owner_and_operators(
        lambda world: rows.tokens_in_force().filter(user=world.service_account)
    ),
    "policies/": _for_operators(lambda _world: AccessPolicy.objects.all()),
    "policies/<int:policy>/versions/": _for_operators(
        lambda world: AccessPolicyVersion.objects.filter(policy=world.policy).select_related("changed_by")
    ),
    "releases/": _releases,
    "releases/<int:release>/grants/": _for_operators(
        lambda world: rows.release_grants().filter(content_object=world.release)
    ),
    "tokens/": _tokens,
    "users/": _users,
    "zones/": _for_operators(lambda _world: zones()),
    "zones/<str:zone>/records/": _for_operators(
        lambda world: DnsRecord.objects.filter(hosted_zone__zone=world.zone).select_related("app", "environment")
    ),
}
