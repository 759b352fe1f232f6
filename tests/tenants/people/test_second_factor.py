"""Second factors: a code works once, guesses take longer and longer, and what must stay secret does."""

import hashlib
import logging
from collections import Counter
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tenants.exceptions import (
    AlreadyExists,
    InvalidInput,
    InvalidSecondFactor,
    InvalidTransition,
    NotPermitted,
    SecondFactorRequired,
    SecondFactorThrottled,
)
from tenants.models import AuditEvent, RecoveryCode, SecondFactor, User
from tenants.people.services.second_factor import (
    RECOVERY_CODES,
    recovery_codes_renew,
    second_factor_confirm,
    second_factor_enroll,
    second_factor_remove,
    second_factor_reset,
    second_factor_shown,
    second_factor_state,
)
from tests.authenticator import Authenticator, Clock, enroll
from tests.factories import PASSWORD, make_operator, make_user
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db
HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def authenticator(user: User) -> Authenticator:
    return enroll(user)


def is_shown(user: User, code: str) -> bool:
    return second_factor_shown(user=user, code=code)


def test_who_has_none_shows_none(user: User) -> None:
    assert not is_shown(user, "123456")
    assert not second_factor_shown(user=user, code=None)


def test_one_that_is_not_confirmed_does_not_count(user: User) -> None:
    second_factor_enroll(actor=user, password=PASSWORD, address=HERE)
    assert not second_factor_shown(user=user, code=None)
    assert not second_factor_state(user=user).is_confirmed


@pytest.mark.parametrize("code", [None, ""])
def test_without_a_code_it_asks_for_one(user: User, authenticator: Authenticator, code: str | None) -> None:
    with pytest.raises(SecondFactorRequired):
        second_factor_shown(user=user, code=code)


def test_a_code_works_once(user: User, authenticator: Authenticator) -> None:
    code = authenticator.code()
    assert is_shown(user, code)
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, code)


def test_after_a_code_none_from_before_it_works(user: User, authenticator: Authenticator) -> None:
    earlier = authenticator.code()
    assert is_shown(user, authenticator.code(1))
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, earlier)


def test_the_code_that_confirms_does_not_sign_in_too(user: User, clock: Clock) -> None:
    secret = second_factor_enroll(actor=user, password=PASSWORD, address=HERE).secret
    app = Authenticator(secret, [])
    code = app.code()
    second_factor_confirm(actor=user, code=code)
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, code)
    clock.wait(30)
    assert is_shown(user, app.code())


def test_spaces_in_a_code_do_not_matter(user: User, authenticator: Authenticator) -> None:
    code = authenticator.code()
    assert is_shown(user, f" {code[:3]} {code[3:]}\n")


@pytest.mark.parametrize(
    "code", ["12345", "1234567", "x", "\x00", "\uff11\uff12\uff13\uff14\uff15\uff16", "-1", "1e5", "0x1234", "9" * 5000]
)
def test_what_is_no_code_is_a_wrong_one(user: User, authenticator: Authenticator, code: str) -> None:
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, code)


def test_another_persons_codes_are_wrong(user: User, authenticator: Authenticator) -> None:
    other = enroll(make_user())
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, other.recovery_codes[0])
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, other.code())


def test_a_recovery_code_works_once(user: User, authenticator: Authenticator) -> None:
    codes = authenticator.recovery_codes
    assert len(set(codes)) == RECOVERY_CODES
    assert is_shown(user, codes[3])
    assert second_factor_state(user=user).recovery_codes_left == RECOVERY_CODES - 1
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, codes[3])
    assert is_shown(user, codes[4].replace("-", "").upper())


def test_wrong_codes_take_longer_and_longer_and_no_longer_than_that(
    user: User, authenticator: Authenticator, clock: Clock
) -> None:
    waits = []
    for _ in range(14):
        with pytest.raises(InvalidSecondFactor):
            is_shown(user, authenticator.wrong_code())
        with pytest.raises(SecondFactorThrottled) as refused:
            is_shown(user, authenticator.code())
        waits.append(refused.value.wait_s)
        clock.wait(refused.value.wait_s)
    assert waits == [*(2**turn for turn in range(11)), 1024, 1024, 1024]
    assert is_shown(user, authenticator.code())
    assert SecondFactor.objects.get(user=user).throttling_failure_count == 0


def test_whoever_guesses_does_not_keep_a_recovery_code_out(user: User, authenticator: Authenticator) -> None:
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, authenticator.wrong_code())
    with pytest.raises(SecondFactorThrottled):
        is_shown(user, authenticator.code())
    assert is_shown(user, authenticator.recovery_codes[0])


def test_setting_up_takes_the_password(user: User) -> None:
    with pytest.raises(InvalidInput) as refused:
        second_factor_enroll(actor=user, password="wrong", address=HERE)
    assert set(refused.value.errors) == {"password"}
    assert not SecondFactor.objects.exists()


def test_setting_up_again_before_it_is_confirmed_makes_the_first_secret_worthless(user: User, clock: Clock) -> None:
    first = second_factor_enroll(actor=user, password=PASSWORD, address=HERE)
    second = second_factor_enroll(actor=user, password=PASSWORD, address=HERE)
    with pytest.raises(InvalidInput):
        second_factor_confirm(actor=user, code=Authenticator(first.secret, []).code())
    clock.wait(1)
    second_factor_confirm(actor=user, code=Authenticator(second.secret, []).code())


def test_a_confirmed_one_is_not_replaced_by_who_has_the_password(user: User, authenticator: Authenticator) -> None:
    with pytest.raises(AlreadyExists):
        second_factor_enroll(actor=user, password=PASSWORD, address=HERE)
    with pytest.raises(InvalidTransition):
        second_factor_confirm(actor=user, code=authenticator.code())
    assert is_shown(user, authenticator.code())


def test_new_recovery_codes_take_a_code_and_end_the_old_ones(
    user: User, authenticator: Authenticator, clock: Clock
) -> None:
    with pytest.raises(InvalidInput):
        recovery_codes_renew(actor=user, code=authenticator.wrong_code())
    clock.wait(1)
    codes = recovery_codes_renew(actor=user, code=authenticator.code())
    assert not set(codes) & set(authenticator.recovery_codes)
    assert RecoveryCode.objects.count() == RECOVERY_CODES
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, authenticator.recovery_codes[0])
    assert is_shown(user, codes[0])


def test_removing_takes_a_code(user: User, authenticator: Authenticator) -> None:
    with pytest.raises(InvalidInput):
        second_factor_remove(actor=user, code=authenticator.wrong_code())
    assert second_factor_state(user=user).is_confirmed
    second_factor_remove(actor=user, code=authenticator.recovery_codes[0])
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    with pytest.raises(InvalidTransition):
        second_factor_remove(actor=user, code=authenticator.code())


def test_an_operator_removes_it_for_who_has_lost_everything(user: User, authenticator: Authenticator) -> None:
    with pytest.raises(NotPermitted):
        second_factor_reset(user=user, actor=make_user())
    operator = make_operator()
    second_factor_reset(user=user, actor=operator)
    assert not second_factor_state(user=user).is_confirmed
    event = AuditEvent.objects.get(action="second_factor.removed")
    assert event.actor == operator
    with pytest.raises(InvalidTransition):
        second_factor_reset(user=user, actor=operator)


def test_an_operators_own_takes_a_code_or_the_machines_command_line() -> None:
    operator = make_operator()
    enroll(operator)
    with pytest.raises(NotPermitted):
        second_factor_reset(user=operator, actor=operator)
    call_command("second_factor_reset", operator.username)
    assert not second_factor_state(user=operator).is_confirmed
    for name in (operator.username, "nobody"):
        with pytest.raises(CommandError):
            call_command("second_factor_reset", name)


def test_every_step_is_in_the_trail(user: User, authenticator: Authenticator) -> None:
    with pytest.raises(InvalidSecondFactor):
        is_shown(user, authenticator.wrong_code())
    second_factor_remove(actor=user, code=authenticator.recovery_codes[0])
    events = AuditEvent.objects.filter(actor=user).order_by("pk")
    assert [event.action for event in events] == [
        "second_factor.enrolled",
        "second_factor.shown",
        "second_factor.confirmed",
        "second_factor.refused",
        "second_factor.shown",
        "second_factor.removed",
    ]


def test_secret_and_codes_are_nowhere_in_clear(user: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        made = second_factor_enroll(actor=user, password=PASSWORD, address=HERE)
        app = Authenticator(made.secret, [])
        codes = second_factor_confirm(actor=user, code=app.code())
        is_shown(user, app.code(1))
        is_shown(user, codes[0])
        logging.getLogger("test").info("%r", made)
    secrets = [made.secret, PASSWORD, codes[0], codes[0].replace("-", "").upper(), codes[1].replace("-", "").upper()]
    kept = everything_in_the_database()
    assert made.secret != SecondFactor._meta.get_field("secret").get_prep_value(made.secret)
    for secret in secrets:
        assert secret not in kept
        assert secret not in caplog.text
    assert hashlib.sha256(codes[1].replace("-", "").upper().encode()).hexdigest() in kept


def everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        text = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - the database's own names
            text += [str(row) for row in cursor.fetchall()]
    return "\n".join(text)


@pytest.mark.django_db(transaction=True)
def test_of_one_code_sent_many_times_at_once_one_is_taken() -> None:
    user = make_user()
    app = enroll(user)
    code, recovery_code = app.code(), app.recovery_codes[0]
    taken = Counter(_kind(result) for result in at_once(*[lambda: is_shown(user, recovery_code)] * 6))
    assert taken == {True: 1, InvalidSecondFactor: 5}
    taken = Counter(_kind(result) for result in at_once(*[lambda: is_shown(user, code)] * 6))
    # The second is a wrong one by then, and the others have to wait.
    assert taken == {True: 1, InvalidSecondFactor: 1, SecondFactorThrottled: 4}


@pytest.mark.django_db(transaction=True)
def test_of_guesses_at_once_one_is_looked_at() -> None:
    user = make_user()
    wrong = enroll(user).wrong_code()
    seen = Counter(_kind(result) for result in at_once(*[lambda: is_shown(user, wrong)] * 6))
    assert seen == {InvalidSecondFactor: 1, SecondFactorThrottled: 5}
    assert SecondFactor.objects.get(user=user).throttling_failure_count == 1


def _kind(result: Any) -> Any:
    return result if isinstance(result, bool) else type(result)
