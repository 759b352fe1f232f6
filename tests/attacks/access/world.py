"""A small world with one row of everything, and the OpenAPI document's operations filled with its names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from asgiref.sync import async_to_sync
from django.apps import apps
from django.db.models import Model
from django.utils import timezone
from rest_framework.test import APIClient

from provisioning.models import Deployment, DnsAccount
from provisioning.operations.choices import OperationKind, OperationState
from tenants.apps.choices import EnvironmentName, Stack
from tenants.apps.services.environments import variable_set
from tenants.models import AccessPolicy, ApiToken, AuditEvent, Organization, PluginApp, Release, User
from tenants.names.services.domains import domain_add
from tenants.names.services.zones import zone_create
from tenants.people.choices import MemberRole
from tenants.policies.resources import ACTIONS
from tenants.policies.services import grants, policies
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
    make_reviewer,
    make_service_account,
    make_token,
    make_user,
    owner_of,
)

METHODS = ("get", "post", "put", "patch", "delete")
# What changes with every look at the platform, or tells of attempts.
_NOT_COMPARED = {"AuditEvent", "AuditChain", "AccessStamp", "AccessAttempt", "Session", "IdempotencyKey"}


@dataclass
class World:
    """An organization with an app, three releases, people, a service account, grants, an invitation and a freeze."""

    slug: str
    owner: User
    member: User
    outsider: User
    operator: User
    organization: Organization
    app: PluginApp
    releases: list[Release]
    account: User
    # Values by the names of parameters and fields of the API.
    known: dict[str, list[Any]]


def make_world(slug: str = "acme", owner: User | None = None, operator: User | None = None) -> World:
    organization = make_organization(slug=slug, owner=owner or make_user(f"{slug}-owner"))
    owner, operator = owner_of(organization), operator or make_operator(f"{slug}-operator")
    member = make_member(organization, MemberRole.MAINTAINER, make_user(f"{slug}-member"))
    outsider = make_user(f"{slug}-outsider")
    app = make_app(organization=organization, slug="shop")
    variable_set(environment=environment_of(app, "test"), name="SHOP_KEY", value="x", is_secret=True, actor=owner)
    releases = [
        make_release(app=app, environment="test", state=state, reviewer=make_reviewer())
        for state in (ReleaseState.SUBMITTED, ReleaseState.AWAITING_REVIEW, ReleaseState.LIVE)
    ]
    account = make_service_account(organization)
    make_token(account, actor=owner)
    app_grant = grants.app_grant_create(app=app, username=outsider.username, permission="view_pluginapp", actor=owner)
    release_grants = [
        grants.release_grant_create(
            release=release, username=outsider.username, permission="view_release", actor=operator
        )
        for release in releases
    ]
    freeze = policies.freeze_create(
        reason="the end of the year", ends_at=timezone.now() + timedelta(days=1), actor=operator
    )
    deployment = Deployment.objects.create(
        kind=OperationKind.DEPLOY_RELEASE,
        app=app,
        environment=environment_of(app, "test"),
        release=releases[-1],
        state=OperationState.SUCCEEDED,
        requested_by=owner,
    )
    domain = domain_add(environment=environment_of(app, "test"), hostname=f"{slug}.test", actor=owner)
    held = make_held_name(organization, f"held-of-{slug}.test")
    zone = zone_create(name=f"names-of-{slug}.test", actor=operator)
    # Nothing listens there, and nobody is asked.
    dns_account = DnsAccount.objects.create(name=slug, provider="powerdns")
    waiting, mine = make_invitation(organization, outsider), make_invitation(make_organization(), owner)
    known = {
        "account": [dns_account.name],
        "action": sorted(ACTIONS),
        "app": [app.public_id],
        "deployment": [deployment.pk],
        "digest": [release.digest for release in releases],
        "domain": [domain.pk],
        "env": list(EnvironmentName.values),
        "environment": list(EnvironmentName.values),
        "event": list(AuditEvent.objects.filter(organization=organization).values_list("pk", flat=True)[:2]),
        "freeze": [freeze.pk],
        # Of nobody: the forge keeps them.
        "git_token": [999_999],
        "grant": [app_grant.pk, *(grant.pk for grant in release_grants)],
        "held_name": [held.pk],
        "invitation": [waiting.pk, mine.pk],
        "name": ["ci", "SHOP_KEY", "something-new"],
        "organization": [slug],
        "permission": [*grants.APP_PERMISSIONS, *grants.RELEASE_PERMISSIONS],
        "policy": list(AccessPolicy.objects.values_list("pk", flat=True)[:3]),
        "ref": ["main"],
        "release": [release.pk for release in releases],
        "resource": [
            f"organization:{slug}",
            f"app:{app.public_id}",
            f"environment:{app.public_id}/test",
            f"user:{member.username}",
            *(f"release:{release.pk}" for release in releases),
            "",
        ],
        "role": list(MemberRole.values),
        "scopes": [["read"], ["read", "deploy", "review", "operate"]],
        "slug": [slug],
        "stack": list(Stack.values),
        "token": list(ApiToken.objects.values_list("pk", flat=True)),
        "user": [member.username],
        "username": [member.username, outsider.username],
        "zone": [zone.name],
    }
    return World(slug, owner, member, outsider, operator, organization, app, releases, account, known)


@dataclass(frozen=True)
class Operation:
    """One of the document's, with its path filled with names of rows that there are."""

    method: str
    template: str
    known: dict[str, str]
    definition: Any

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.template}"

    @property
    def path(self) -> str:
        return self.filled()

    @property
    def names(self) -> list[str]:
        """Of the parameters in the path."""
        return re.findall(r"\{(\w+)\}", self.template)

    def filled(self, **others: str) -> str:
        """The path, with `others` in the places of what there is."""
        return re.sub(r"\{(\w+)\}", lambda match: (self.known | others)[match[1]], self.template)

    @property
    def is_write(self) -> bool:
        return self.method != "get"

    @property
    def takes_body(self) -> bool:
        return "requestBody" in self.definition

    def send(self, client: APIClient, body: Any = None) -> Any:
        return getattr(client, self.method)(self.path, body, format="json")


@cache
def document() -> Any:
    return APIClient().get("/api/v1/schema/").json()


def operations(world: World) -> Iterator[Operation]:
    for template, methods in document()["paths"].items():
        for method in METHODS:
            if method in methods:
                yield Operation(method, template, _known(template, world), methods[method])


def fields_of(operation: Operation, components: Any) -> set[str]:
    """The names that the operation's body may have."""
    (content,) = operation.definition["requestBody"]["content"].values()
    name = content["schema"]["$ref"].rpartition("/")[2]
    return set(components[name]["properties"])


def text_of(answer: Any) -> str:
    """The whole body, of an event stream or an export too."""

    async def read() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return (async_to_sync(read)() if answer.streaming else answer.content).decode()


def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of the platform's, but for what tells of the attempt itself."""
    models: list[type[Model]] = [
        model
        for label in ("tenants", "provisioning", "auth")
        for model in apps.get_app_config(label).get_models()
        if model.__name__ not in _NOT_COMPARED
    ]
    found = {model.__name__: list(model._base_manager.order_by("pk").values()) for model in models}
    for token in found["ApiToken"]:
        del token["last_used_at"]
    return found


def _known(template: str, world: World) -> dict[str, str]:
    """What stands for the names in the path."""
    known = {name: values[0] for name, values in world.known.items()}
    if "/variables/" in template:
        known["name"] = "SHOP_KEY"
    if template.startswith("/api/v1/releases/"):
        known["grant"] = world.known["grant"][1]
    return {name: str(known[name]) for name in re.findall(r"\{(\w+)\}", template)}
