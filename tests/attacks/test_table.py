"""The table of attacks says what is there: no test in it that is gone, and no file of attacks that it leaves out."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_name("README.md")
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


@dataclass(frozen=True)
class Row:
    id: str
    attack: str
    tests: tuple[tuple[str, str], ...]
    reason: str


def rows_of(text: str) -> list[Row]:
    rows = []
    for line in text.splitlines():
        if re.match(r"\| [A-Z]\d", line):
            name, attack, tests, reason = (cell.strip() for cell in line.strip("|").split("|"))
            rows.append(Row(name, attack, tuple(_NAMED.findall(tests)), reason))
            left = _NAMED.sub("", tests).strip(" ,")
            assert left == "", f"{name}: {left!r} is no `path::function`"
    return rows


def functions_of(path: str) -> set[str]:
    """The tests that the file defines; none where there is no such file."""
    file = TESTS / path
    if not file.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def missing_of(rows: list[Row]) -> list[str]:
    """The tests that the rows name and that are not there."""
    named = {test for row in rows for test in row.tests}
    defined = {path: functions_of(path) for path, _ in named}
    return sorted(
        f"{path}::{name}" for path, name in named if name not in defined[path] or not name.startswith("test_")
    )


def test_every_test_that_the_table_names_is_there() -> None:
    rows = rows_of(TABLE.read_text())
    assert len(rows) > 70
    assert missing_of(rows) == []


def test_every_attack_stands_once_with_its_tests_or_the_reason_why_not() -> None:
    rows = rows_of(TABLE.read_text())
    ids = [row.id for row in rows]
    assert len(ids) == len(set(ids))
    assert [row.id for row in rows if not row.attack] == []
    assert [row.id for row in rows if not row.tests and not row.reason] == []


def test_every_file_of_attacks_is_in_the_table() -> None:
    named = {path for row in rows_of(TABLE.read_text()) for path, _ in row.tests}
    files = {
        str(path.relative_to(TESTS)) for path in TABLE.parent.rglob("test_*.py") if path.name != Path(__file__).name
    }
    assert sorted(files - named) == []


def test_a_table_that_names_what_is_gone_would_be_told() -> None:
    line = "| A1 | links | `attacks/test_table.py::test_gone`, `attacks/test_none.py::test_x`, `{}` | |"
    here = "attacks/test_table.py::test_a_table_that_names_what_is_gone_would_be_told"
    gone = missing_of(rows_of(line.format(here)))
    assert gone == ["attacks/test_none.py::test_x", "attacks/test_table.py::test_gone"]
