"""`python -m tests.benchmarks.access FILE`: fills the empty, migrated database, measures, and writes JSON."""

import gc
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from tests.benchmarks.access import decisions, history, lists, policies, rows  # noqa: E402
from tests.benchmarks.access.world import FULL, SMALL, Size, World, build  # noqa: E402
from tests.benchmarks.figures import Figure  # noqa: E402


def main(found: Path) -> None:
    few = _queries_where_there_is_little()
    say("  10,000 apps in 1,000 organizations, 100,000 releases, 5,000 grants and more")
    world = _filled(FULL)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    # What was made to fill the database is not looked through over and over.
    gc.collect()
    gc.freeze()
    steps: list[Callable[[], list[Figure]]] = [
        lambda: lists.measure(world, few, say),
        lambda: decisions.measure(world, say),
        lambda: rows.measure(world, say),
    ]
    by_list, decided, by_row = (step() for step in steps)
    # The most telling of each first: a short table shows no more.
    figures = [*by_row, *decided, *by_list]
    found.write_text(json.dumps([asdict(figure) for figure in figures]))


def _queries_where_there_is_little() -> dict[str, int]:
    with transaction.atomic():
        few = lists.count_queries(_filled(SMALL))
        transaction.set_rollback(True)
    return few


def _filled(size: Size) -> World:
    policies.add()
    world = build(size)
    history.add(world)
    return world


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
