"""Finds runs of lines that stand in product code twice."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

RUN = 10


def duplicate_runs(paths: Iterable[Path]) -> list[str]:
    """Runs of at least ten lines of code that two places share, each as `FILE:LINE and FILE:LINE`.

    Blank lines, comments, imports and lines that only close a bracket do not count.
    """
    windows: dict[tuple[str, ...], list[tuple[Path, int]]] = defaultdict(list)
    for path in paths:
        lines = [(number, text.strip()) for number, text in enumerate(path.read_text().splitlines(), 1)]
        code = [(number, text) for number, text in lines if _counts(text)]
        for at in range(len(code) - RUN + 1):
            window = code[at : at + RUN]
            windows[tuple(text for _number, text in window)].append((path, window[0][0]))
    found: list[str] = []
    covered: set[tuple[Path, int]] = set()
    for places in windows.values():
        if len(places) < 2:
            continue
        # A run of more than ten lines has windows that begin one line after the other: it is one run.
        is_rest = all((path, line - back) in covered for path, line in places for back in (1,))
        if not is_rest:
            found.append(" and ".join(f"{path}:{line}" for path, line in places))
        covered |= {(path, line) for path, line in places}
    return found


def _counts(text: str) -> bool:
    return bool(text.strip("()[]{},")) and not text.startswith(("#", "import ", "from "))
