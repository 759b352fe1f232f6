"""Passwords: who knows theirs comes in; who guesses is stopped, and stops nobody else by it.

django-axes counts wrong passwords by user name and address together, whether the name exists or not. So a guesser is
locked out where they are, and whoever the name belongs to signs in from anywhere else.
"""

import ipaddress
import math
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidCredentials, LockedOut
from tenants.people.models.user import User

# Where a client on a Unix socket comes from. A null would be unequal to itself, and so never counted twice.
_NOWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound to it


def password_check(*, username: str, password: str, address: str | None) -> User:
    """The active user of this name and password. `address` is the peer's, never one that a header names.

    Raises `InvalidCredentials` for a wrong password and an unknown or inactive name alike, after the same work, and
    `LockedOut` where this name has failed too often from this address. Call it outside of any transaction: a failure
    that is rolled back would not count.
    """
    request = _bare_request(address)
    user = authenticate(request, username=username, password=password)
    attempts = AccessAttempt.objects.filter(username=name_counted(None, {"username": username}))
    attempts = attempts.filter(ip_address=request.META["REMOTE_ADDR"])
    if isinstance(user, User):
        if attempts.exists():
            attempts.delete()
        return user
    if getattr(request, "axes_locked_out", False):
        # What django-axes has just counted; it counts no more while a lock lasts.
        if getattr(request, "axes_failures_since_start", None) is not None:
            _locked_record(username=username, address=request.META["REMOTE_ADDR"])
        wait_s = _wait_s(attempts)
        raise LockedOut(f"too many wrong passwords for this user name: wait {wait_s} seconds", wait_s=wait_s)
    raise InvalidCredentials("user name or password is wrong")


@unit_of_work
def signed_in_record(*, user: User, has_second_factor: bool) -> None:
    """Notes in the trail that `user` has signed in."""
    audit_record(
        action="user.signed_in",
        message=f"{user.username} signed in",
        actor=user,
        obj=user,
        data={"second_factor": has_second_factor},
    )


@unit_of_work
def _locked_record(*, username: str, address: str) -> None:
    """Notes in the trail that a lock begins. A name that nobody has may be a mistyped password: it is not written."""
    user = User.objects.filter(username=username).first()
    name = user.username if user else "an unknown user name"
    audit_record(
        action="user.locked_out", message=f"{name} locked out at {address}", obj=user, data={"address": address}
    )


def sign_in_attempts_forget() -> None:
    """Deletes the failures that count no more."""
    AccessAttempt.objects.filter(attempt_time__lte=timezone.now() - settings.AXES_COOLOFF_TIME).delete()


def address_counted(address: str | None) -> str:
    """What failures and requests are counted by: an IPv4 address, or the /64 of an IPv6 address.

    Who has one IPv6 address usually has 2**64 of them. An IPv4 address in IPv6 clothes is the IPv4 address.
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return _NOWHERE
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64))


def name_counted(_request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """What django-axes keeps instead of the name that was typed: people type passwords into that field."""
    name = str((credentials or {}).get("username", ""))
    return salted_hmac("tenants.services.sign_in", name, algorithm="sha256").hexdigest()


def client_described(_name: str, address: str, _agent: str, _path: str, _request: HttpRequest) -> str:
    """How a client is called in the log lines of django-axes."""
    return f"a client at {address}"


def _bare_request(address: str | None) -> HttpRequest:
    """All that django-axes may see, and keep, of a request: no form field, no query, no header."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address_counted(address)
    return request


def _wait_s(attempts: QuerySet[AccessAttempt]) -> int:
    latest = attempts.aggregate(latest=Max("attempt_time"))["latest"] or timezone.now()
    return max(1, math.ceil((latest + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
