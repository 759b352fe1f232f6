"""Windows of time and values that may be missing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import ForeignKey

from tenants.policies.condition_values import Window
from tenants.policies.conditions import CONTEXT_ATTRIBUTES, parse
from tenants.policies.resources import RESOURCE_TYPES, Attribute, ResourceType


def holds(window: dict[str, Any], moment: str) -> bool:
    """`moment` is in UTC."""
    ((term,),) = parse({"time__within": window}, "context", CONTEXT_ATTRIBUTES)
    assert isinstance(term.value, Window)
    return term.value.holds(datetime.fromisoformat(moment).replace(tzinfo=UTC))


BERLIN = {"zone": "Europe/Berlin"}


# 2026-03-02 is a Monday. Berlin is an hour ahead of UTC, and two from 2026-03-29 01:00 to 2026-10-25 01:00 UTC.
WINDOWS: list[tuple[dict[str, Any], dict[str, bool]]] = [
    (
        {"from": "09:00", "to": "17:00", "weekdays": ["mon"]},
        {
            "2026-03-02 07:59:59.999999": False,
            "2026-03-02 08:00": True,
            "2026-03-02 15:59:59.999999": True,
            "2026-03-02 16:00": False,
            "2026-03-03 08:00": False,
        },
    ),
    # Past midnight it is still the night of the day on which it started.
    (
        {"from": "22:00", "to": "06:00", "weekdays": ["mon"]},
        {
            "2026-03-02 02:00": False,
            "2026-03-02 20:59": False,
            "2026-03-02 21:00": True,
            "2026-03-02 23:30": True,
            "2026-03-03 04:59": True,
            "2026-03-03 05:00": False,
            "2026-03-03 21:00": False,
        },
    ),
    # From Sunday to Monday, too.
    ({"from": "22:00", "to": "06:00", "weekdays": ["sun"]}, {"2026-03-02 04:00": True, "2026-03-01 04:00": False}),
    # The weekday is the zone's.
    ({"weekdays": ["tue"]}, {"2026-03-02 22:59": False, "2026-03-02 23:00": True, "2026-03-03 23:00": False}),
    ({"from": "12:00"}, {"2026-03-02 10:59": False, "2026-03-02 11:00": True, "2026-03-02 22:59": True}),
    ({"to": "12:00"}, {"2026-03-02 10:59": True, "2026-03-02 11:00": False, "2026-03-02 23:00": True}),
    (
        {"to": "00:00", "weekdays": ["mon"]},
        {"2026-03-02 00:00": True, "2026-03-02 22:59": True, "2026-03-02 23:00": False},
    ),
    # Nine o'clock is nine o'clock in summer as in winter.
    ({"from": "09:00", "to": "10:00"}, {"2026-03-28 08:30": True, "2026-03-29 07:30": True, "2026-03-29 08:30": False}),
    # The hour that is left out has no moment; the one that comes twice holds twice.
    ({"from": "02:00", "to": "03:00"}, {"2026-03-29 00:59": False, "2026-03-29 01:00": False}),
    (
        {"from": "02:00", "to": "03:00"},
        {"2026-10-24 23:59": False, "2026-10-25 00:30": True, "2026-10-25 01:30": True, "2026-10-25 02:00": False},
    ),
]


@pytest.mark.parametrize(("window", "expected"), WINDOWS)
def test_a_window_holds_by_the_clock_of_its_zone(window: dict[str, Any], expected: dict[str, bool]) -> None:
    assert {moment: holds(BERLIN | window, moment) for moment in expected} == expected


def attributes() -> Iterator[tuple[ResourceType, Attribute]]:
    for resource_type in RESOURCE_TYPES.values():
        yield from ((resource_type, attribute) for attribute in resource_type.attributes if not attribute.matches)


@pytest.mark.parametrize(
    ("resource_type", "attribute"), [pytest.param(*pair, id=f"{pair[0].name}.{pair[1].name}") for pair in attributes()]
)
def test_what_may_be_missing_is_declared_so(resource_type: ResourceType, attribute: Attribute) -> None:
    """Otherwise SQL and Python would differ about a row that has no value."""
    model, may_be_missing = resource_type.model, False
    for name in attribute.orm_path.split("__"):
        field = model._meta.get_field(name)
        may_be_missing = may_be_missing or bool(field.null)  # type: ignore[union-attr]
        if isinstance(field, ForeignKey):
            model = field.related_model
    assert attribute.is_nullable is may_be_missing


@pytest.mark.parametrize("start", ["2026-03-24 07:17", "2026-10-21 07:17"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
@pytest.mark.parametrize("times", [{}, {"from": "02:30"}, {"from": "23:15", "to": "02:30"}, {"to": "00:00"}], ids=str)
def test_between_two_turns_of_a_window_nothing_changes(times: dict[str, str], zone: str, start: str) -> None:
    """Minute by minute over a week in which Berlin changes its clocks."""
    window = {"zone": zone, "weekdays": ["wed", "sat", "sun"], **times}
    ((term,),) = parse({"time__within": window}, "context", CONTEXT_ATTRIBUTES)
    since = datetime.fromisoformat(start).replace(tzinfo=UTC)
    turns = {since, *term.value.turns(since, since + timedelta(days=7))}
    held = None
    for minutes in range(7 * 24 * 60):
        moment = since + timedelta(minutes=minutes)
        if moment in turns:
            held = term.value.holds(moment)
        assert term.value.holds(moment) is held, moment
