"""What a call is about, made in a world, and undone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import gitlab
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import zone_plan
from provisioning.dns.services.moves import move_plan
from provisioning.inventory.services import host_register_local
from provisioning.models import Certificate, Deployment, DnsRecord, HostedZone, Operation, Repository
from provisioning.operations.services import deployment_create
from provisioning.repositories.services.git_tokens import git_tokens_listed
from provisioning.repositories.services.repositories import git_token_create
from tenants.apps.choices import EnvironmentName
from tenants.apps.services import environments
from tenants.models import ApiToken, HeldName, Invitation, User, Zone
from tenants.names.services import domains
from tenants.people.services import second_factor, tokens
from tenants.policies.services import grants, policies
from tenants.releases.choices import ReleaseState
from tests import factories
from tests.authenticator import Authenticator, enroll
from tests.factories import PASSWORD
from tests.provisioning.dns.fixtures import hosted_zone
from tests.provisioning.dns.memory import MemoryProvider

if TYPE_CHECKING:
    from tests.tenants.rest.endpoints.world import World

ZONE = "acme-names.example"


def _zone(world: World) -> str:
    """A zone that is hosted with a provider in memory (see `conftest`)."""
    MemoryProvider.zones_held[ZONE] = {}
    return hosted_zone(ZONE, operator=world.user("keeper")).zone.name


def _dns_record(world: World) -> DnsRecord:
    hosted = HostedZone.objects.get(zone__name=world.row("zone"))
    return DnsRecord.objects.create(hosted_zone=hosted, name=f"app1000001.{ZONE}", type="A", ttl_s=300)


def _plan(world: World) -> str:
    """There is an owner record in the zone, and nothing that it speaks of."""
    hosted = HostedZone.objects.get(zone__name=world.row("zone"))
    MemoryProvider.put(ZONE, registry_record(f"app1000009.{ZONE}", "A", Ownership(hosted.owner, "app1000009")))
    return zone_plan(hosted).digest


def _move(world: World) -> str:
    zone = Zone.objects.get(name=world.row("zone"))
    at = timezone.now() + timedelta(days=1)
    move_plan(zone=zone, targets=["192.0.2.98"], at=at, actor=world.user("keeper"))
    return "move"


def _foreign_name(world: World) -> str:
    MemoryProvider.put(world.row("zone"), RecordSet(f"www.{ZONE}", "A", ("198.51.100.1",), 300))
    return f"www.{ZONE}"


def _live(world: World) -> Any:
    """Release 2 is live in production, release 1 was; both by deployments that ended."""
    for _ in range(2):
        release = factories.make_release(app=world.row("app"), state=ReleaseState.LIVE)
        deployment_create(release=release, requested_by=world.user("developer"))
        Operation.objects.update(state="succeeded")
    return release


def _commit(world: World) -> str:
    """The only commit of the app's repository at the forge."""
    forge = gitlab.Gitlab(settings.FORGE_URL, private_token=settings.FORGE_TOKEN, keep_base_url=True)
    project = forge.projects.create({"name": f"plugin-{uuid.uuid4().hex}"})
    Repository.objects.create(app=world.row("app"), code_project_id=project.id, code_path=project.path_with_namespace)
    actions = [{"action": "create", "file_path": "index.php", "content": "<?php\n"}]
    made = project.commits.create({"branch": "main", "commit_message": "Start", "actions": actions})
    return str(made.id)


def _pushed_release(world: World) -> Any:
    commit_sha, app = world.row("commit"), world.row("app")
    return factories.make_release(app=app, state=ReleaseState.AWAITING_REVIEW, commit_sha=commit_sha)


def _deployment(world: World) -> Deployment:
    world.row("live")
    return Deployment.objects.filter(app=world.row("app")).latest("pk")


def _release(app: str, state: ReleaseState = ReleaseState.AWAITING_REVIEW) -> Callable[[World], Any]:
    return lambda world: factories.make_release(app=world.row(app), state=state, environment=EnvironmentName.TEST)


def _variable(world: World) -> str:
    environments.variable_set(
        environment=world.row("app").environments.get(name="test"),
        name="OLD",
        value="x",
        is_secret=True,
        actor=world.user("owner"),
    )
    return "OLD"


def _domain(world: World) -> Any:
    environment = world.row("app").environments.get(name="test")
    return domains.domain_add(environment=environment, hostname="tidewatch.test", actor=world.user("owner"))


def _held_name(world: World) -> HeldName:
    return factories.make_held_name(world.organization, "tidewatch.test")


def _policy(world: World) -> Any:
    everything = {"match_all": True}
    return policies.policy_create(
        name="acme-policy",
        description="Nobody retires Acme's apps.",
        effect="deny",
        actions=["app.retire"],
        resource_type="app",
        subject=everything,
        resource={"organization_slug": "harbour-of-acme"},
        context=everything,
        is_enabled=False,
        actor=world.user("keeper"),
    )


def _freeze(world: World) -> Any:
    starts_at = timezone.now() + timedelta(days=1)
    return policies.freeze_create(
        reason="holidays", starts_at=starts_at, ends_at=starts_at + timedelta(days=1), actor=world.user("keeper")
    )


def _first_code(world: World) -> str:
    owner = world.user("owner")
    made = second_factor.second_factor_enroll(actor=owner, password=PASSWORD, address="127.0.0.1")
    return Authenticator(made.secret, []).code()


def _lost(world: World) -> User:
    enroll(world.user("lost"))
    return world.user("lost")


def _git_token_id(world: World) -> str:
    world.row("git_token")
    return str(git_tokens_listed(user=world.user("developer"))[0].id)


def _account_token(world: World) -> ApiToken:
    row, _ = tokens.api_token_create(
        user=world.row("account_user"), name="acme ci", scopes=["read"], actor=world.user("owner")
    )
    return row


def _account(world: World, organization: Any) -> str:
    factories.make_service_account(organization, "ci")
    return "ci"


def _my_organization(_world: World) -> Any:
    return factories.make_organization(slug="elsewhere", name="Elsewhere", owner=factories.make_user("outsider"))


def _invitation(world: World) -> Invitation:
    return factories.make_invitation(world.organization, world.user("invitee"))


THINGS: dict[str, Callable[[World], Any]] = {
    "organization": lambda world: world.organization,
    "app": lambda world: factories.make_app(organization=world.organization, slug="tidewatch", name="Tidewatch"),
    "environment": lambda _world: "test",
    "production": lambda _world: "production",
    "variable": _variable,
    "new_variable": lambda _world: "KEY",
    "domain": _domain,
    "release": _release("app"),
    "commit": _commit,
    "pushed_release": _pushed_release,
    "digest": lambda world: world.row("release").digest,
    "live": _live,
    "deployment": _deployment,
    "member": lambda world: world.user("developer"),
    "owner_name": lambda world: world.user("owner").username,
    "leaver": lambda world: world.user("leaver"),
    "newcomer": lambda world: world.user("newcomer"),
    "invitation": _invitation,
    "account": lambda world: _account(world, world.organization),
    "account_user": lambda world: User.objects.get(username=f"svc-harbour-of-acme.{world.row('account')}"),
    "account_name": lambda world: world.row("account_user").username,
    "account_token": _account_token,
    "token": lambda world: tokens.api_token_create(
        user=world.user("owner"), name="acme laptop", scopes=["read"], actor=world.user("owner")
    )[0],
    "git_token": lambda world: git_token_create(user=world.user("developer"))[1],
    "git_token_id": _git_token_id,
    "app_grant": lambda world: grants.app_grant_create(
        app=world.row("app"), username=world.user("guest").username, permission="read_logs", actor=world.user("owner")
    ),
    "release_grant": lambda world: grants.release_grant_create(
        release=world.row("release"),
        username=world.user("guest").username,
        permission="view_release",
        actor=world.user("keeper"),
    ),
    "policy": _policy,
    "version": lambda world: str(world.row("policy").version),
    "freeze": _freeze,
    "tomorrow": lambda _world: (timezone.now() + timedelta(days=1)).isoformat(),
    "certificate": lambda _world: Certificate.objects.create(name="apps.localhost"),
    "held_name": _held_name,
    "host": lambda _world: host_register_local(),
    "zone": _zone,
    "dns_account": lambda world: world.row("zone") and "account-acme-names-example",
    "dns_record": _dns_record,
    "plan": _plan,
    "move": _move,
    "foreign_name": _foreign_name,
    "password": lambda _world: PASSWORD,
    "lost": _lost,
    "code": lambda world: enroll(world.user("owner")).recovery_codes[0],
    "first_code": _first_code,
    "my_organization": _my_organization,
    "my_app": lambda world: factories.make_app(organization=world.row("my_organization")),
    "my_release": _release("my_app"),
    "my_account": lambda world: _account(world, world.row("my_organization")),
}


# What a stranger has of their own, to name beside what is somebody else's.
MINE = {"organization": "my_organization", "app": "my_app", "release": "my_release", "account": "my_account"}


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
