"""Second factors: an authenticator app's codes (TOTP), and recovery codes for when it is lost.

django-otp computes the codes and says how long wrong ones make one wait. Whatever takes a code is called outside of any
unit of work: it is one itself, and a wrong code counts, whatever comes after.
"""

import base64
import hashlib
import math
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

from django.db.models import F
from django.db.models.functions import Least
from django.utils import timezone
from django_otp.oath import TOTP

from tenants import access
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import (
    AlreadyExists,
    InvalidCredentials,
    InvalidInput,
    InvalidSecondFactor,
    InvalidTransition,
    NotPermitted,
    SecondFactorRequired,
    SecondFactorThrottled,
)
from tenants.people.models.credentials import ApiToken
from tenants.people.models.second_factor import RecoveryCode, SecondFactor
from tenants.people.models.user import User
from tenants.people.services.sign_in import password_check

RECOVERY_CODES = 10
STEP_S = 30
# Clocks may differ by one step.
_STEPS_OFF = 1
_ISSUER = "Berth"
_TOTP_CODE = re.compile(r"[0-9]{6}")
_RECOVERY_CODE = re.compile(r"[A-Z2-7]{16}")
_WRONG = "is wrong or was used before: send the code that your authenticator shows now, or a recovery code"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Enrollment:
    """What goes into the authenticator app, once. Neither is shown where this is printed."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True)
class SecondFactorState:
    is_confirmed: bool = False
    made_at: datetime | None = None
    last_used_at: datetime | None = None
    recovery_codes_left: int = 0


def second_factor_state(*, user: User) -> SecondFactorState:
    """What `user` has. One that was never confirmed is none."""
    factor = SecondFactor.objects.filter(user=user, confirmed=True).first()
    if factor is None:
        return SecondFactorState()
    left = factor.recovery_codes.filter(used_at=None).count()
    return SecondFactorState(True, factor.created_at, factor.last_used_at, left)


def second_factor_shown(*, user: User, code: str | None) -> bool:
    """Whether who has given the password of `user` has shown a second factor too: False for who has none.

    The code is then used up. Raises `SecondFactorRequired` without a code, `InvalidSecondFactor` for one that is wrong
    or was used before, and `SecondFactorThrottled` after wrong ones; it takes a recovery code nevertheless.
    """
    if not second_factor_state(user=user).is_confirmed:
        return False
    if not code:
        raise SecondFactorRequired("send the code that your authenticator shows now, or a recovery code")
    if _take(user=user, code=code) is None:
        raise InvalidSecondFactor(f"the code {_WRONG}")
    return True


def second_factor_enroll(*, actor: User, password: str, address: str | None) -> Enrollment:
    """A new secret for the actor's authenticator, which counts once it is confirmed; an unconfirmed one before it ends.

    It takes the password, for which wrong ones are counted as at sign-in: who has found an open session or a token
    must not be able to shut its owner out. Raises `AlreadyExists` for who has a confirmed one.
    """
    try:
        password_check(username=actor.username, password=password, address=address)
    except InvalidCredentials:
        raise InvalidInput.field("password", "is wrong: send the password that you sign in with") from None
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    _enroll(actor=actor, secret=secret)
    label = quote(f"{_ISSUER}:{actor.username}")
    query = {"secret": secret, "issuer": _ISSUER, "algorithm": "SHA1", "digits": 6, "period": STEP_S}
    return Enrollment(secret=secret, uri=f"otpauth://totp/{label}?{urlencode(query)}")


@unit_of_work
def _enroll(*, actor: User, secret: str) -> None:
    factor, is_new = SecondFactor.objects.get_or_create(user=actor, defaults={"secret": secret})
    if not is_new:
        unconfirmed = SecondFactor.objects.filter(pk=factor.pk, confirmed=False)
        if not unconfirmed.update(
            secret=secret,
            last_step=-1,
            throttling_failure_count=0,
            throttling_failure_timestamp=None,
            created_at=timezone.now(),
        ):
            raise AlreadyExists("you have a second factor: remove it before you set up another")
    audit_record(
        action="second_factor.enrolled", message="second factor set up, not yet confirmed", actor=actor, obj=actor
    )


def second_factor_confirm(*, actor: User, code: str) -> list[str]:
    """Makes the actor's new second factor count, with a first code of it. Gives the recovery codes, this once.

    Raises `InvalidTransition` for who has none to confirm, `InvalidInput` for a wrong code.
    """
    if not SecondFactor.objects.filter(user=actor, confirmed=False).exists():
        raise InvalidTransition("there is no second factor to confirm: set one up first")
    return _right(_confirm(actor=actor, code=code))


@unit_of_work
def _confirm(*, actor: User, code: str) -> list[str] | None:
    factor = _take(user=actor, code=code, is_confirmed=False)
    if factor is None:
        return None
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed=True)
    audit_record(
        action="second_factor.confirmed",
        message="second factor confirmed",
        actor=actor,
        obj=actor,
        before={"second_factor": False},
        after={"second_factor": True},
    )
    return _new_codes(factor)


def recovery_codes_renew(*, actor: User, code: str) -> list[str]:
    """Ten new recovery codes, shown this once; the old ones are worth nothing any more. It takes a code.

    Raises `InvalidTransition` for who has no second factor, `InvalidInput` for a wrong code.
    """
    _require_confirmed(actor)
    return _right(_renew(actor=actor, code=code))


@unit_of_work
def _renew(*, actor: User, code: str) -> list[str] | None:
    factor = _take(user=actor, code=code)
    if factor is None:
        return None
    audit_record(action="recovery_codes.renewed", message="new recovery codes made", actor=actor, obj=actor)
    return _new_codes(factor)


def second_factor_remove(*, actor: User, code: str) -> None:
    """Takes the actor's own second factor away, with its recovery codes. It takes a code.

    Raises `InvalidTransition` for who has no second factor, `InvalidInput` for a wrong code.
    """
    _require_confirmed(actor)
    _right(_remove(actor=actor, code=code))


@unit_of_work
def _remove(*, actor: User, code: str) -> bool | None:
    factor = _take(user=actor, code=code)
    if factor is None:
        return None
    _delete(factor, actor=actor)
    return True


@unit_of_work
def second_factor_reset(*, user: User, actor: User | None) -> None:
    """Takes away the second factor of somebody who has lost authenticator and recovery codes.

    `actor` is an operator and somebody else, or None for the command line of the platform's own machine. Raises
    `InvalidTransition` for who has none.
    """
    if actor is not None:
        access.require(actor, "user.change", user)
        if actor.pk == user.pk:
            raise NotPermitted("remove your own second factor with a code, or ask another operator")
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        raise InvalidTransition(f"{user.username} has no second factor")
    _delete(factor, actor=actor)


def _delete(factor: SecondFactor, *, actor: User | None) -> None:
    had_counted = factor.confirmed
    factor.delete()
    # What it had opened goes on, without it. Sessions look for themselves: `second_factor_stands`.
    ApiToken.objects.filter(user=factor.user, has_second_factor=True).update(has_second_factor=False)
    access.people_changed()
    audit_record(
        action="second_factor.removed",
        message=f"second factor of {factor.user.username} removed",
        actor=actor,
        obj=factor.user,
        before={"second_factor": had_counted},
        after={"second_factor": False},
    )


@unit_of_work
def _take(*, user: User, code: str, is_confirmed: bool = True) -> SecondFactor | None:
    """Uses `code` up. None, and a longer wait before the next, where it is wrong or was used before.

    Of the same code sent twice at once, one is taken: the update decides.
    """
    factors = SecondFactor.objects.filter(user=user, confirmed=is_confirmed)
    # On PostgreSQL guesses that come at once wait here for each other; on SQLite they have at the transaction's start.
    factor = factors.select_for_update(no_key=True).first()
    if factor is None:
        return None
    text = re.sub(r"[\s-]", "", code).upper()
    if _RECOVERY_CODE.fullmatch(text):
        is_right, what = _take_recovery_code(factor, text), "recovery code"
    else:
        is_right, what = _take_totp(factor, text), "second factor"
    if is_right:
        SecondFactor.objects.filter(pk=factor.pk).update(last_used_at=timezone.now())
        audit_record(action="second_factor.shown", message=f"{what} shown", actor=user, obj=user)
        return factor
    audit_record(action="second_factor.refused", message=f"wrong {what}", actor=user, obj=user)
    return None


def _take_recovery_code(factor: SecondFactor, text: str) -> bool:
    unused = factor.recovery_codes.filter(code_sha256=_sha256(text), used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def _take_totp(factor: SecondFactor, text: str) -> bool:
    is_allowed, reason = factor.verify_is_allowed()
    if not is_allowed:
        wait_s = max(1, math.ceil((reason["locked_until"] - timezone.now()).total_seconds()))
        raise SecondFactorThrottled(
            f"too many wrong codes: wait {wait_s} seconds, or use a recovery code", wait_s=wait_s
        )
    row = SecondFactor.objects.filter(pk=factor.pk)
    totp = TOTP(base64.b32decode(factor.secret), step=STEP_S)
    # So that the step that is noted is the one that was looked at.
    totp.time = timezone.now().timestamp()
    if _TOTP_CODE.fullmatch(text) and totp.verify(int(text), _STEPS_OFF, factor.last_step + 1):
        step = totp.t()
        taken = row.filter(last_step__lt=step).update(
            last_step=step, throttling_failure_count=0, throttling_failure_timestamp=None
        )
        return bool(taken)
    failures = Least(F("throttling_failure_count") + 1, SecondFactor.MAX_FAILURES_COUNTED)
    row.update(throttling_failure_count=failures, throttling_failure_timestamp=timezone.now())
    return False


def _new_codes(factor: SecondFactor) -> list[str]:
    factor.recovery_codes.all().delete()
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(second_factor=factor, code_sha256=_sha256(code)) for code in codes)
    return ["-".join(re.findall("....", code.lower())) for code in codes]


def _require_confirmed(actor: User) -> None:
    if not second_factor_state(user=actor).is_confirmed:
        raise InvalidTransition("you have no second factor: set one up first")


def _right(result: Result | None) -> Result:
    if result is None:
        raise InvalidInput.field("code", _WRONG)
    return result


def _sha256(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
