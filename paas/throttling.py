"""How often somebody may ask. Counted in the cache; refused with `Retry-After`."""

import math
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from tenants.people.services.sign_in import address_counted


class _Throttle(SimpleRateThrottle):
    scope = ""

    def get_rate(self) -> str:
        return str(api_settings.DEFAULT_THROTTLE_RATES[self.scope])

    def get_ident(self, request: Request) -> str:
        # The peer's address: a forwarding header is the client's own invention unless the server has taken it already.
        return address_counted(request.META.get("REMOTE_ADDR"))


class UserThrottle(_Throttle):
    """By user, over all their tokens and sessions."""

    scope = "user"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not request.user.is_authenticated:
            return None
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


class AddressThrottle(_Throttle):
    """By address, for those who are not signed in."""

    scope = "address"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if request.user.is_authenticated:
            return None
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class SignInAddressThrottle(_Throttle):
    """By address: one machine can't try many names."""

    scope = "sign-in"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return self.cache_format % {"scope": "sign-in-address", "ident": self.get_ident(request)}


def sign_in_wait_s(request: HttpRequest) -> int | None:
    """Seconds until this address may try again, counted together with the API's tokens; None where it may now."""
    throttle = SignInAddressThrottle()
    # A throttle is a view's: it looks at none here.
    if throttle.allow_request(Request(request), None):  # type: ignore[arg-type]
        return None
    return max(1, math.ceil(throttle.wait() or 1))
