"""What a provider promises when something is wrong: a clear error within bounds, and no secret in it."""

import contextlib
import logging
from collections.abc import Callable

import pytest

from provisioning.dns.protocol import Provider
from provisioning.dns.records import Change, record_set
from provisioning.exceptions import OperatorError, ServiceUnavailable
from tests.contracts.dns.account import Account

Call = Callable[[Provider, str, str], object]
CALLS: dict[str, Call] = {
    "check": lambda provider, zone, name: provider.check(),
    "zones": lambda provider, zone, name: provider.zones(),
    "list": lambda provider, zone, name: provider.list_records(zone),
    "list names": lambda provider, zone, name: provider.list_records(zone, names=[name]),
    "ensure": lambda provider, zone, name: provider.ensure_record(zone, record_set(name, "A", ["192.0.2.1"], 120)),
    "remove": lambda provider, zone, name: provider.remove_record(zone, record_set(name, "A", ["192.0.2.1"], 120)),
    "apply": lambda provider, zone, name: provider.apply(
        zone, [Change(None, record_set(name, "A", ["192.0.2.1"], 120))]
    ),
}


def everything_told(error: BaseException | None, caplog: pytest.LogCaptureFixture) -> str:
    """The error with all that led to it, and every log line."""
    said = [record.getMessage() + str(record.exc_text) for record in caplog.records]
    while error is not None:
        said.append(f"{error!s} {error!r} {vars(error)}")
        error = error.__cause__ or error.__context__
    return "\n".join(said)


@pytest.fixture(autouse=True)
def all_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")  # which has a level of its own


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_wrong_credentials_are_the_operators_to_mend(
    account: Account, zone: str, name: str, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OperatorError, match="an operator must") as refusal:
        call(account.provider(account.wrong), zone, name)

    told = everything_told(refusal.value, caplog)
    assert [secret for secret in account.secrets if secret in told] == []
    assert account.published(name, "A") == []


@pytest.mark.parametrize("call", [CALLS[name] for name in ("list", "list names", "ensure", "remove", "apply")])
def test_a_zone_that_the_account_does_not_hold_is_the_operators_to_mend(account: Account, call: Call) -> None:
    with pytest.raises(OperatorError, match=r"nobodys\.example.* an operator must"):
        call(account.connect(), "nobodys.example", "www.nobodys.example")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_where_nobody_listens_the_work_waits(
    account: Account, zone: str, name: str, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ServiceUnavailable, match="tries again") as refusal:
        call(account.provider(account.nowhere), zone, name)

    told = everything_told(refusal.value, caplog)
    assert [secret for secret in account.secrets if secret in told] == []


def test_where_nobody_answers_the_work_waits(
    account: Account, zone: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with account.hanging():
        for call in (CALLS["list"], CALLS["apply"]):
            with pytest.raises(ServiceUnavailable, match="tries again") as refusal:
                call(account.connect(**account.impatient), zone, name)
            told = everything_told(refusal.value, caplog)
            assert [secret for secret in account.secrets if secret in told] == []


def test_when_it_answers_again_the_same_provider_goes_on(account: Account, zone: str, name: str) -> None:
    provider = account.connect(**account.impatient)
    provider.list_records(zone)
    with account.hanging(), pytest.raises(ServiceUnavailable):
        provider.list_records(zone)

    record = record_set(name, "A", ["192.0.2.1"], 120)
    # Coming back may take the server longer than an impatient provider waits.
    for _ in range(10):
        with contextlib.suppress(ServiceUnavailable):
            provider.ensure_record(zone, record)
            break

    assert account.connect().list_records(zone, names=[name]) == [record]


def test_nothing_of_a_secret_is_told_when_all_goes_well(
    account: Account, zone: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider = account.connect()
    for call in CALLS.values():
        call(provider, zone, name)

    told = everything_told(None, caplog) + repr(provider) + str(provider)
    assert [secret for secret in account.secrets if secret in told] == []


def test_a_missing_setting_is_named_and_a_default_is_taken(account: Account) -> None:
    for setting in account.provider.settings:
        without = {name: value for name, value in account.values.items() if name != setting.name}
        if setting.is_required:
            with pytest.raises(ValueError, match=f"^{setting.name}: "):
                account.provider(without)
        else:
            account.provider(without)


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "ü", "x" * 5_000])
def test_an_odd_setting_is_named_and_not_quoted(account: Account, value: str) -> None:
    for setting in account.provider.settings:
        with pytest.raises(ValueError, match=f"^{setting.name}: ") as refusal:
            account.connect(**{setting.name: value})
        assert value not in str(refusal.value)
