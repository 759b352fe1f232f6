"""Plans are looked at, then applied; what strays is found, told once, and put right or left; records are taken over."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning.dns import record_rows as dns_rows
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.records import RecordSet
from provisioning.dns.selectors.zones import zone_plan
from provisioning.dns.services import plans as dns_plans
from provisioning.dns.services.moves import move_plan
from provisioning.dns.services.plans import record_adopt, zone_apply
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import OperatorError
from provisioning.models import DnsRecord, HostedZone
from tenants.apps.choices import AppState
from tenants.exceptions import InvalidInput, InvalidTransition, NotPermitted
from tenants.models import AuditEvent, PluginApp, User
from tenants.names.services.zones import zone_change
from tests.factories import make_app, make_user
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.planned import addresses, apply, apps_with_records, fresh
from tests.provisioning.dns.synchronised import expected, provision, retire

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


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
