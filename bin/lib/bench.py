"""bin/bench: sets up what the benchmarks need, and runs them."""

import argparse
import os
import sys

from lib import configuration as settings
from lib import home, packages, setup
from lib.configuration import PYTHON, ROOT


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
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark; all of them where none is named")
    arguments = parser.parse_args()
    if not arguments.install:
        packages.refuse_missing(packages.TESTS)
    configuration = settings.load()
    home.make(configuration)
    settings.write(configuration)
    setup.machine(configuration, packages.TESTS, "development")
    setup.manage(configuration, ["build_images"])
    os.chdir(ROOT)
    sys.stdout.flush()
    argv = [str(PYTHON), "-m", "tests.benchmarks", *arguments.names]
    os.execve(argv[0], argv, configuration.environment())  # noqa: S606 - no shell is wanted
