"""Names get their records, whoever else is at it, whatever breaks on the way; nothing is lost and nothing doubled."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import wanted_records
from provisioning.dns.workflow import sync as dns_sync
from provisioning.dns.workflow.names import ensure_dns_records
from provisioning.exceptions import OperatorError
from provisioning.models import DnsRecord, HostedZone
from provisioning.operations.engine import Cancelled, Run
from tenants.apps.choices import AppState
from tenants.apps.services.apps import app_retire
from tenants.models import PluginApp
from tenants.organizations.services.quotas import organization_quota_set
from tests.factories import make_app, make_operator, make_organization, owner_of
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.synchronised import expected, provision, retire, run_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


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
