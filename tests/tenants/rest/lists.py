"""Every list of the API, with a way to add rows to it."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import Group
from django.utils import timezone

from provisioning.models import Certificate, Host, HostedZone, Operation
from provisioning.operations.choices import OperationKind, OperationState
from tenants.models import AccessPolicy, HeldName, Organization, RegistrableDomain, User, Zone
from tenants.policies.services.grants import app_grant_create, release_grant_create
from tenants.policies.services.policies import freeze_create, policy_change, policy_create
from tenants.releases.choices import ReleaseState
from tests.factories import (
    environment_of,
    make_app,
    make_held_name,
    make_invitation,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)
from tests.provisioning.dns.fixtures import hosted_zone
from tests.provisioning.dns.memory import MemoryProvider

MOST_QUERIES = 8


PAGE = 50


def _apps(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_app(organization=organization)


def _releases(organization: Organization, count: int) -> None:
    app = organization.apps.get(slug="first")
    for _ in range(count):
        make_release(app=app, state=ReleaseState.APPROVED)


def variables(organization: Organization, count: int) -> None:
    environment = environment_of(organization.apps.get(slug="first"), "test")
    for _ in range(count):
        number = environment.variables.count()
        environment.variables.create(name=f"V{number}", value="x", updated_by=owner_of(organization))


def _members(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_member(organization)


def organizations(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_organization(owner=owner_of(organization))


def _invitations(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_invitation(organization)


def _my_invitations(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_invitation(make_organization(), owner_of(organization))


def _accounts(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_service_account(organization, f"ci{organization.service_accounts.count()}")


def _account_tokens(organization: Organization, count: int) -> None:
    account = organization.service_accounts.filter(username="svc-acme.ci").first() or make_service_account(organization)
    for _ in range(count):
        make_token(account, actor=owner_of(organization))


def _tokens(organization: Organization, count: int) -> None:
    for _ in range(count):
        make_token(owner_of(organization), organization=organization)


def _users(organization: Organization, count: int) -> None:
    User.objects.filter(pk=owner_of(organization).pk).update(is_operator=True)
    for _ in range(count):
        make_user().groups.add(Group.objects.get_or_create(name="on-call")[0])


def _app_grants(organization: Organization, count: int) -> None:
    app = organization.apps.get(slug="first")
    for _ in range(count):
        app_grant_create(app=app, username=make_user().username, permission="read_logs", actor=owner_of(organization))


def _release_grants(organization: Organization, count: int) -> None:
    _users(organization, 0)
    release = organization.apps.get(slug="first").releases.get()
    for _ in range(count):
        release_grant_create(
            release=release, username=make_user().username, permission="view_release", actor=make_operator()
        )


def _policies(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        policy_create(
            name=f"policy-{AccessPolicy.objects.count()}",
            description="for a test",
            effect="allow",
            actions=["app.view"],
            resource_type="app",
            subject={"groups__contains": "support"},
            resource={"match_all": True},
            context={"match_all": True},
            actor=make_operator(),
        )


def _policy_versions(organization: Organization, count: int) -> None:
    _users(organization, 0)
    policy = AccessPolicy.objects.get(pk=first_policy())
    for _ in range(count):
        policy = policy_change(
            policy=policy, version=policy.version, is_enabled=not policy.is_enabled, actor=make_operator()
        )


def first_policy() -> int:
    return AccessPolicy.objects.get(name="app-members-view").pk


def _freezes(_organization: Organization, count: int) -> None:
    for number in range(1, count + 1):
        ends_at = timezone.now() + timedelta(hours=number)
        freeze_create(reason="an incident", ends_at=ends_at, actor=make_operator())


def _deployments(organization: Organization, count: int) -> None:
    app = organization.apps.get(slug="first")
    for _ in range(count):
        release = make_release(app=app, state=ReleaseState.APPROVED)
        operation = Operation.objects.create(
            kind=OperationKind.DEPLOY_RELEASE,
            app=app,
            environment=release.environment,
            release=release,
            requested_by=release.submitted_by,
            state=OperationState.SUCCEEDED,
        )
        for position, name in enumerate(("fetch", "start")):
            operation.steps.create(position=position, name=name)


def _domains(organization: Organization, count: int) -> None:
    """Past the service, which takes no more than twenty."""
    environment = environment_of(organization.apps.get(slug="first"), "test")
    for _ in range(count):
        name = f"d{environment.custom_domains.count()}.test"
        registrable = RegistrableDomain.objects.create(name=name)
        environment.custom_domains.create(hostname=name, registrable=registrable, created_by=owner_of(organization))


def _held_names(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        make_held_name(organization, f"held{HeldName.objects.count()}.test")


def _hosts(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        Host.objects.create(
            name=f"host{Host.objects.count()}",
            docker_url="unix:///var/run/docker.sock",
            releases_home="/srv/berth",
            port_first=20_000,
            port_last=20_999,
        )


def _certificates(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        Certificate.objects.create(name=f"zone{Certificate.objects.count()}.example")


def _zones(organization: Organization, count: int) -> None:
    _users(organization, 0)
    for _ in range(count):
        number = Zone.objects.count()
        MemoryProvider.zones_held[f"z{number}.example"] = {}
        hosted_zone(f"z{number}.example")


def _records(organization: Organization, count: int) -> None:
    _users(organization, 0)
    hosted = HostedZone.objects.filter(zone__name="z.example").first() or hosted_zone("z.example")
    app = organization.apps.get(slug="first")
    for _ in range(count):
        hosted.records.create(
            name=f"n{hosted.records.count()}.z.example",
            type="A",
            ttl_s=300,
            app=app,
            environment=environment_of(app),
        )


Add = Callable[[Organization, int], None]


# By their routes in the URL table.
LISTS: dict[str, Add] = {
    "apps/": _apps,
    "apps/<str:app>/deployments/": _deployments,
    "apps/<str:app>/environments/<str:env>/domains/": _domains,
    "apps/<str:app>/grants/": _app_grants,
    "apps/<str:app>/releases/": _releases,
    "apps/<str:app>/timeline/": _releases,
    "audit/": _releases,
    "certificates/": _certificates,
    "dns/accounts/": _zones,
    "freezes/": _freezes,
    "held-names/": _held_names,
    "hosts/": _hosts,
    "invitations/": _my_invitations,
    "organizations/": organizations,
    "organizations/<str:slug>/invitations/": _invitations,
    "organizations/<str:slug>/members/": _members,
    "organizations/<str:slug>/service-accounts/": _accounts,
    "organizations/<str:slug>/service-accounts/<str:name>/tokens/": _account_tokens,
    "policies/": _policies,
    "policies/<int:policy>/versions/": _policy_versions,
    "releases/": _releases,
    "releases/<int:release>/grants/": _release_grants,
    "tokens/": _tokens,
    "users/": _users,
    "zones/": _zones,
    "zones/<str:zone>/records/": _records,
}
