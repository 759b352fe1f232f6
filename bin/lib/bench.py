"""bin/bench: sets up what the benchmarks need, and runs them."""

import argparse
import signal
import subprocess
import sys

from lib import configuration as settings
from lib import engine, home, packages, setup, supervisor
from lib.configuration import PYTHON, ROOT, Configuration


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Runs the benchmarks in tests/benchmarks/, each against its limit or peer in the same run; prints "
        "a table and writes var/bench.json.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-install",
        dest="install",
        action="store_false",
        help="install no system packages: print those that are missing and exit with status 2",
    )
    parser.add_argument(
        "--write", action="store_true", help="write the table of docs/reference/figures.md too, with commit and day"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark; all of them where none is named")
    arguments = parser.parse_args()
    if not arguments.install:
        packages.refuse_missing(packages.BENCHMARKS)
    configuration = settings.load()
    home.make(configuration)
    settings.write(configuration)
    setup.machine(configuration, packages.BENCHMARKS, "development")
    setup.manage(configuration, ["build_images"])
    sys.stdout.flush()
    try:
        return _run(configuration, [*(["--write"] if arguments.write else []), *arguments.names])
    finally:
        # A platform may run in the same home: the engine is its own then.
        supervisord = supervisor.find(configuration)
        if supervisord is None:
            engine.release(configuration)
        else:
            engine.note_user(configuration, supervisord.pid)


def _run(configuration: Configuration, arguments: list[str]) -> int:
    """The benchmarks remove what they made also where they are interrupted: this waits for them."""
    running = subprocess.Popen(
        [str(PYTHON), "-m", "tests.benchmarks", *arguments], cwd=ROOT, env=configuration.environment()
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: running.send_signal(received))
    # Ctrl-C reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return running.wait()
