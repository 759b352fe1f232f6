"""Shared by the tests of conditions."""

from collections.abc import Callable
from typing import Any

from provisioning.reconcile.repair_table import Condition
from provisioning.rendering.specs import Part
from tests.provisioning.reconcile.ship import Ship

Launch = Callable[..., Ship]


PARTS: list[tuple[Part, ...]] = [("app",), ("web", "app")]


def mended(ship: Ship, parts: tuple[Part, ...], condition: Condition, *, role: Any = "live") -> None:
    """One round finds exactly that, mends it, says so once, and the next one finds nothing."""
    ship.round()
    assert [event.message for event in ship.events("repair_failed")] == []
    event = ship.events("repaired")[-1]
    assert event.data["role"] == role
    assert event.data["containers"] == {ship.name(part, role): str(condition) for part in parts}
    assert all(f"{ship.name(part, role)} was {condition}" in event.message for part in parts)
    assert ship.wait(role)
    assert {ship.state(name) for name in ship.names(role)} == {"running"}
    told = len(ship.events("repaired"))
    ship.round()
    again = [event.message for event in [*ship.events("repaired")[told:], *ship.events("repair_failed")]]
    assert again == []
