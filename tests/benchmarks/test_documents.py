"""The tables of figures in the documents are those of the record: with commit, day, machine, and every benchmark."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import documents
from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.documents import BEGIN, DOCUMENTS, END, NOT_MEASURED, RECORD, render, with_table
from tests.benchmarks.figures import Figure, Target, paired

ORIGIN = {"commit": "0123456789", "day": "2026-12-01", "machine": "2 cores, 23 GiB, Linux 6.1", "load": "0.3"}
LATER = ORIGIN | {"commit": "9876543210 with changes", "day": "2026-12-02"}
ORDER = ["speed", "memory"]


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A document with marks, and the record: both of a test's own."""
    page, record = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text(f"# Before\n\n{BEGIN}\nwhat was here\n{END}\n\nAfter.\n")
    monkeypatch.setattr(documents, "DOCUMENTS", {page: None})
    monkeypatch.setattr(documents, "RECORD", record)
    return page, record


def speed(mine: float) -> Figure:
    return paired("one thing", [(mine, 1.0), (mine, 1.0)], "s", "a peer", Target("ratio", "<=", 2))


MEMORY = Figure("all of it", 400, "MiB", "the limit", 450, Target("value", "<=", 450))


def cells(text: str) -> list[list[str]]:
    """The rows of the table between the marks, without its heading."""
    table = text.split(BEGIN)[1].split(END)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_are_what_the_record_says(path: Path) -> None:
    rows = json.loads(RECORD.read_text())
    shown = with_table(path.read_text(), rows, DOCUMENTS[path], list(BENCHMARKS))
    assert shown == path.read_text(), "run bin/bench --write"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_have_every_benchmark_with_commit_day_and_machine(path: Path) -> None:
    text = path.read_text()
    found = cells(text)
    assert [name for name in BENCHMARKS if not any(row[0] == name.replace("_", " ") for row in found)] == []
    for row in found:
        assert len(row) == 8, row
        if row[1] == NOT_MEASURED:
            continue
        assert re.fullmatch(r"[0-9a-f]{10}( with changes)?, \d{4}-\d{2}-\d{2}", row[7]), row
        assert row[6] in {"yes", "**no**"}
        assert re.search(rf"^- {re.escape(row[7])}: \d+ cores, \d+ GiB, Linux \S+, Docker Engine \S+; load", text, re.M)


@pytest.mark.parametrize("path", [*DOCUMENTS, RECORD], ids=lambda path: path.name)
def test_no_path_of_a_machine_is_in_them(path: Path) -> None:
    assert not re.search(r"(?<![\w.)/])/(work|home|root|tmp|var|srv)/", path.read_text().split(BEGIN)[-1].split(END)[0])


def test_a_run_replaces_its_own_rows_and_no_other(papers: tuple[Path, Path]) -> None:
    page, record = papers
    documents.write({"speed": [speed(3.0)], "memory": [MEMORY]}, ORIGIN, ORDER)
    documents.write({"speed": [speed(1.5)]}, LATER, ORDER)
    first, second = cells(page.read_text())
    assert first == [
        "speed", "one thing", "1.5 s", "a peer: 1 s", "1.5 (1.5 to 1.5)", "at most 2 times", "yes",
        "9876543210 with changes, 2026-12-02",
    ]  # fmt: skip
    assert (second[0], second[7]) == ("memory", "0123456789, 2026-12-01")
    assert page.read_text().startswith("# Before\n")
    assert page.read_text().endswith("\n\nAfter.\n")
    assert [row["commit"] for row in json.loads(record.read_text())] == [LATER["commit"], ORIGIN["commit"]]
    assert page.read_text().count("\n- ") == 2


def test_a_benchmark_that_is_no_more_takes_its_rows_with_it(papers: tuple[Path, Path]) -> None:
    page, _record = papers
    documents.write({"speed": [speed(3.0)], "memory": [MEMORY]}, ORIGIN, ORDER)
    documents.write({}, LATER, ["memory"])
    assert [row[0] for row in cells(page.read_text())] == ["memory"]


def test_a_benchmark_that_was_not_measured_says_so(papers: tuple[Path, Path]) -> None:
    page, _record = papers
    documents.write({"memory": [MEMORY]}, ORIGIN, ORDER)
    first, second = cells(page.read_text())
    assert first == ["speed", NOT_MEASURED, "", "", "", "", "", ""]
    assert second[0] == "memory"


def test_a_target_that_is_missed_stands_out(papers: tuple[Path, Path]) -> None:
    page, _record = papers
    documents.write({"speed": [speed(3.0)]}, ORIGIN, ORDER)
    assert cells(page.read_text())[0][6] == "**no**"


def test_a_short_table_has_the_first_rows_of_each_benchmark(papers: tuple[Path, Path]) -> None:
    page, record = papers
    documents.write({"speed": [speed(3.0), speed(2.0), speed(1.0)], "memory": [MEMORY]}, ORIGIN, ORDER)
    shown = with_table(page.read_text(), json.loads(record.read_text()), 1, ORDER)
    assert [row[0] for row in cells(shown)] == ["speed", "memory"]


@pytest.mark.parametrize("text", ["no mark", BEGIN, f"{BEGIN}{BEGIN}{END}", f"{END}"])
def test_a_document_without_its_marks_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="needs the line"):
        with_table(text, [], None, ORDER)


def test_a_cell_can_not_end_its_row() -> None:
    row: dict[str, Any] = {"benchmark": "speed", **speed(1.0).as_json(), **ORIGIN, "reference": "a | b"}
    assert render([row], None, ORDER).count("| a / b: 1 s |") == 1


def test_the_commit_says_if_the_tree_was_changed() -> None:
    origin = documents.provenance()
    assert re.fullmatch(r"[0-9a-f]{10}( with changes)?", origin["commit"])
    assert re.fullmatch(r"\d+ cores, \d+ GiB, Linux \S+, Docker Engine \S+", origin["machine"])
