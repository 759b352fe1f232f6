"""Rows for tests, made through the services wherever a user would have made them. Import from `tests.factories`."""

import hashlib
from itertools import count
from typing import Any

from rest_framework.test import APIClient

from tenants.apps.choices import AppState, EnvironmentName, Stack
from tenants.apps.services import apps
from tenants.models import CustomDomain, Environment, HeldName, Invitation, Organization, PluginApp, Release, User
from tenants.names.choices import DomainState
from tenants.names.services import domains
from tenants.organizations.services import organizations
from tenants.people.choices import MemberRole
from tenants.people.services import invitations, memberships, service_accounts, tokens
from tenants.releases.choices import ReleaseState
from tenants.releases.services import authorship, releases
from tenants.reviews.services import readings, reviews

PASSWORD = "correct horse battery staple"
_count = count(1)


def make_user(username: str = "", **fields: Any) -> User:
    """A user with the password `PASSWORD`; e-mail address `<username>@example.test`."""
    username = username or f"user{next(_count)}"
    fields.setdefault("email", f"{username}@example.test")
    return User.objects.create_user(username=username, password=PASSWORD, **fields)


def make_reviewer(username: str = "", **fields: Any) -> User:
    return make_user(username, is_reviewer=True, **fields)


def make_operator(username: str = "", **fields: Any) -> User:
    return make_user(username, is_operator=True, **fields)


def api_client(user: User | None = None) -> APIClient:
    """A REST client with a token of `user`'s, or anonymous. A fault of the server is a 500, not an exception here."""
    client = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(user)}")
    return client


def make_token(user: User, **fields: Any) -> str:
    """The text of a token with all scopes."""
    fields.setdefault("scopes", tokens.ALL_SCOPES)
    return tokens.api_token_create(user=user, name="test", actor=fields.pop("actor", user), **fields)[1]


def make_organization(*, owner: User | None = None, slug: str = "", name: str = "") -> Organization:
    slug = slug or f"org{next(_count)}"
    return organizations.organization_create(name=name or slug.title(), slug=slug, actor=owner or make_user())


def owner_of(organization: Organization) -> User:
    """The first owner."""
    owners = organization.memberships.filter(role=MemberRole.OWNER).select_related("user").order_by("pk")
    return owners[0].user


def make_member(organization: Organization, role: str = MemberRole.DEVELOPER, user: User | None = None) -> User:
    """Somebody who was invited and has accepted; a member is given the role."""
    user = user or make_user()
    owner = owner_of(organization)
    if organization.memberships.filter(user=user).exists():
        memberships.membership_change(organization=organization, username=user.username, role=role, actor=owner)
    else:
        invitations.invitation_accept(invitation=make_invitation(organization, user, role), actor=user)
    return user


def make_invitation(
    organization: Organization, user: User | None = None, role: str = MemberRole.DEVELOPER
) -> Invitation:
    user = user or make_user()
    return invitations.invitation_create(
        organization=organization, username=user.username, role=role, actor=owner_of(organization)
    )


def make_service_account(organization: Organization, name: str = "ci", role: str = MemberRole.DEVELOPER) -> User:
    return service_accounts.service_account_create(
        organization=organization, name=name, role=role, actor=owner_of(organization)
    ).user


def make_app(
    *,
    organization: Organization | None = None,
    state: str = AppState.ACTIVE,
    stack: str = Stack.PHP,
    slug: str = "",
    name: str = "",
) -> PluginApp:
    """An app with its environments and hostnames, brought into `state` the way the platform would."""
    organization = organization or make_organization()
    slug = slug or f"plugin{next(_count)}"
    owner = owner_of(organization)
    app = apps.app_create(organization=organization, name=name or slug, slug=slug, stack=stack, actor=owner)
    if state == AppState.FAILED:
        apps.app_failed(app=app, error="the forge is down: the operator must start it")
    elif state != AppState.PROVISIONING:
        apps.app_repository_recorded(app=app, http_url=f"http://forge.test/{organization.slug}/{slug}.git")
        apps.app_activated(app=app)
    if state in (AppState.RETIRING, AppState.RETIRED):
        apps.app_retire(app=app, actor=owner)
    if state == AppState.RETIRED:
        apps.app_retired(app=app)
    return app


def make_held_name(organization: Organization, hostname: str) -> HeldName:
    """A name that the organization had and gave up; nobody asks a name server."""
    app = organization.apps.filter(state=AppState.ACTIVE).first() or make_app(organization=organization)
    environment = environment_of(app)
    owner = owner_of(organization)
    domain = domains.domain_add(environment=environment, hostname=hostname, actor=owner)
    CustomDomain.objects.filter(pk=domain.pk).update(state=DomainState.ACTIVE, proven_at=domain.created_at)
    domain.refresh_from_db()
    domains.domain_remove(domain=domain, actor=owner)
    return HeldName.objects.get(hostname=domain.hostname)


def environment_of(app: PluginApp, name: str = EnvironmentName.PRODUCTION) -> Environment:
    return app.environments.get(name=name)


def make_release(
    *,
    app: PluginApp | None = None,
    environment: str = EnvironmentName.PRODUCTION,
    state: str = ReleaseState.SUBMITTED,
    submitted_by: User | None = None,
    reviewer: User | None = None,
    author_emails: list[str] | None = None,
    ref: str = "main",
    commit_sha: str = "",
) -> Release:
    """A release brought into `state` step by step, the way people and the platform would."""
    app = app or make_app()
    row = releases.release_submit(
        environment=environment_of(app, environment),
        ref=ref,
        notes="",
        actor=submitted_by or owner_of(app.organization),
    )
    for step in _WAY[ReleaseState(state)]:
        _take(step, row, app, reviewer, author_emails, commit_sha)
    return row


_CHECKED = ("checking", "checked")
_DEPLOYING = (*_CHECKED, "approve", "deploying")
_WAY: dict[ReleaseState, tuple[str, ...]] = {
    ReleaseState.SUBMITTED: (),
    ReleaseState.CANCELLED: ("cancel",),
    ReleaseState.CHECKING: ("checking",),
    ReleaseState.FAILED: ("checking", "failed"),
    ReleaseState.AWAITING_REVIEW: _CHECKED,
    ReleaseState.APPROVED: (*_CHECKED, "approve"),
    ReleaseState.REJECTED: (*_CHECKED, "reject"),
    ReleaseState.DEPLOYING: _DEPLOYING,
    ReleaseState.LIVE: (*_DEPLOYING, "live"),
    ReleaseState.SUPERSEDED: (*_DEPLOYING, "live", "another"),
    ReleaseState.ROLLED_BACK: (*_DEPLOYING, "live", "another back"),
}


def _take(
    step: str, row: Release, app: PluginApp, reviewer: User | None, author_emails: list[str] | None, commit_sha: str
) -> None:
    match step:
        case "cancel":
            releases.release_cancel(release=row, actor=owner_of(app.organization))
        case "checking":
            releases.release_checking(
                release=row,
                commit_sha=commit_sha or hashlib.sha1(str(row.pk).encode(), usedforsecurity=False).hexdigest(),
                commit_title="Say hello",
                commit_author="Ada",
                commit_author_emails=author_emails or ["ada@elsewhere.test"],
                configuration_sha256=hashlib.sha256(str(row.configuration).encode()).hexdigest(),
            )
            pusher = row.submitted_by.pk
            authorship.release_pushers_record(release=row, pushers=authorship.Pushers(pushed={(pusher, pusher): 1}))
        case "failed":
            releases.release_failed(release=row, error="a check failed: the developer must push a fix")
        case "checked":
            base = Release.objects.filter(environment=row.environment_id, state=ReleaseState.LIVE).first()
            readings.review_scope_set(release=row, base=base, files=[])
            releases.release_checked(release=row, checks=[{"name": "tree", "state": "passed", "detail": ""}])
        case "approve" | "reject":
            decide = reviews.release_approve if step == "approve" else reviews.release_reject
            decide(release=row, digest=row.digest, comment=f"{step}: I read it", actor=reviewer or make_reviewer())
        case "deploying":
            releases.release_deploying(release=row)
        case "live":
            releases.release_went_live(release=row, is_rollback=False)
        case "another" | "another back":
            other = make_release(app=app, environment=row.environment.name, state=ReleaseState.DEPLOYING)
            releases.release_went_live(release=other, is_rollback=step == "another back")
            row.refresh_from_db()
