"""Planned moves of a zone: the TTL falls in time, names switch at the moment, and no cache is outrun."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.dns.services.moves import move_cancel, move_plan
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.dns.workflow import drift as dns_drift
from provisioning.dns.workflow.sync import sync
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.models import AuditEvent, User
from tenants.names.services.zones import zone_change
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.planned import addresses, apps_with_records, down, fresh, ttls

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


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
    dns_drift.compare_all()
    assert not fresh().findings


def test_a_move_waits_for_a_provider_that_did_not_take_the_low_ttl(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = hosted_zone()
    apps_with_records(1)
    at = timezone.now() + timedelta(seconds=400)
    move_plan(zone=hosted.zone, targets=["192.0.2.99"], at=at, actor=operator)
    MemoryProvider.before_call = staticmethod(down)
    later(1000, monkeypatch)
    dns_drift.advance_all()
    MemoryProvider.before_call = None
    dns_drift.advance_all()
    dns_drift.advance_all()
    assert (addresses(), ttls()) == ({("192.0.2.10",)}, {60})
    later(301, monkeypatch)
    dns_drift.advance_all()
    assert addresses() == {("192.0.2.99",)}


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
    dns_drift.advance_all()
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
    MemoryProvider.before_call = staticmethod(down)
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
