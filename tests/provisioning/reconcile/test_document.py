"""`docs/operate/repair.md` shows the table of repairs, and each of its rows is tried somewhere."""

import re
from pathlib import Path

import pytest

from provisioning.reconcile.repair_table import OBSTACLES, TABLE, Action, Condition, Repair

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "operate" / "repair.md"
HERE = Path(__file__).parent


def acted_on(repair: Repair) -> str:
    if repair.action in (Action.NOTHING, Action.WAIT, Action.TELL):
        return ""
    web, app = (set(repair.parts[part]) for part in ("web", "app"))
    if web == app:
        return "both parts"
    return "itself" if web == {"web"} else "of a web part both, of an app part itself"


def rows() -> list[str]:
    return [
        f"| {condition} | {repair.how} | {repair.look} | {repair.action} | {acted_on(repair)} | "
        f"{'only while the standby answers' if repair.interrupts else ''} |"
        for condition, repair in TABLE.items()
    ]


def test_the_document_shows_the_table_as_it_is() -> None:
    text = DOCUMENT.read_text()
    shown = [line for line in text.splitlines() if line.startswith("| ")]
    first = shown.index("| condition | how it comes about | seen | what Berth does | to | to live |")
    assert shown[first + 2 : first + 2 + len(TABLE)] == rows()
    for obstacle in OBSTACLES:
        assert f"| {obstacle.found} | {obstacle.said} |" in shown


def test_every_condition_has_its_row() -> None:
    assert set(TABLE) == set(Condition)


@pytest.mark.parametrize("condition", sorted(set(Condition) - {Condition.RUNNING}))
def test_every_row_is_tried(condition: Condition) -> None:
    tests = "".join(path.read_text() for path in HERE.glob("test_[cpr]*.py"))
    assert re.search(rf"Condition\.{condition.name}\b|\b{condition}\b", tests)
