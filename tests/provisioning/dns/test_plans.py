"""Plans are looked at, then applied; what strays is found, told once, and put right or left; records are taken over."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import wanted_records, zone_plan
from provisioning.dns.services import plans as dns_plans
from provisioning.dns.services.moves import move_advance, move_cancel, move_plan
from provisioning.dns.services.plans import record_adopt, zone_apply
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.dns.workflow import drift as dns_drift
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import OperatorError, ServiceUnavailable
from provisioning.models import DnsRecord, HostedZone
from tenants.apps.choices import AppState
from tenants.exceptions import InvalidInput, InvalidTransition, NotPermitted
from tenants.models import AuditEvent, PluginApp, User
from tenants.names.services.zones import zone_change
from tests.factories import make_app, make_operator, make_user
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.test_sync import at as fault_at
from tests.provisioning.dns.test_sync import expected, provision, retire

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


@pytest.fixture
def operator() -> User:
    return make_operator()


def fresh() -> HostedZone:
    return HostedZone.objects.select_related("zone", "account").get()


def apply(operator: User, **values: Any) -> None:
    hosted = fresh()
    zone_apply(zone=hosted.zone, digest=zone_plan(hosted).digest, actor=operator, **values)
    sync(hosted.pk)


def apps_with_records(count: int) -> list[PluginApp]:
    found = [make_app() for _ in range(count)]
    for app in found:
        provision(app)
    return found


def addresses() -> set[tuple[str, ...]]:
    return {values for (_, type_), values in MemoryProvider.records(ZONE).items() if type_ == "A"}


def ttls() -> set[int]:
    return {record.ttl_s for (_, type_), record in MemoryProvider.zones_held[ZONE].items() if type_ == "A"}


def events(action: str) -> list[str]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("message", flat=True))


# Plans


def test_a_plan_writes_nothing_and_is_one_listing() -> None:
    hosted, _ = hosted_zone(), make_app()
    plan = zone_plan(hosted)
    assert (len(plan.creates), MemoryProvider.records(ZONE), DnsRecord.objects.count()) == (2, {}, 0)
    assert MemoryProvider.log == [("list", ("*",))]


def test_apps_that_were_there_before_their_zone_was_hosted_get_their_records_by_a_plan(operator: User) -> None:
    hosted, app = hosted_zone(), make_app()
    apply(operator)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    event = AuditEvent.objects.get(action="dns.applied")
    assert event.message.startswith(f"zone {ZONE}: 2 to create, 0 to update, 0 to delete, 0 in conflict")
    assert (event.actor, event.policy) == (operator, "zone-operators-manage")


def test_a_plan_that_is_not_what_it_was_is_refused(operator: User) -> None:
    hosted = hosted_zone()
    make_app()
    digest = zone_plan(hosted).digest
    make_app()
    with pytest.raises(InvalidTransition, match="look at the new plan"):
        zone_apply(zone=hosted.zone, digest=digest, actor=operator)
    assert not DnsRecord.objects.exists()


def test_a_plan_that_changes_too_much_needs_a_reason_and_keeps_it(operator: User) -> None:
    hosted = hosted_zone()
    apps = apps_with_records(3)
    hosted_zone_set(zone=hosted.zone, account=hosted.account, targets=["192.0.2.99"], actor=operator)
    with pytest.raises(InvalidInput, match=r"6 of the zone's 12 records would change or be deleted \(50%\)"):
        apply(operator)
    assert addresses() == {("192.0.2.10",)}
    apply(operator, override="the edge has new addresses")
    assert MemoryProvider.records(ZONE) == expected(*apps, owner=hosted.owner, values=("192.0.2.99",))
    assert AuditEvent.objects.get(action="dns.applied").data["override"] == "the edge has new addresses"


def test_what_is_in_conflict_is_left_alone_and_the_rest_is_written(operator: User) -> None:
    hosted, app = hosted_zone(), make_app()
    foreign = RecordSet(f"{app.public_id}.{ZONE}", "A", ("198.51.100.66",), 60)
    MemoryProvider.put(ZONE, foreign)
    apply(operator)
    held = MemoryProvider.zones_held[ZONE]
    assert held[foreign.key] == foreign
    assert held[(f"{app.public_id}.test.{ZONE}", "A")].values == ("192.0.2.10",)
    assert hosted.records.count() == 1


def test_a_zone_that_becomes_a_wildcards_drops_the_records_of_its_apps(operator: User) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    zone_change(zone=hosted.zone, is_wildcard=True, actor=operator)
    apply(operator)
    assert {name for name, type_ in MemoryProvider.records(ZONE) if type_ == "A"} == {f"*.{ZONE}"}
    assert DnsRecord.objects.get().state == DnsRecordState.APPLIED


def test_an_app_whose_retirement_failed_gets_no_record_back(operator: User) -> None:
    hosted_zone()
    app = make_app()
    provision(app)
    retire(app)
    PluginApp.objects.filter(pk=app.pk).update(state=AppState.FAILED)
    assert zone_plan(fresh()).items == ()


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor", ""])
def test_nobody_else_applies_adopts_or_moves(role: str) -> None:
    hosted, other = hosted_zone(), make_user(**({role: True} if role else {}))
    make_app()
    with pytest.raises(NotPermitted):
        zone_apply(zone=hosted.zone, digest=zone_plan(hosted).digest, actor=other)
    with pytest.raises(NotPermitted):
        record_adopt(zone=hosted.zone, name=f"www.{ZONE}", type_="A", reason="x", actor=other)
    with pytest.raises(NotPermitted):
        move_plan(zone=hosted.zone, targets=["192.0.2.9"], at=timezone.now() + timedelta(hours=1), actor=other)
    assert MemoryProvider.records(ZONE) == {}


# Taking over


def test_a_record_is_taken_over_only_by_saying_so_and_then_made_what_is_wanted(operator: User) -> None:
    hosted, app = hosted_zone(), make_app()
    name = f"{app.public_id}.{ZONE}"
    MemoryProvider.put(ZONE, RecordSet(name, "A", ("198.51.100.66",), 60))
    with pytest.raises(OperatorError):
        provision(app)
    with pytest.raises(InvalidInput, match="reason"):
        record_adopt(zone=hosted.zone, name=name, type_="A", reason=" ", actor=operator)
    record_adopt(zone=hosted.zone, name=name.upper(), type_="A", reason="it was ours by hand", actor=operator)
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    event = AuditEvent.objects.get(action="dns.adopted")
    assert (event.before["values"], event.actor) == (["198.51.100.66"], operator)


def test_an_alias_in_the_way_is_taken_over_and_makes_room(operator: User) -> None:
    hosted, app = hosted_zone(), make_app()
    name = f"{app.public_id}.{ZONE}"
    MemoryProvider.put(ZONE, RecordSet(name, "CNAME", ("elsewhere.example",), 60))
    with pytest.raises(OperatorError):
        provision(app)
    record_adopt(zone=hosted.zone, name=name, type_="cname", reason="it was ours by hand", actor=operator)
    sync(hosted.pk)
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


def test_another_installations_record_is_taken_over_only_by_its_owners_text(operator: User) -> None:
    hosted, app = hosted_zone(), make_app()
    name = f"{app.public_id}.{ZONE}"
    theirs = registry_record(name, "A", Ownership("other-0123", app.public_id))
    MemoryProvider.put(ZONE, RecordSet(name, "A", ("198.51.100.66",), 60), theirs)
    for text in ("", "heritage=berth"):
        with pytest.raises(InvalidInput, match="other-0123"):
            record_adopt(zone=hosted.zone, name=name, type_="A", reason="moved", previous_owner=text, actor=operator)
    assert MemoryProvider.zones_held[ZONE][theirs.key] == theirs
    record_adopt(
        zone=hosted.zone, name=name, type_="A", reason="moved", previous_owner=theirs.values[0], actor=operator
    )
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


@pytest.mark.parametrize(
    ("name", "type_", "field"),
    [
        (ZONE, "A", "name"),
        ("www.other.example", "A", "name"),
        (f"www.{ZONE}", "MX", "type"),
        ("a b", "A", "name"),
        (f"_berth-owner.a.app1000001.{ZONE}", "txt", "name"),
    ],
)
def test_what_berth_never_makes_it_never_takes_over(name: str, type_: str, field: str, operator: User) -> None:
    hosted = hosted_zone()
    with pytest.raises(InvalidInput) as refused:
        record_adopt(zone=hosted.zone, name=name, type_=type_, reason="x", actor=operator)
    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize("is_written", [True, False], ids=["gone", "going"])
def test_a_plan_brings_no_name_back_of_an_app_that_goes_meanwhile(
    monkeypatch: pytest.MonkeyPatch, operator: User, is_written: bool
) -> None:
    hosted = hosted_zone()
    gone, stays = apps_with_records(2)
    new = make_app(state=AppState.PROVISIONING)
    digest = zone_plan(hosted).digest

    def listed(hosted: HostedZone, wanted: Any) -> Any:
        found = zone_plan(hosted, wanted)
        PluginApp.objects.filter(pk=gone.pk).update(state=AppState.RETIRING)
        if is_written:
            retire(PluginApp.objects.get(pk=gone.pk))
        else:
            dns_rows.remove(DnsRecord.objects.filter(app=gone))
        return found

    monkeypatch.setattr(dns_plans, "zone_plan", listed)
    zone_apply(zone=hosted.zone, digest=digest, actor=operator)
    sync(hosted.pk)
    assert MemoryProvider.records(ZONE) == expected(stays, new, owner=hosted.owner)
    assert not DnsRecord.objects.filter(app=gone).exists()


# Moves


def later(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timezone.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(timezone, "now", lambda: moment)


def test_a_move_lowers_the_ttl_at_once_switches_in_time_and_raises_it_again(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    at = timezone.now() + timedelta(seconds=400)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.10",)}, {60})
    dns_drift.advance_all()
    assert fresh().lowered_at is not None
    later(395, monkeypatch)
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.10",)}, {60})
    later(10, monkeypatch)
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.99",)}, {60})
    later(61, monkeypatch)
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.99",)}, {300})
    done = fresh()
    assert (done.targets, done.next_targets, done.move_at) == (["192.0.2.99"], [], None)
    told = [
        action for action in AuditEvent.objects.order_by("pk").values_list("action", flat=True) if "zone." in action
    ]
    assert told[-4:] == ["zone.move_planned", "zone.ttl_lowered", "zone.moving", "zone.moved"]
    assert not dns_drift.compare(done).items


def test_a_move_waits_for_a_provider_that_did_not_take_the_low_ttl(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    at = timezone.now() + timedelta(seconds=400)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    MemoryProvider.before_call = staticmethod(_down)
    later(1000, monkeypatch)
    dns_drift.advance_all()
    MemoryProvider.before_call = None
    dns_drift.advance_all()
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.10",)}, {60})
    later(301, monkeypatch)
    dns_drift.advance_all()
    assert addresses() == {("192.0.2.99",)}


def _down(_name: str, _n: int) -> None:
    raise ServiceUnavailable("the vendor does not answer")


def test_a_move_that_would_outrun_a_cache_is_refused_with_the_earliest_time(operator: User) -> None:
    hosted = hosted_zone(ttl_s=3600)
    with pytest.raises(InvalidInput, match=r"at: .*TTL of 3600 s; the earliest is 20") as refused:
        move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=timezone.now() + timedelta(minutes=59), actor=operator)
    assert list(refused.value.errors) == ["at"]
    assert fresh().move_at is None


def test_a_move_is_taken_back_until_it_has_happened(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    at = timezone.now() + timedelta(seconds=400)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    sync(hosted.pk)
    with pytest.raises(InvalidTransition, match="a move is planned"):
        move_plan(zone=hosted.zone, targets=["192.0.2.98"], at=at, actor=operator)
    move_cancel(zone=hosted.zone, actor=operator)
    sync(hosted.pk)
    assert (addresses(), ttls()) == ({("192.0.2.10",)}, {300})
    with pytest.raises(InvalidTransition, match="no move is planned"):
        move_cancel(zone=hosted.zone, actor=operator)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    sync(hosted.pk)
    move_advance(hosted=fresh())
    later(500, monkeypatch)
    with pytest.raises(InvalidTransition, match="plan a move back"):
        move_cancel(zone=hosted.zone, actor=operator)


def test_a_move_of_many_names_needs_a_reason(operator: User) -> None:
    hosted = hosted_zone()
    apps_with_records(3)
    at = timezone.now() + timedelta(hours=1)
    with pytest.raises(InvalidInput, match="50%"):
        move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    assert ttls() == {300}
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, override="new machines", actor=operator)
    dns_drift.advance_all()
    assert ttls() == {60}


def test_a_move_outruns_no_cache_though_the_ttl_was_another_until_a_moment_ago(operator: User) -> None:
    hosted = hosted_zone(ttl_s=3600)
    apps_with_records(1)
    hosted_zone_set(zone=hosted.zone, account=hosted.account, ttl_s=60, actor=operator)
    soon = timezone.now() + timedelta(minutes=59)
    with pytest.raises(InvalidInput, match=r"at: .*TTL of 3600 s"):
        move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=soon, actor=operator)
    planned = move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=soon + timedelta(minutes=2), actor=operator)
    assert planned.remembered_ttl_s == 3600


def test_a_move_outruns_no_cache_though_the_vendor_takes_no_low_ttl(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    MemoryProvider.least_ttl_s = 600
    hosted = hosted_zone()
    apps_with_records(1)
    at = timezone.now() + timedelta(seconds=400)
    with pytest.raises(InvalidInput, match=r"at: .*TTL of 600 s"):
        move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    at = timezone.now() + timedelta(seconds=700)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    dns_drift.advance_all()
    dns_drift.advance_all()
    later(701, monkeypatch)
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.99",)}, {600})
    later(599, monkeypatch)
    dns_drift.advance_all()
    assert fresh().move_at is not None
    later(2, monkeypatch)
    dns_drift.advance_all()
    assert (fresh().move_at, fresh().targets) == (None, ["192.0.2.99"])


def test_a_move_is_not_over_while_the_provider_has_not_taken_it(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=timezone.now() + timedelta(seconds=400), actor=operator)
    dns_drift.advance_all()
    dns_drift.advance_all()
    MemoryProvider.before_call = staticmethod(_down)
    for seconds in (401, 61, 3600):
        later(seconds, monkeypatch)
        dns_drift.advance_all()
    assert (addresses(), fresh().targets) == ({("192.0.2.10",)}, ["192.0.2.10"])
    MemoryProvider.before_call = None
    dns_drift.advance_all()
    dns_drift.advance_all()
    assert (addresses(), ttls(), fresh().targets) == ({("192.0.2.99",)}, {60}, ["192.0.2.10"])
    later(61, monkeypatch)
    dns_drift.advance_all()
    assert (addresses(), ttls(), fresh().targets) == ({("192.0.2.99",)}, {300}, ["192.0.2.99"])


def test_a_move_goes_on_past_records_that_nobody_wants_any_more(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    zone_change(zone=hosted.zone, is_wildcard=True, actor=operator)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=timezone.now() + timedelta(seconds=400), actor=operator)
    dns_drift.advance_all()
    dns_drift.advance_all()
    later(401, monkeypatch)
    dns_drift.advance_all()
    assert MemoryProvider.records(ZONE)[(f"*.{ZONE}", "A")] == ("192.0.2.99",)


# Drift


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
    MemoryProvider.before_call = staticmethod(_down)
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


# The command


def dns(*arguments: str) -> str:
    out = StringIO()
    call_command("dns", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_a_plan_and_applies_it() -> None:
    hosted, app = hosted_zone(), make_app()
    shown = dns("plan")
    assert f"zone {ZONE} at account-apps-example: 2 to create, 0 to update" in shown
    assert f"  + {app.public_id}.{ZONE} A 192.0.2.10 (TTL 300)" in shown
    assert MemoryProvider.records(ZONE) == {}
    with pytest.raises(CommandError, match="look at the new plan"):
        dns("apply", ZONE, "--plan", "0" * 64)
    digest = shown.split("plan ")[-1].strip()
    assert "written" in dns("apply", ZONE, "--plan", digest)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    assert "plan " not in dns("plan", ZONE)


def test_the_command_names_what_is_missing() -> None:
    hosted = hosted_zone()
    apps_with_records(3)
    hosted_zone_set(zone=hosted.zone, account=hosted.account, targets=["192.0.2.99"], actor=make_operator())
    with pytest.raises(CommandError, match="say why"):
        dns("apply")
    assert "50% of its records would change or be deleted: --override WHY is needed" in dns("plan")
    dns("apply", "--override", "new machines")
    assert addresses() == {("192.0.2.99",)}
    with pytest.raises(CommandError, match=f"other.example is not hosted: there are {ZONE}"):
        dns("plan", "other.example")


def test_the_command_shows_all_zones_though_one_can_not_be_read() -> None:
    MemoryProvider.reset("a.example", ZONE)
    hosted_zone("a.example")
    hosted_zone(ZONE, applies_to={"name": "test"}, priority=1)
    app = make_app()
    MemoryProvider.before_call = staticmethod(fault_at("list", 1, ServiceUnavailable("the vendor does not answer")))
    out = StringIO()
    with pytest.raises(CommandError, match=r"^zone a\.example: the vendor does not answer$"):
        call_command("dns", "plan", stdout=out)
    assert f"+ {app.public_id}.test.{ZONE} A 192.0.2.10" in out.getvalue()


def test_the_command_takes_a_record_over() -> None:
    hosted, app = hosted_zone(), make_app()
    name = f"{app.public_id}.{ZONE}"
    MemoryProvider.put(ZONE, RecordSet(name, "A", ("198.51.100.66",), 60))
    assert f"! {name} A 198.51.100.66 (TTL 60) is there, and Berth did not make it" in dns("plan")
    dns("adopt", ZONE, name, "a", "--reason", "made by hand")
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


def test_a_provider_that_is_back_is_told_once_too() -> None:
    hosted_zone()
    MemoryProvider.before_call = staticmethod(_down)
    dns_drift.compare_all()
    MemoryProvider.before_call = None
    dns_drift.compare_all()
    dns_drift.compare_all()
    assert (len(events("dns.unreachable")), len(events("dns.reachable"))) == (1, 1)
