"""The table of figures in the documents: kept as data, and written between marks in docs/reference/figures.md.

A run replaces the rows of the benchmarks that it ran, and no other. Each row names the commit, the day and the machine
that it is of.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.engine import docker
from tests.benchmarks.figures import Figure, short

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "reference" / "figures.json"
# Each shows all rows, or so many of each benchmark.
DOCUMENTS: dict[Path, int | None] = {ROOT / "docs" / "reference" / "figures.md": None}
BEGIN, END = "<!-- figures: written by bin/bench --write -->", "<!-- end of figures -->"
NOT_MEASURED = "not measured since its code changed"
_HEADING = (
    "| benchmark | figure | Berth | beside it, in the same run | ratio (quartiles) | target | met | commit, day |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
Row = dict[str, Any]


def provenance() -> dict[str, str]:
    """Commit, day and machine of a run that begins now. A tree in which only the tables changed counts as clean."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    written = [f":(exclude){path.relative_to(ROOT)}" for path in (RECORD, *DOCUMENTS)]
    is_changed = bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", *written))
    memory_kib = int((Path("/proc/meminfo").read_text().split("MemTotal:")[1]).split()[0])
    engine = docker("version", "--format", "{{.Server.Version}}").strip()
    machine = (
        f"{os.cpu_count()} cores, {memory_kib / 2**20:.0f} GiB, Linux {os.uname().release}, Docker Engine {engine}"
    )
    return {
        "commit": f"{commit} with changes" if is_changed else commit,
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine,
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def write(found: Mapping[str, Sequence[Figure]], origin: Mapping[str, str], order: Sequence[str]) -> None:
    """`found` has the figures of the benchmarks that were run, by name; `order` names all benchmarks there are."""
    rows = [row for row in _recorded() if row["benchmark"] not in found and row["benchmark"] in order]
    rows += [{"benchmark": name, **figure.as_json(), **origin} for name, figures in found.items() for figure in figures]
    rows.sort(key=lambda row: order.index(row["benchmark"]))
    _replace(RECORD, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    for path, most in DOCUMENTS.items():
        _replace(path, with_table(path.read_text(), rows, most, order))


def with_table(text: str, rows: Sequence[Row], most: int | None, order: Sequence[str]) -> str:
    """The document with the table between its marks. Raises `ValueError` for one without marks."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"a document of figures needs the line {BEGIN} once, and the line {END} once")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{render(rows, most, order)}{END}{rest.split(END)[1]}"


def render(rows: Sequence[Row], most: int | None, order: Sequence[str]) -> str:
    """The table, of each benchmark at most the first rows, and a line for each run that it has rows of.

    A benchmark without rows stands in it too: nobody shall take its figures for good since they are not there.
    """
    lines = []
    for name in order:
        lines += [_line(row) for row in rows if row["benchmark"] == name][:most]
        if not any(row["benchmark"] == name for row in rows):
            lines.append(f"| {_title(name)} | {NOT_MEASURED} | | | | | | |")
    runs = dict.fromkeys((row["commit"], row["day"], row["machine"], row["load"]) for row in rows)
    origins = [f"- {commit}, {day}: {machine}; load {load} before it" for commit, day, machine, load in runs]
    return _HEADING + "\n".join([*lines, "", *origins, ""])


def _title(benchmark: str) -> str:
    return benchmark.replace("_", " ")


def _line(row: Row) -> str:
    ratio = "" if row["ratio"] is None else short(row["ratio"])
    if row["spread"]:
        ratio += f" ({' to '.join(short(quartile) for quartile in row['spread'])})"
    cells = [
        _title(row["benchmark"]),
        row["name"],
        f"{short(row['value'])} {row['unit']}",
        f"{row['reference']}: {short(row['reference_value'])} {row['unit']}",
        ratio,
        row["target"],
        "yes" if row["met"] else "**no**",
        f"{row['commit']}, {row['day']}",
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _recorded() -> list[Row]:
    found: list[Row] = json.loads(RECORD.read_text()) if RECORD.exists() else []
    return found


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
