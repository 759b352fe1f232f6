"""How the house stands: sizes of files, plain words, circles, duplicates, and how long its tests take."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.house import duplicates, imports, prose, way
from tests.benchmarks.stage import Stage

ROOT = Path(__file__).resolve().parents[3]
LONGEST = 300
PRODUCT = ("paas", "provisioning", "tenants", "bin")
# Where `bin/test` writes how long it took, by its kind.
SECONDS = ROOT / "var" / "test-seconds.json"
LIMITS_S = {"bin/test --fast": 180, "bin/test": 1500}


def measure(stage: Stage) -> list[Figure]:
    """Reads the files that git knows; runs nothing. Raises `RuntimeError` if the tests were never timed here."""
    python = list(_tracked("*.py"))
    long = [path for path in python if len(path.read_text().splitlines()) > LONGEST]
    circles, ways = imports.circles(), way.files()
    twice = duplicates.duplicate_runs(path for path in python if path.relative_to(ROOT).parts[0] in PRODUCT)
    hard, words = prose.hard_and_words([*python, *_tracked("*.md")])
    for title, lines in (
        ("files over 300 lines", [str(path.relative_to(ROOT)) for path in long]),
        ("circles", [" ".join(circle) for circle in circles]),
        ("duplicates", twice),
        ("the way of a release", ways),
    ):
        stage.say("\n    ".join([f"  {title}: {len(lines)}", *lines]))
    return [
        _count("files over 300 lines", len(long), 0),
        _count("hard sentences in 1,000 words", 1000 * hard / words, 1),
        _count("import circles", len(circles), 0),
        _count("files that a release goes through, from approval to the edge", len(ways), 12),
        _count("runs of ten lines that stand in product code twice", len(twice), 0),
        *_seconds(),
    ]


def _seconds() -> list[Figure]:
    found = json.loads(SECONDS.read_text()) if SECONDS.is_file() else {}
    missing = [name for name in LIMITS_S if name not in found]
    if missing:
        raise RuntimeError(f"not timed here: run {' and '.join(missing)} first")
    return [
        Figure(name, found[name], "s", "the limit", limit, Target("value", "<=", limit))
        for name, limit in LIMITS_S.items()
    ]


def _count(name: str, value: float, limit: float) -> Figure:
    return Figure(name, value, "", "the goal", limit, Target("value", "<=", limit))


def _tracked(pattern: str) -> Iterable[Path]:
    """Files that git knows; migrations are as Django wrote them."""
    listed = subprocess.check_output(["git", "ls-files", "-z", pattern], cwd=ROOT, text=True)
    paths = (ROOT / name for name in listed.split("\0") if name and "/migrations/" not in name)
    return (path for path in paths if path.is_file())
