"""Who sends this request: a bearer token, or the portal's session."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

from django.db import OperationalError
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants.audit.choices import AuthenticationMethod
from tenants.audit.request_context import Authentication, authentication
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.people.services.tokens import TOKEN_PREFIX, token_sha256
from tenants.people.sessions import by_session

CHALLENGE = 'Bearer realm="berth"'
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`. One answer for a token that is unknown, expired, revoked or an inactive user's."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return owner_of_token(request, text.strip())

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class _Sent(Protocol):
    """A request of Django's, or of the REST framework's."""

    META: dict[str, Any]


def owner_of_token(request: _Sent, text: str) -> tuple[User, ApiToken]:
    """Whose token it is; notes how they came in. Raises `AuthenticationFailed`: one answer for all that is wrong."""
    token = None
    if text.startswith(TOKEN_PREFIX) and len(text) <= 200:
        token = ApiToken.objects.select_related("user").filter(token_sha256=token_sha256(text)).first()
    now = timezone.now()
    if token is None or token.revoked_at or token.expires_at <= now or not token.user.is_active:
        raise AuthenticationFailed("the token is not valid (any more): ask for a new one at /api/v1/tokens/")
    if token.last_used_at is None or token.last_used_at < now - _USE_IS_NOTED_EVERY:
        # Only a note: a database that is busy must not refuse the request for it.
        with suppress(OperationalError):
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    authentication.set(by_token(request, token))
    return token.user, token


class PortalSessionAuthentication(SessionAuthentication):
    """The portal's own pages, signed in by session; whatever writes must carry the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found: tuple[Any, None] | None = super().authenticate(request)
        if found is not None:
            authentication.set(by_session(request._request))
        return found


def by_token(request: _Sent, token: ApiToken) -> Authentication:
    return Authentication(
        method=AuthenticationMethod.TOKEN,
        address=request.META.get("REMOTE_ADDR") or None,
        has_second_factor=token.has_second_factor,
        token_id=token.pk,
        scopes=frozenset(token.scopes),
        organization_id=token.organization_id,
        app_id=token.app_id,
    )
