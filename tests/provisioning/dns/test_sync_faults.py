"""Faults while a zone is written: killed workers, lost leases, refusals, outages and vendors that ask to wait."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.account_calls import AccountCalls
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import wanted_records
from provisioning.dns.services.accounts import dns_account_change
from provisioning.dns.workflow import sync as dns_sync
from provisioning.dns.workflow.names import ensure_dns_records
from provisioning.exceptions import OperatorError, RateLimited, RecordsChanged, ServiceUnavailable
from provisioning.models import DnsAccount, DnsRecord, HostedZone
from provisioning.operations.engine import Wait
from provisioning.operations.lease import Lease
from tenants.models import AuditEvent
from tests.factories import make_app, make_operator
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.synchronised import expected, provision, retire, run_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


class Killed(BaseException):
    """As if the worker were gone: nothing catches it, nothing is cleaned up."""


def at(call: str, number: int, error: BaseException) -> Callable[[str, int], None]:
    """Raises `error` at the numbered call of this name, and at no other."""
    seen = 0

    def fail(name: str, _n: int) -> None:
        nonlocal seen
        seen += name == call
        if name == call and seen == number:
            raise error

    return fail


def kill_points() -> list[Any]:
    calls = [("before", "list", 1), ("before", "apply", 1), ("after", "apply", 1), ("before", "list", 2)]
    single = [(when, "apply", n) for when in ("before", "after") for n in (1, 2, 3, 4)]
    return [*((100, *call) for call in calls), *((1, *call) for call in single)]


@pytest.mark.parametrize(("batch_size", "when", "call", "number"), kill_points())
@pytest.mark.parametrize("is_retirement", [False, True])
def test_a_worker_that_dies_between_calls_loses_and_doubles_nothing(
    batch_size: int, when: str, call: str, number: int, is_retirement: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted, app = hosted_zone(), make_app()
    MemoryProvider.batch_size = batch_size
    if is_retirement:
        provision(app)
    setattr(MemoryProvider, f"{when}_call", staticmethod(at(call, number, Killed())))
    step = retire if is_retirement else provision
    with monkeypatch.context() as dying:
        dying.setattr(Lease, "release", lambda _lease: None)
        with pytest.raises(Killed):
            step(app)
    # At no moment was there a record of Berth's that nothing says it made.
    held = MemoryProvider.records(ZONE)
    assert all((f"_berth-owner.a.{name}", "TXT") in held for name, type_ in held if type_ == "A")
    MemoryProvider.before_call = MemoryProvider.after_call = None
    # Its lease holds the zone for a while.
    assert not dns_sync.sync(hosted.pk)
    HostedZone.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    step(app)
    assert MemoryProvider.records(ZONE) == ({} if is_retirement else expected(app, owner=hosted.owner))


def test_a_worker_that_lost_its_lease_writes_nothing_more() -> None:
    hosted, app = hosted_zone(), make_app()

    def overtaken(name: str, _n: int) -> None:
        if name == "list":
            HostedZone.objects.filter(pk=hosted.pk).update(fence=99)

    dns_rows.want(hosted, wanted_records(hosted, timezone.now(), app=app))
    MemoryProvider.before_call = staticmethod(overtaken)
    assert dns_sync.sync(hosted.pk) is False
    assert MemoryProvider.records(ZONE) == {}
    assert {row.state for row in DnsRecord.objects.all()} == {DnsRecordState.PENDING}


def test_what_changes_between_look_and_write_is_looked_at_again() -> None:
    MemoryProvider.is_atomic = True
    hosted, app = hosted_zone(), make_app()
    name = f"{app.public_id}.{ZONE}"
    foreign = RecordSet(name, "A", ("198.51.100.66",), 60)

    def someone(call: str, number: int) -> None:
        if call == "apply" and number == 2:
            MemoryProvider.put(ZONE, foreign)
            raise RecordsChanged("somebody else was faster")

    MemoryProvider.before_call = staticmethod(someone)
    with pytest.raises(OperatorError, match=r"198\.51\.100\.66"):
        provision(app)
    assert MemoryProvider.zones_held[ZONE][(name, "A")] == foreign
    assert DnsRecord.objects.get(name=name).state == DnsRecordState.CONFLICT
    assert hosted.records.get(name__contains=".test.").state == DnsRecordState.APPLIED


def test_what_is_wanted_anew_while_the_old_is_written_is_written_too() -> None:
    hosted, app = hosted_zone(), make_app()

    def meanwhile(call: str, _n: int) -> None:
        if call == "apply":
            MemoryProvider.after_call = None
            HostedZone.objects.filter(pk=hosted.pk).update(targets=["192.0.2.99"])
            fresh = HostedZone.objects.get(pk=hosted.pk)
            dns_rows.want(fresh, wanted_records(fresh, timezone.now(), app=app))

    MemoryProvider.after_call = staticmethod(meanwhile)
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner, values=("192.0.2.99",))


def test_one_record_that_the_vendor_refuses_holds_nobody_else_up() -> None:
    hosted, bad, good = hosted_zone(), make_app(), make_app()
    for app in (bad, good):
        dns_rows.want(hosted, wanted_records(hosted, timezone.now(), app=app))

    def refuse(call: str, _n: int) -> None:
        if call == "apply" and any(bad.public_id in what for what in MemoryProvider.log[-1][1]):
            raise OperatorError(f"{bad.public_id} is on the vendor's list")

    MemoryProvider.before_call = staticmethod(refuse)
    dns_sync.sync(hosted.pk)
    assert MemoryProvider.records(ZONE) == expected(good, owner=hosted.owner)
    with pytest.raises(OperatorError, match="vendor's list"):
        provision(bad)


def test_credentials_that_are_refused_are_one_error_and_everything_waits() -> None:
    hosted, app = hosted_zone(), make_app()

    def refuse(call: str, _n: int) -> None:
        if call != "list":
            raise OperatorError("the vendor refused the key: an operator must set another")

    MemoryProvider.before_call = staticmethod(refuse)
    with pytest.raises(OperatorError, match="refused the key"):
        provision(app)
    assert {row.state for row in DnsRecord.objects.all()} == {DnsRecordState.PENDING}
    assert "refused the key" in HostedZone.objects.get().last_error
    MemoryProvider.before_call = None
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    assert HostedZone.objects.get().last_error == ""


def test_an_outage_leaves_the_intent_waiting_and_is_told_once() -> None:
    hosted, app = hosted_zone(), make_app()
    run = run_of(app)
    MemoryProvider.before_call = staticmethod(_down)
    for _ in range(3):
        with pytest.raises(ServiceUnavailable):
            ensure_dns_records(run)
    MemoryProvider.before_call = None
    ensure_dns_records(run)
    ensure_dns_records(run)
    events = AuditEvent.objects.filter(app=app, action__startswith="dns.").order_by("pk")
    assert [event.action for event in events] == ["dns.waiting", "dns.resumed"]
    assert "what is live goes on" in events[0].message
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


def _down(_name: str, _n: int) -> None:
    raise ServiceUnavailable("the vendor does not answer")


def test_a_vendor_that_asks_to_wait_is_left_alone_until_then() -> None:
    hosted, app = hosted_zone(), make_app()
    run = run_of(app)
    MemoryProvider.before_call = staticmethod(at("apply", 1, RateLimited("slow down", retry_after_s=30)))
    with pytest.raises(Wait) as told:
        ensure_dns_records(run)
    assert told.value.seconds == 30
    asked = len(MemoryProvider.log)
    with pytest.raises(Wait) as again:
        ensure_dns_records(run)
    assert 25 < again.value.seconds <= 30
    assert len(MemoryProvider.log) == asked
    DnsAccount.objects.update(blocked_until=timezone.now())
    ensure_dns_records(run)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


def test_all_workers_draw_from_one_bucket() -> None:
    MemoryProvider.rate_per_s, MemoryProvider.burst = 0.01, 5
    account = hosted_zone().account
    workers = [AccountCalls(account) for _ in range(3)]
    for number in range(5):
        workers[number % 3].list_records(ZONE)
    with pytest.raises(RateLimited) as refused:
        workers[0].list_records(ZONE)
    assert refused.value.retry_after_s > 90
    assert len(MemoryProvider.log) == 5


def test_a_worker_that_waits_for_its_turn_gives_the_work_back_when_the_vendor_asks_all_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    MemoryProvider.rate_per_s, MemoryProvider.burst = 2, 1
    account = hosted_zone().account
    calls, slept = AccountCalls(account), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(slept) < 9
        DnsAccount.objects.update(blocked_until=timezone.now() + timedelta(seconds=300))

    monkeypatch.setattr("time.sleep", sleep)
    calls.list_records(ZONE)
    with pytest.raises(RateLimited) as refused:
        calls.list_records(ZONE)
    assert len(slept) == 1
    assert refused.value.retry_after_s > 290


def test_a_worker_whose_turn_others_take_gives_the_work_back(monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryProvider.rate_per_s, MemoryProvider.burst = 2, 1
    account = hosted_zone().account
    calls, slept = AccountCalls(account), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(slept) < 90
        DnsAccount.objects.update(bucket_tokens=0, bucket_at=timezone.now())

    monkeypatch.setattr("time.sleep", sleep)
    calls.list_records(ZONE)
    with pytest.raises(RateLimited, match="an operator should see who else uses the account"):
        calls.list_records(ZONE)
    assert sum(slept) <= 5


def test_who_is_asked_to_wait_for_less_shortens_nobodys_wait() -> None:
    account = hosted_zone().account

    def limited(_name: str, _n: int) -> None:
        # Another worker has been asked meanwhile.
        DnsAccount.objects.update(blocked_until=timezone.now() + timedelta(seconds=300))
        raise RateLimited("slow down", retry_after_s=5)

    MemoryProvider.before_call = staticmethod(limited)
    with pytest.raises(RateLimited):
        AccountCalls(account).list_records(ZONE)
    blocked_until = DnsAccount.objects.get().blocked_until
    assert blocked_until is not None
    assert blocked_until > timezone.now() + timedelta(seconds=250)


def test_an_account_is_used_for_its_own_zones_alone_and_not_while_it_is_disabled() -> None:
    MemoryProvider.reset(ZONE, "other.example")
    account = hosted_zone().account
    with pytest.raises(OperatorError, match=r"may not be used for other\.example"):
        AccountCalls(account).list_records("other.example")
    with pytest.raises(OperatorError, match=r"may not be used for other\.example"):
        AccountCalls(account).apply("other.example", [])
    assert MemoryProvider.log == []
    account = dns_account_change(account=account, is_enabled=False, actor=make_operator())
    with pytest.raises(OperatorError, match="is disabled"):
        AccountCalls(account)
