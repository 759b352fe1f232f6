"""Tokens for the REST API: named, limited in scope, place and time, kept as a hash, shown once."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils import timezone

from tenants import access, validators
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.request_context import authentication
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, NotPermitted
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Organization
from tenants.organizations.services.quotas import quota_claim
from tenants.people.choices import TokenScope
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.people.services.memberships import lock
from tenants.people.services.token_ends import tokens_end
from tenants.releases.services.authorship import keeper_add

TOKEN_PREFIX = "berth_"  # noqa: S105 - the part of every token that is no secret
DEFAULT_TTL = timedelta(days=90)
SHORTEST_TTL, LONGEST_TTL = timedelta(days=1), timedelta(days=365)
ALL_SCOPES = frozenset(TokenScope.values)


@unit_of_work
def api_token_create(
    *,
    user: User,
    name: str,
    actor: User,
    scopes: Collection[str],
    organization: Organization | None = None,
    app: PluginApp | None = None,
    ttl: timedelta | None = None,
    has_second_factor: bool = False,
) -> tuple[ApiToken, str]:
    """A new token of `user` and its text, which is nowhere else: only its SHA-256 is kept.

    `organization` or `app` is one that the user may see; a service account's token is always for its organization or
    an app of it. `ttl` is 1 to 365 days; None is 90, or less where the token that it is made with ends sooner. A token
    that is made with another token has no wider scopes and place than that one, lives no longer, and has a second
    factor only if that one has.

    Raises `InvalidInput` naming the field, `QuotaExceeded` for one more than the person, or the service account's
    organization, may have.
    """
    # Whoever ends all tokens of this account takes turns with this one: none comes to be behind their back.
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.service_organization is not None:
        # So does whoever takes the organization from the one who makes it: see `services.keepers`.
        lock(user.service_organization)
    if organization is None and app is None:
        organization = user.service_organization
    lasts = DEFAULT_TTL if ttl is None else ttl
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user,
        name=name,
        token_sha256=token_sha256(text),
        expires_at=timezone.now() + lasts,
        scopes=[scope for scope in TokenScope.values if scope in scopes],
        organization=organization,
        app=app,
        has_second_factor=has_second_factor,
        created_by=actor,
    )
    access.require(actor, "token.create", token)
    if not user.is_active:
        raise NotPermitted("the account is not active: an operator must activate it first")
    validators.together(
        lambda: validators.display_name(name),
        lambda: validators.token_scopes(scopes),
        lambda: _check_place(token),
        lambda: _check_ttl(lasts),
    )
    maker = _made_with()
    token.keeper = _keeper(token, actor, maker)
    if token.keeper is not None:
        keeper_add(account=user, person=token.keeper)
    if maker is not None:
        if ttl is None:
            token.expires_at = min(token.expires_at, maker.expires_at)
        _stay_within(maker, token)
    _claim(user)
    token.save(force_insert=True)
    access.people_changed()
    audit_record(
        action="token.created",
        message=f"API token {name} created" + ("" if user == actor else f" for {user}"),
        actor=actor,
        organization=user.service_organization,
        obj=token,
        before={},
        after=_described(token),
        data={"token": token.pk, "username": user.username},
    )
    return token, text


@unit_of_work
def api_token_revoke(*, token: ApiToken, actor: User) -> None:
    """Ends a token at once; without effect on one that is revoked already."""
    access.require(actor, "token.revoke", token)
    if tokens_end(ApiToken.objects.filter(pk=token.pk)):
        audit_record(
            action="token.revoked",
            message=f"API token {token.name} of {token.user} revoked",
            actor=actor,
            organization=token.user.service_organization,
            obj=token,
            before=_described(token),
            after={},
            data={"token": token.pk, "username": token.user.username},
        )
    token.refresh_from_db()


def token_sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _claim(user: User) -> None:
    if user.service_organization is None:
        quota_claim(user, QuotaName.PERSONAL_TOKENS)
    else:
        quota_claim(user.service_organization, QuotaName.TOKENS)


def _check_ttl(ttl: timedelta) -> None:
    if not SHORTEST_TTL <= ttl <= LONGEST_TTL:
        raise InvalidInput.field(
            "expires_in_days", f"must be a whole number from {SHORTEST_TTL.days} to {LONGEST_TTL.days}"
        )


def _check_place(token: ApiToken) -> None:
    if token.organization is not None and token.app is not None:
        raise InvalidInput.field("app", "can't stand beside an organization: name one of the two")
    home = token.user.service_organization_id
    if home is None:
        return
    if token.organization is not None and token.organization.pk != home:
        raise InvalidInput.field("organization", "is not the service account's: leave it out")
    if token.app is not None and token.app.organization_id != home:
        raise InvalidInput.field("app", "is not the service account's organization's: name one of its apps")


def _made_with() -> ApiToken | None:
    """The token that the present request came with."""
    token_id = authentication.get().token_id
    return None if token_id is None else ApiToken.objects.get(pk=token_id)


def _keeper(token: ApiToken, actor: User, maker: ApiToken | None) -> User | None:
    """With whom a service account's token ends: who made it, or the token that it was made with."""
    if not token.user.is_service_account:
        return None
    if not actor.is_service_account:
        return actor
    return None if maker is None else maker.keeper


def _stay_within(maker: ApiToken, token: ApiToken) -> None:
    """Whoever finds a small token must not make a large one of it."""
    held = {*maker.scopes, TokenScope.READ.value}
    if beyond := [scope for scope in token.scopes if scope not in held]:
        raise InvalidInput.field(
            "scopes", f"has {beyond[0]}, which the token that you use lacks: ask for less, or sign in"
        )
    if maker.app_id is not None and token.app_id != maker.app_id:
        raise InvalidInput.field("app", "is wider than that of the token that you use: name its app")
    if maker.organization_id is not None and _organization_of(token) != maker.organization_id:
        raise InvalidInput.field(
            "organization", "is wider than that of the token that you use: name its organization or an app of it"
        )
    if token.expires_at > maker.expires_at:
        raise InvalidInput.field(
            "expires_in_days", f"is later than the end of the token that you use, {_day(maker.expires_at)}: name less"
        )
    token.has_second_factor = token.has_second_factor and maker.has_second_factor


def _organization_of(token: ApiToken) -> int | None:
    return token.organization_id if token.app is None else token.app.organization_id


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _described(token: ApiToken) -> dict[str, object]:
    return {
        "name": token.name,
        "scopes": token.scopes,
        "organization": token.organization.slug if token.organization else None,
        "app": token.app.public_id if token.app else None,
        "expires_at": token.expires_at.isoformat(),
        "has_second_factor": token.has_second_factor,
    }
