"""Names get their records, whoever else is at it, whatever breaks on the way; nothing is lost and nothing doubled."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from django.db import connection
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.account_calls import AccountCalls
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import wanted_records
from provisioning.dns.services.accounts import dns_account_change
from provisioning.dns.workflow import sync as dns_sync
from provisioning.dns.workflow.names import ensure_dns_records, remove_dns_records
from provisioning.exceptions import OperatorError, RateLimited, RecordsChanged, ServiceUnavailable
from provisioning.models import DnsAccount, DnsRecord, HostedZone, Operation
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.engine import Cancelled, Run, Wait
from provisioning.operations.lease import Lease
from provisioning.operations.services import operation_ensure
from tenants.apps.choices import AppState
from tenants.apps.services.apps import app_retire
from tenants.models import AuditEvent, PluginApp
from tenants.organizations.services.quotas import organization_quota_set
from tests.factories import make_app, make_operator, make_organization, owner_of
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]
Found = TypeVar("Found")


class Killed(BaseException):
    """As if the worker were gone: nothing catches it, nothing is cleaned up."""


def run_of(app: PluginApp, kind: OperationKind = OperationKind.PROVISION_APP) -> Run:
    operation = operation_ensure(kind=kind, app=app)
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.RUNNING)
    return Run(Operation.objects.get(pk=operation.pk), operation.fence)


def provision(app: PluginApp) -> Run:
    run = run_of(app)
    waited_for(partial(ensure_dns_records, run))
    return run


def waited_for(step: Callable[[], Found]) -> Found:
    """As the engine does: again, as often as the step asks for it, and when it asks for it."""
    while True:
        try:
            return step()
        except Wait as wait:
            time.sleep(wait.seconds)


def retire(app: PluginApp) -> Run:
    if app.state != AppState.RETIRING:
        app_retire(app=app, actor=owner_of(app.organization))
    run = run_of(app, OperationKind.RETIRE_APP)
    waited_for(partial(remove_dns_records, run))
    return run


def expected(*apps: PluginApp, owner: str, values: tuple[str, ...] = ("192.0.2.10",)) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for app in apps:
        for name in (f"{app.public_id}.{ZONE}", f"{app.public_id}.test.{ZONE}"):
            mark = registry_record(name, "A", Ownership(owner, app.public_id))
            found |= {(name, "A"): values, mark.key: mark.values}
    return found


def at(call: str, number: int, error: BaseException) -> Callable[[str, int], None]:
    """Raises `error` at the numbered call of this name, and at no other."""
    seen = 0

    def fail(name: str, _n: int) -> None:
        nonlocal seen
        seen += name == call
        if name == call and seen == number:
            raise error

    return fail


def test_a_new_apps_names_are_written_beside_their_owner_and_seen() -> None:
    hosted, app = hosted_zone(), make_app(state=AppState.PROVISIONING)
    run = provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    assert run.lines == [
        f"{app.public_id}.{ZONE} A 192.0.2.10 (TTL 300)",
        f"{app.public_id}.test.{ZONE} A 192.0.2.10 (TTL 300)",
    ]
    assert [name for name, _ in MemoryProvider.log] == ["list", "apply", "list"]
    rows = DnsRecord.objects.filter(app=app)
    assert {row.state for row in rows} == {DnsRecordState.APPLIED}
    assert {row.environment.name for row in rows if row.environment} == {"production", "test"}


def test_the_step_again_changes_nothing_and_asks_nobody() -> None:
    hosted_zone()
    app = make_app()
    provision(app)
    MemoryProvider.log.clear()
    provision(app)
    assert MemoryProvider.log == []


def test_a_name_of_a_zone_that_is_not_hosted_is_somebody_elses_to_make() -> None:
    run = provision(make_app())
    assert run.lines == ["no zone of the app's hostnames is hosted: its records are somebody else's to make"]
    assert not DnsRecord.objects.exists()


def test_a_wildcard_is_made_once_and_no_record_for_an_app() -> None:
    hosted = hosted_zone(is_wildcard=True)
    for _ in range(2):
        run = provision(make_app())
    assert run.lines == [f"*.{ZONE} A 192.0.2.10 (TTL 300) for all names in it"]
    mark = registry_record(f"*.{ZONE}", "A", Ownership(hosted.owner, "platform"))
    assert MemoryProvider.records(ZONE) == {(f"*.{ZONE}", "A"): ("192.0.2.10",), mark.key: mark.values}
    assert [name for name, _ in MemoryProvider.log].count("apply") == 1
    retire(PluginApp.objects.first())
    assert (f"*.{ZONE}", "A") in MemoryProvider.records(ZONE)


def test_an_app_that_goes_takes_its_records_with_it_and_leaves_the_others() -> None:
    hosted = hosted_zone()
    gone, stays = make_app(), make_app()
    provision(gone)
    provision(stays)
    retire(gone)
    assert MemoryProvider.records(ZONE) == expected(stays, owner=hosted.owner)
    assert not DnsRecord.objects.filter(app=gone).exists()
    retire(gone)


def test_an_app_that_is_going_gets_no_record_any_more() -> None:
    hosted_zone()
    app = make_app()
    run = run_of(app)
    app_retire(app=app, actor=owner_of(app.organization))
    with pytest.raises(Cancelled):
        ensure_dns_records(run)
    assert MemoryProvider.records(ZONE) == {}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
@pytest.mark.parametrize("is_atomic", [False, True])
def test_all_that_waits_is_written_in_as_few_calls_as_the_batch_takes(batch_size: int, is_atomic: bool) -> None:
    MemoryProvider.batch_size, MemoryProvider.is_atomic = batch_size, is_atomic
    hosted = hosted_zone()
    apps = [make_app() for _ in range(5)]
    for app in apps:
        dns_rows.want(hosted, wanted_records(hosted, timezone.now(), app=app))
    assert dns_sync.sync(hosted.pk)
    assert MemoryProvider.records(ZONE) == expected(*apps, owner=hosted.owner)
    calls = [name for name, _ in MemoryProvider.log]
    # Ten names with two record sets each.
    assert calls.count("apply") == {1: 20, 2: 10, 3: 10, 100: 1}[batch_size]
    assert calls.count("list") == 2


FOREIGN = [
    RecordSet("app1000001.apps.example", "A", ("198.51.100.66",), 300),
    RecordSet("app1000001.apps.example", "CNAME", ("elsewhere.example",), 300),
    RecordSet("app1000001.apps.example", "AAAA", ("2001:db8::66",), 300),
]


@pytest.mark.parametrize("record", FOREIGN, ids=lambda record: record.type)
def test_what_berth_did_not_make_stops_the_workflow_with_the_record_and_the_choices(record: RecordSet) -> None:
    hosted, app, other = hosted_zone(), make_app(), make_app()
    MemoryProvider.put(ZONE, record)
    run = run_of(app)
    with pytest.raises(OperatorError) as stopped:
        ensure_dns_records(run)
    text = str(stopped.value)
    assert f"{record.name} {record.type} {record.values[0]} (TTL 300) is there, and Berth did not make it" in text
    assert "remove it, or have Berth take it over (manage.py dns adopt), or choose another zone" in text
    assert MemoryProvider.zones_held[ZONE][record.key] == record
    assert (record.name, "A") not in MemoryProvider.zones_held[ZONE] or record.type == "A"
    # Nobody else is held up by it, and it goes on once an operator has removed the record.
    provision(other)
    del MemoryProvider.zones_held[ZONE][record.key]
    ensure_dns_records(run)
    assert MemoryProvider.records(ZONE) == expected(app, other, owner=hosted.owner)


@pytest.mark.parametrize("type_", ["NS", "DNAME"])
def test_a_name_that_is_answered_for_elsewhere_stops_the_workflow_too(type_: str) -> None:
    hosted_zone()
    app = make_app()
    MemoryProvider.put(ZONE, RecordSet(f"test.{ZONE}", type_, ("elsewhere.example",), 300))
    with pytest.raises(OperatorError, match=rf"test\.apps\.example {type_} elsewhere\.example .* is there, and"):
        provision(app)
    assert {name for name, _ in MemoryProvider.records(ZONE)} == {
        f"test.{ZONE}",
        f"{app.public_id}.{ZONE}",
        f"_berth-owner.a.{app.public_id}.{ZONE}",
    }


def test_a_lost_owner_record_stops_the_retirement_and_the_record_stays() -> None:
    hosted, app = hosted_zone(), make_app()
    provision(app)
    mark = registry_record(f"{app.public_id}.{ZONE}", "A", Ownership(hosted.owner, app.public_id))
    del MemoryProvider.zones_held[ZONE][mark.key]
    with pytest.raises(OperatorError, match="no owner record says that Berth made it"):
        retire(app)
    assert list(MemoryProvider.records(ZONE)) == [(f"{app.public_id}.{ZONE}", "A")]
    assert DnsRecord.objects.get().state == DnsRecordState.REMOVING
    MemoryProvider.put(ZONE, mark)
    retire(app)
    assert MemoryProvider.records(ZONE) == {}


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


@pytest.mark.django_db(transaction=True)
def test_a_hundred_apps_at_once_lose_nothing_double_nothing_and_share_their_calls() -> None:
    hosted, organization = hosted_zone(), make_organization()
    organization_quota_set(organization=organization, limits={"apps": 100, "memory_mib": 51200}, actor=make_operator())
    apps = [make_app(organization=organization, state=AppState.PROVISIONING) for _ in range(100)]
    runs = [run_of(app) for app in apps]
    at_once = threading.Barrier(8)

    def work(own: list[Run]) -> None:
        at_once.wait()
        try:
            for run in own:
                ensure_dns_records(run)
        finally:
            connection.close()

    # As eight workers do: each has its own connection and its own instance of the provider.
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, runs[start::8]) for start in range(8)]:
            done.result()
    assert MemoryProvider.records(ZONE) == expected(*apps, owner=hosted.owner)
    assert DnsRecord.objects.filter(state=DnsRecordState.APPLIED).count() == 200
    written = [key for name, what in MemoryProvider.log if name == "apply" for key in what]
    assert len(written) == len(set(written)) == 400
    # Never more than one call each, and one to look before and after: most shared theirs.
    assert len(MemoryProvider.log) <= 300
    print(f"{len(MemoryProvider.log)} calls for 100 apps")


def test_who_finds_another_worker_at_the_zone_sees_to_it_that_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    hosted, app = hosted_zone(), make_app()
    dns_rows.want(hosted, wanted_records(hosted, timezone.now(), app=app))
    HostedZone.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
    # The other worker ends while this one waits, and has not seen the rows.
    monkeypatch.setattr("time.sleep", lambda _s: HostedZone.objects.update(lease_until=None))
    dns_sync.sync_all(hosted.pk)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
