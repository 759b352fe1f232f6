"""What a zone should hold, and when, while it moves."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.dns.desired import Hostname, ZoneState, desired, direction, earliest_move, switches_at

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "apps.example"
NAMES = [Hostname(f"app1000001.{ZONE}", "app1000001", "production"), Hostname(f"app1000002.test.{ZONE}", "app1000002")]


def state(**values: object) -> ZoneState:
    defaults: dict[str, object] = {"zone": ZONE, "targets": ("192.0.2.1",), "ttl_s": 300, "low_ttl_s": 60}
    return ZoneState(**{**defaults, **values})  # type: ignore[arg-type]


def shape(found: list[object]) -> set[tuple[str, ...]]:
    return {(w.record.name, w.record.type, *w.record.values, w.app) for w in found}  # type: ignore[attr-defined]


def test_each_hostname_points_to_the_targets_by_their_kind() -> None:
    both = desired(state(targets=("192.0.2.2", "192.0.2.1", "2001:db8::1")), NAMES[:1], NOW)
    assert shape(list(both)) == {
        (f"app1000001.{ZONE}", "A", "192.0.2.1", "192.0.2.2", "app1000001"),
        (f"app1000001.{ZONE}", "AAAA", "2001:db8::1", "app1000001"),
    }
    assert {wanted.record.ttl_s for wanted in both} == {300}
    alias = desired(state(targets=("edge.example",)), NAMES, NOW)
    assert shape(list(alias)) == {
        (f"app1000001.{ZONE}", "CNAME", "edge.example", "app1000001"),
        (f"app1000002.test.{ZONE}", "CNAME", "edge.example", "app1000002"),
    }


def test_a_wildcard_stands_for_all_names() -> None:
    assert shape(list(desired(state(is_wildcard=True), NAMES, NOW))) == {(f"*.{ZONE}", "A", "192.0.2.1", "platform")}


@pytest.mark.parametrize("name", [ZONE, "app1000001.other.example", f"x{ZONE}"])
def test_a_name_that_is_none_below_the_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name below"):
        desired(state(), [Hostname(name, "app1000001")], NOW)


def test_a_move_lowers_the_ttl_then_switches_then_raises_it() -> None:
    move_at = NOW + timedelta(seconds=300)
    moving = state(next_targets=("192.0.2.9",), move_at=move_at, lowered_at=NOW)

    def at(moment: datetime) -> tuple[tuple[str, ...], int, bool]:
        found = direction(moving, moment)
        return found.targets, found.ttl_s, found.is_over

    assert at(NOW) == (("192.0.2.1",), 60, False)
    assert at(move_at - timedelta(seconds=1)) == (("192.0.2.1",), 60, False)
    assert at(move_at) == (("192.0.2.9",), 60, False)
    assert at(move_at + timedelta(seconds=59)) == (("192.0.2.9",), 60, False)
    assert at(move_at + timedelta(seconds=60)) == (("192.0.2.9",), 300, True)


def test_a_move_waits_until_no_cache_can_hold_the_old_ttl() -> None:
    move_at = NOW + timedelta(seconds=300)
    unknown = state(next_targets=("192.0.2.9",), move_at=move_at)
    assert switches_at(unknown) is None
    assert direction(unknown, move_at + timedelta(days=1)).targets == ("192.0.2.1",)
    late = state(next_targets=("192.0.2.9",), move_at=move_at, lowered_at=NOW + timedelta(seconds=100))
    assert switches_at(late) == NOW + timedelta(seconds=400)
    assert direction(late, NOW + timedelta(seconds=399)).targets == ("192.0.2.1",)
    assert direction(late, NOW + timedelta(seconds=400)).targets == ("192.0.2.9",)


def test_a_move_can_be_no_earlier_than_the_old_ttl() -> None:
    assert earliest_move(state(), NOW) == NOW + timedelta(seconds=300)
