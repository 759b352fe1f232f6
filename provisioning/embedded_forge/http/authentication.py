"""Who calls: PRIVATE-TOKEN, Authorization: Bearer, JOB-TOKEN; and HTTP Basic for git."""

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from provisioning.embedded_forge.http.errors import ApiError, forbidden, invalid_token, unauthorized
from provisioning.embedded_forge.models import Job, Token, User, token_digest

# `last_used_at` is written at most this often, so that reads do not become writes.
LAST_USED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Caller:
    """A user and what the credential allows. Exactly one of `token` and `job` is set, unless `user` is None."""

    user: User | None = None
    token: Token | None = None
    job: Job | None = None

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.token.scopes) if self.token else frozenset()


def of_request(request: HttpRequest) -> Caller:
    """Raises a 401 for a credential that is no good; no credential at all gives an anonymous caller."""
    headers = request.headers
    if secret := headers.get("JOB-TOKEN"):
        return _required(of_job_token(secret))
    secret = headers.get("PRIVATE-TOKEN")
    kind, _space, bearer = headers.get("Authorization", "").partition(" ")
    if secret is None and kind.lower() == "bearer":
        secret = bearer.strip()
    if secret is None:
        return Caller()
    token = Token.objects.select_related("user", "project").filter(digest=token_digest(secret)).first()
    if token is None:
        raise unauthorized()
    if token.is_revoked:
        raise invalid_token("Token was revoked. You have to re-authorize from the user.")
    if token.expires_at and token.expires_at <= timezone.now().date():
        raise invalid_token("Token is expired. You can either do re-authorization or token refresh.")
    caller = _required(_of_token(token))
    wanted = headers.get("Sudo") or request.GET.get("sudo")
    return _sudo(caller, wanted) if wanted else caller


def _sudo(caller: Caller, wanted: str) -> Caller:
    """An administrator in the name of the user with that id or username."""
    if caller.user is None or not caller.user.is_admin:
        raise forbidden("Must be admin to use sudo")
    by_id = Q(pk=int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 18 else Q()
    user = User.objects.filter(by_id or Q(username__iexact=wanted)).first()
    if user is None:
        raise ApiError(404, {"message": f"404 User with ID or username '{wanted[:255]}' Not Found"})
    if not user.is_active:
        raise unauthorized()
    return Caller(user=user, token=caller.token)


def of_basic(request: HttpRequest) -> Caller | None:
    """None where the credential is missing or no good: git is then asked for one."""
    kind, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        username, _colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    if not secret:
        return None
    if username == "gitlab-ci-token":
        return of_job_token(secret)
    token = (
        Token.objects.select_related("user", "project").filter(digest=token_digest(secret), is_revoked=False).first()
    )
    if token is None or (token.expires_at and token.expires_at <= timezone.now().date()):
        return None
    return _of_token(token)


def of_job_token(secret: str) -> Caller | None:
    """A job's token is good while the job runs."""
    job = (
        Job.objects.select_related("user", "project")
        .filter(token_digest=token_digest(secret), status="running")
        .first()
    )
    if job is None or job.user is None or not job.user.is_active:
        return None
    return Caller(user=job.user, job=job)


def _of_token(token: Token) -> Caller | None:
    if not token.user.is_active:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
        Token.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return Caller(user=token.user, token=token)


def _required(caller: Caller | None) -> Caller:
    if caller is None:
        raise unauthorized()
    return caller
