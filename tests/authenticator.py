"""An authenticator app of its own, after RFC 6238, and what one does with it. Import from `tests.authenticator`."""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tenants.models import SecondFactor, User
from tenants.people.services.second_factor import second_factor_confirm, second_factor_enroll
from tests.factories import PASSWORD

STEP_S = 30


@dataclass
class Authenticator:
    """`code()` is what it shows now, `code(1)` what it will show next: a clock that is ahead by one step is taken."""

    secret: str
    recovery_codes: list[str]

    def code(self, ahead: int = 0) -> str:
        step = int(timezone.now().timestamp()) // STEP_S + ahead
        mac = hmac.digest(base64.b32decode(self.secret), struct.pack(">Q", step), hashlib.sha1)
        (number,) = struct.unpack_from(">I", mac, mac[-1] & 0xF)
        return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"

    def wrong_code(self) -> str:
        """Six digits that are right neither now nor in the minutes around."""
        near = {self.code(ahead) for ahead in range(-5, 6)}
        return next(code for code in (f"{number:06}" for number in range(20)) if code not in near)


def enroll(user: User, *, address: str = "127.0.0.1") -> Authenticator:
    """A confirmed second factor, whose present code is not used up."""
    secret = second_factor_enroll(actor=user, password=PASSWORD, address=address).secret
    authenticator = Authenticator(secret, [])
    authenticator.recovery_codes = second_factor_confirm(actor=user, code=authenticator.code())
    SecondFactor.objects.filter(user=user).update(last_step=-1)
    return authenticator


class Clock:
    """Time stands still, so that no test depends on how fast it runs, until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: datetime = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
