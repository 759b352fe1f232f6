"""`python -m tests.benchmarks [--write] [NAME...]`: measures, prints a table, and writes `bench.json` into the home.

With `--write` the tables of the documents too.
"""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Callable

from django.conf import settings

from tests.benchmarks import (
    approve_to_live,
    audit,
    deploys_under_load,
    documents,
    edge_throughput,
    failover,
    idle_memory,
)
from tests.benchmarks.access import benchmark as access
from tests.benchmarks.figures import Figure, table, write
from tests.benchmarks.house import benchmark as house
from tests.benchmarks.names import benchmark as names
from tests.benchmarks.stage import Stage, stage

# In this order: idle memory is that of a platform which has worked.
BENCHMARKS: dict[str, Callable[[Stage], list[Figure]]] = {
    "approve_to_live": approve_to_live.measure,
    "deploys_under_load": deploys_under_load.measure,
    "failover": failover.measure,
    "edge_throughput": edge_throughput.measure,
    "idle_memory": idle_memory.measure,
    "names": names.measure,
    "audit": audit.measure,
    "access": access.measure,
    "house": house.measure,
}


def main() -> int:
    """Status 1 where something could not be measured. A target that is missed is printed, and no failure."""
    parser = argparse.ArgumentParser(prog="bin/bench", allow_abbrev=False)
    parser.add_argument("--write", action="store_true", help="write the table of docs/reference/figures.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    arguments = parser.parse_args()
    names = [name.replace("-", "_") for name in arguments.names] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    found: dict[str, list[Figure]] = {}
    failed = []
    # Before anything runs: the load is what others do to the machine.
    origin = documents.provenance()
    with stage(say) as place:
        for name in (name for name in BENCHMARKS if name in names):
            say(f"\n{name}")
            started = time.monotonic()
            try:
                found[name] = BENCHMARKS[name](place)
                # One after the other: a run that is stopped keeps what it has.
                if arguments.write:
                    documents.write({name: found[name]}, origin, list(BENCHMARKS))
            except Exception:
                failed.append(name)
                say(traceback.format_exc())
            say(f"  took {time.monotonic() - started:.0f} s")
    figures = [figure for those in found.values() for figure in those]
    path = settings.HOME / "bench.json"
    write(path, figures)
    say(f"\n{table(figures)}\n\nwritten to {path}")
    if arguments.write:
        say("the tables of the documents are written")
    if failed:
        say(f"COULD NOT BE MEASURED: {', '.join(failed)}")
    return 1 if failed else 0


def say(text: str) -> None:
    print(text, flush=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
