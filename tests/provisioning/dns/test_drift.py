"""Drift between a zone and its records: repaired or reported by the policy of the zone, and told once."""

from typing import Any

import pytest
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import wanted_records, zone_plan
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.dns.workflow import drift as dns_drift
from provisioning.exceptions import ServiceUnavailable
from provisioning.models import DnsRecord, HostedZone
from tenants.apps.choices import AppState
from tenants.models import AuditEvent, PluginApp, User
from tests.factories import make_app
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.planned import addresses, apply, apps_with_records, down, fresh, ttls
from tests.provisioning.dns.synchronised import expected, provision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


def events(action: str) -> list[str]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("message", flat=True))


def test_a_ttl_that_the_vendor_does_not_take_is_asked_for_once_and_is_no_drift(operator: User) -> None:
    MemoryProvider.least_ttl_s = 600
    hosted = hosted_zone()
    [app] = apps_with_records(1)
    MemoryProvider.log.clear()
    for _ in range(3):
        dns_drift.compare_all()
    assert [name for name, _ in MemoryProvider.log] == ["list"] * 3
    assert (events("dns.drift"), events("dns.repaired"), fresh().findings) == ([], [], [])
    assert not zone_plan(hosted).items
    assert set(DnsRecord.objects.values_list("ttl_s", "given_ttl_s")) == {(300, 600)}
    # What somebody else makes of it is drift, and so is what they make of the address.
    name = f"{app.public_id}.{ZONE}"
    for strayed in (RecordSet(name, "A", ("192.0.2.10",), 900), RecordSet(name, "A", ("198.51.100.66",), 600)):
        MemoryProvider.put(ZONE, strayed)
        dns_drift.compare_all()
        assert MemoryProvider.zones_held[ZONE][(name, "A")] == RecordSet(name, "A", ("192.0.2.10",), 600)
    # Another TTL is asked for anew.
    hosted_zone_set(zone=hosted.zone, account=hosted.account, ttl_s=900, actor=operator)
    apply(operator, override="longer")
    assert set(DnsRecord.objects.values_list("ttl_s", "given_ttl_s")) == {(900, None)}
    assert ttls() == {900}


def stray(app: PluginApp, hosted: HostedZone) -> None:
    """One address is another, one is gone, and there is one more of Berth's that nobody wants."""
    held = MemoryProvider.zones_held[ZONE]
    name = f"{app.public_id}.{ZONE}"
    held[(name, "A")] = RecordSet(name, "A", ("198.51.100.66",), 300)
    del held[(f"{app.public_id}.test.{ZONE}", "A")]
    extra = RecordSet(f"app9999999.{ZONE}", "A", ("192.0.2.10",), 300)
    MemoryProvider.put(ZONE, extra, registry_record(extra.name, "A", Ownership(hosted.owner, "app9999999")))


def test_what_strayed_is_put_right_with_one_listing_more_than_none_and_told_once() -> None:
    hosted = hosted_zone()
    app = apps_with_records(1)[0]
    MemoryProvider.log.clear()
    dns_drift.compare_all()
    assert [name for name, _ in MemoryProvider.log] == ["list"]
    stray(app, hosted)
    dns_drift.compare_all()
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    assert len(events("dns.drift")) == 3
    assert events("dns.repaired") == [f"zone {ZONE}: 3 records put right"]
    dns_drift.compare_all()
    assert (len(events("dns.drift")), fresh().findings) == (3, [])


def test_what_strayed_is_only_told_where_the_policy_says_so_and_once() -> None:
    hosted = hosted_zone(drift_policy="report")
    app = apps_with_records(1)[0]
    stray(app, hosted)
    before = MemoryProvider.records(ZONE)
    for _ in range(3):
        dns_drift.compare_all()
    assert MemoryProvider.records(ZONE) == before
    assert len(events("dns.drift")) == 3
    assert {finding["kind"] for finding in fresh().findings} == {"changed", "missing", "orphan"}
    assert any("198.51.100.66 (TTL 300) -> 192.0.2.10" in message for message in events("dns.drift"))


def test_what_strayed_too_far_is_left_to_an_operator(operator: User) -> None:
    hosted_zone()
    apps = apps_with_records(4)
    for app in apps:
        held = MemoryProvider.zones_held[ZONE]
        for name in (f"{app.public_id}.{ZONE}", f"{app.public_id}.test.{ZONE}"):
            held[(name, "A")] = RecordSet(name, "A", ("198.51.100.66",), 300)
    for _ in range(2):
        dns_drift.compare_all()
    assert addresses() == {("198.51.100.66",)}
    assert sum("8 of 16 records" in message for message in events("dns.drift")) == 1
    apply(operator, override="somebody pointed them elsewhere by hand")
    assert addresses() == {("192.0.2.10",)}


def test_what_nobody_asked_for_yet_is_no_drift() -> None:
    hosted_zone()
    make_app()
    dns_drift.compare_all()
    assert (MemoryProvider.records(ZONE), events("dns.drift")) == ({}, [])


def test_what_is_written_while_the_zone_is_listed_is_no_drift(monkeypatch: pytest.MonkeyPatch, operator: User) -> None:
    hosted = hosted_zone()
    [early] = apps_with_records(1)
    late = make_app(state=AppState.PROVISIONING)

    def listed(hosted: HostedZone, wanted: Any) -> Any:
        found = zone_plan(hosted, wanted)
        # Before the answer is looked at, another worker gives an app its names, and all lead elsewhere.
        hosted_zone_set(zone=hosted.zone, account=hosted.account, targets=["192.0.2.99"], actor=operator)
        for app in (early, late):
            provision(app)
        return found

    monkeypatch.setattr(dns_drift, "zone_plan", listed)
    dns_drift.compare_all()
    assert (events("dns.drift"), fresh().findings) == ([], [])
    assert MemoryProvider.records(ZONE) == expected(early, late, owner=hosted.owner, values=("192.0.2.99",))


def test_a_foreign_record_beside_berths_own_is_told_and_both_stay() -> None:
    hosted_zone()
    app = apps_with_records(1)[0]
    foreign = RecordSet(f"{app.public_id}.{ZONE}", "AAAA", ("2001:db8::66",), 300)
    MemoryProvider.put(ZONE, foreign)
    for _ in range(2):
        dns_drift.compare_all()
    assert len(events("dns.drift")) == 1
    assert MemoryProvider.zones_held[ZONE][foreign.key] == foreign


def test_a_provider_that_is_away_is_told_once_and_holds_up_no_other_zone() -> None:
    MemoryProvider.reset(ZONE, "b.example")
    hosted_zone(ZONE)
    hosted_zone("b.example", applies_to={"name": "test"}, priority=1)

    def down(_name: str, number: int) -> None:
        if number % 2:
            raise ServiceUnavailable("the vendor does not answer")

    MemoryProvider.before_call = staticmethod(down)
    dns_drift.compare_all()
    dns_drift.compare_all()
    assert (len(events("dns.unreachable")), len(events("dns.reachable"))) == (1, 0)
    assert [name for name, _ in MemoryProvider.log] == ["list"] * 4


def test_an_outage_is_told_once_though_records_wait_and_are_tried_meanwhile() -> None:
    hosted, app = hosted_zone(), make_app()
    dns_rows.want(hosted, wanted_records(hosted, timezone.now(), app=app))
    MemoryProvider.before_call = staticmethod(down)
    for _ in range(2):
        dns_drift.advance_all()
        dns_drift.compare_all()
    assert (len(events("dns.unreachable")), len(events("dns.reachable"))) == (1, 0)
    assert [finding["kind"] for finding in fresh().findings] == ["unreachable"]
    MemoryProvider.before_call = None
    for _ in range(2):
        dns_drift.advance_all()
        dns_drift.compare_all()
    assert (len(events("dns.unreachable")), len(events("dns.reachable")), fresh().findings) == (1, 1, [])


def test_what_waits_though_nobody_is_at_it_is_written() -> None:
    hosted, app = hosted_zone(), make_app()
    dns_rows.want(hosted, wanted_records(hosted, timezone.now(), app=app))
    dns_drift.advance_all()
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


def test_a_provider_that_is_back_is_told_once_too() -> None:
    hosted_zone()
    MemoryProvider.before_call = staticmethod(down)
    dns_drift.compare_all()
    MemoryProvider.before_call = None
    dns_drift.compare_all()
    dns_drift.compare_all()
    assert (len(events("dns.unreachable")), len(events("dns.reachable"))) == (1, 1)
