"""bin/test: sets up what the tests need, runs every check and the tests, and leaves nothing behind."""

import argparse
import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lib import configuration as settings
from lib import containers, engine, home, node, packages, postgres, processes, setup, suites, supervisor
from lib.configuration import PYTHON, ROOT, Configuration
from lib.console import Failure, Interrupted, run_logged, say, step
from lib.suites import Suite

DEFAULTS = {
    "BERTH_INSTALLATION": "berthtest",
    "BERTH_SUBNET_POOL": "10.214.0.0/16",
    "BERTH_WEB_PORT": "18000",
    "BERTH_EDGE_PORT": "18080",
    "BERTH_DNS_LISTEN_PORT": "18030",
    "BERTH_DNS_API_PORT": "18031",
    "BERTH_EDGE_TLS_PORT": "18443",
}
LIMIT_S = 4500
FAST_LIMIT_S = 600
TITLES = {
    "sqlite": "pytest on SQLite: everything",
    "postgresql": "pytest on PostgreSQL: what is about the database",
}
BINARIES = PYTHON.parent
SECONDS = ROOT / "var" / "test-seconds.json"
CHECKS = {
    "ruff check": [str(BINARIES / "ruff"), "check", "."],
    "ruff format": [str(BINARIES / "ruff"), "format", "--check", "."],
    "mypy": [str(BINARIES / "mypy")],
    "mypy bin": [str(BINARIES / "mypy"), "--config-file=", "--strict", "--package", "lib"],
    "import-linter": [str(BINARIES / "lint-imports")],
    "migrations": [str(PYTHON), "manage.py", "makemigrations", "--check", "--dry-run"],
    "djlint": [str(BINARIES / "djlint"), "--quiet", "--lint", "templates"],
    "stylelint": [str(node.BINARIES / "stylelint"), "--max-warnings", "0", "templates/**/*.css"],
    "eslint": [str(node.BINARIES / "eslint"), "--max-warnings", "0", "templates"],
    "documents": [str(BINARIES / "mkdocs"), "build", "--strict", "--site-dir", "@HOME@/site"],
}


def main() -> int:
    arguments, for_pytest = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    # A shell starts what runs in its background with Ctrl-C ignored, and tests send it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not arguments.install:
        packages.refuse_missing(packages.FAST_TESTS if arguments.fast else packages.TESTS)
    with engine.one_test_run(os.environ.get("BERTH_INSTALLATION", DEFAULTS["BERTH_INSTALLATION"])):
        began = time.monotonic()
        status = _run(arguments, for_pytest)
        if status == 0:
            _note_seconds(arguments, for_pytest, time.monotonic() - began)
        return status


def _note_seconds(arguments: argparse.Namespace, for_pytest: list[str], seconds: float) -> None:
    """Keeps how long a complete run took, for `bin/bench house`."""
    if arguments.only_pytest or arguments.database or for_pytest:
        return
    SECONDS.parent.mkdir(exist_ok=True)
    known = json.loads(SECONDS.read_text()) if SECONDS.is_file() else {}
    known["bin/test --fast" if arguments.fast else "bin/test"] = round(seconds)
    SECONDS.write_text(json.dumps(known) + "\n")


def _run(arguments: argparse.Namespace, for_pytest: list[str]) -> int:
    """Sets up, checks, tests, cleans up. The last line is pytest's own, also where something else failed."""
    made = None
    if "BERTH_TEST_HOME" in os.environ:
        where = Path(os.environ["BERTH_TEST_HOME"]).resolve()
    else:
        where = made = Path(tempfile.mkdtemp(prefix="berth-test-"))
    configuration = _configuration(where)
    try:
        home.make(configuration)
        settings.write(configuration)
        (configuration.home / "tmp").mkdir(exist_ok=True)
        if arguments.fast:
            setup.machine(configuration, packages.FAST_TESTS, "development", with_engine=False)
        else:
            setup.machine(configuration, packages.TESTS, "development")
            # What a run that was killed has left would stand in this one's way.
            containers.remove(configuration, with_prefix=True)
            setup.manage(configuration, ["build_images"])
        with step("Node packages") as current:
            node.ensure(log=configuration.logs / "setup.log", step=current)
        failed = [] if arguments.only_pytest else _check(configuration)
        say()
        databases = [arguments.database] if arguments.database else ["sqlite"] if arguments.fast else list(TITLES)
        for_pytest = [*(["--fast"] if arguments.fast else []), *for_pytest]
        status, ran = _pytest(configuration, databases, for_pytest)
    finally:
        troubles = _clean_up(configuration, made)
    for trouble in troubles:
        say(trouble)
    if failed:
        say(f"FAILED checks: {', '.join(failed)} (their output stands above the tests')")
    if troubles or failed or len(ran) > 1:
        suites.say_closings(ran)
    return 1 if failed or troubles else status


def _parse() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="bin/test",
        usage="bin/test [-h] [--no-install] [--fast] [--only-pytest] [--database NAME] [ARGUMENT FOR PYTEST ...]",
        description="Sets up what the tests need, and runs ruff, mypy, import-linter, djlint, stylelint, eslint, the "
        "check for missing migrations, and pytest on the real Docker Engine, nginx, git and Redis. At the same time as "
        "everything runs on SQLite, the tests that are about the database run on a private PostgreSQL; those of "
        "containers, of the embedded forge and of the browser, the end-to-end tests, whose platform comes with SQLite, "
        "and tests without a database run once. Leaves nothing behind.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-install",
        dest="install",
        action="store_false",
        help="install no system packages: print those that are missing and exit with status 2",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="the checks, and the tests that need no Docker Engine and no other server, on SQLite: about three minutes",
    )
    parser.add_argument("--only-pytest", action="store_true", help="leave out the checks before the tests")
    parser.add_argument("--database", choices=list(TITLES), help="run the tests on this database alone")
    return parser.parse_known_args()


def _configuration(where: Path) -> Configuration:
    """The test run's own installation. Settings of another one that stand in the environment stay out."""
    mine = {name: os.environ[name] for name in DEFAULTS if name in os.environ}
    for name in [name for name in os.environ if name.startswith(("BERTH_", "FORGE_")) and name != "BERTH_DOCKER_URL"]:
        del os.environ[name]
    os.environ.update(DEFAULTS | mine)
    return settings.load(where)


def _environment(configuration: Configuration) -> dict[str, str]:
    environment = configuration.environment()
    # The test settings give these values of their own.
    for name in ("BERTH_BROKER_URL", "BERTH_WEB_URL", "FORGE_URL", "BERTH_EMBEDDED_FORGE"):
        del environment[name]
    web_port, edge_port = environment.pop("BERTH_WEB_PORT"), environment.pop("BERTH_EDGE_PORT")
    dns_port, dns_api_port = environment.pop("BERTH_DNS_LISTEN_PORT"), environment.pop("BERTH_DNS_API_PORT")
    tls_port = environment.pop("BERTH_EDGE_TLS_PORT")
    return environment | {
        "DJANGO_SETTINGS_MODULE": "paas.settings.test",
        "CI": os.environ.get("CI", ""),
        "MYPYPATH": "bin",
        "TMPDIR": str(configuration.home / "tmp"),
        "BERTH_TEST_WEB_PORT": web_port,
        "BERTH_TEST_EDGE_PORT": edge_port,
        "BERTH_TEST_EDGE_TLS_PORT": tls_port,
        "BERTH_TEST_DNS_PORT": dns_port,
        "BERTH_TEST_DNS_API_PORT": dns_api_port,
        # The tests' own edges: one port of each kind for each worker, above the platform's.
        "BERTH_EDGE_PORT": str(int(edge_port) + 1),
        "BERTH_EDGE_TLS_PORT": str(int(tls_port) + 1),
    }


def _check(configuration: Configuration) -> list[str]:
    """Runs all checks, whatever the first ones say, and returns the names of those that failed."""
    failed = []
    for name, argv in CHECKS.items():
        with step(name) as current:
            result = subprocess.run(
                [part.replace("@HOME@", str(configuration.home)) for part in argv],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd=ROOT,
                env=_environment(configuration),
                check=False,
            )
            current.note = "passed" if result.returncode == 0 else "FAILED"
        if result.returncode != 0:
            failed.append(name)
            say(result.stdout + result.stderr)
    return failed


def _pytest(configuration: Configuration, databases: Sequence[str], arguments: list[str]) -> tuple[int, list[Suite]]:
    """Runs pytest on each database, at the same time. The status is 0 where all passed."""
    argv = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider"]
    if sys.stdout.isatty():
        argv.append("--color=yes")
    made = []
    with ExitStack() as closing:
        for database in databases:
            environment = _environment(configuration)
            # A short path: tests put sockets below it.
            options = [f"--basetemp={configuration.home / database[0]}"]
            if database == "postgresql":
                server = closing.enter_context(_postgres(configuration)).environment
                environment |= server | _share_of_its_own(configuration)
                environment["BERTH_TEST_TEMPLATE"] = server["BERTH_DB_NAME"]
                options.append("--only-database")
            else:
                environment["BERTH_TEST_TEMPLATE"] = str(configuration.home / "template" / "berth.sqlite3")
            _migrate(configuration, database, environment)
            if not any(argument.startswith(("-n", "-p", "--pdb")) for argument in arguments):
                # Three keep two cores busy: half of the time tests wait for what they started.
                workers = "1" if database == "postgresql" and len(databases) > 1 else "2"
                options += ["-n", workers, "--dist", "loadscope", "--no-loadscope-reorder"]
            made.append(Suite(TITLES[database], [*argv, *options, *arguments], environment))
        status = suites.run(made, limit_s=int(os.environ.get("BERTH_TEST_LIMIT_S", LIMIT_S)))
    return status, made


def _migrate(configuration: Configuration, database: str, environment: dict[str, str]) -> None:
    """Makes what the tests' databases are copies of (BERTH_TEST_TEMPLATE), once for all of them."""
    with step(f"template, {database}"):
        run_logged(
            [str(PYTHON), "manage.py", "migrate", "--verbosity=0"],
            log=configuration.home / "log" / "template.log",
            env=environment | {"BERTH_HOME": str(configuration.home / "template")},
            cwd=ROOT,
            name="manage.py migrate",
            remedy="mend the migrations; tests copy the database that they make",
        )


@contextmanager
def _postgres(configuration: Configuration) -> Iterator[postgres.Postgres]:
    try:
        with postgres.running_postgres(configuration.home / "cluster", is_durable=False) as server:
            yield server
    except postgres.PostgresFailed as failed:
        raise Failure(
            f"PostgreSQL does not run: {failed}\n  run as root, its server is the user postgres, who must be able to "
            f"pass through to {configuration.home} (BERTH_TEST_HOME)"
        ) from failed


def _share_of_its_own(configuration: Configuration) -> dict[str, str]:
    """What the run on PostgreSQL may take, and share between its workers: the third share of what the other one has."""
    pool = ipaddress.ip_network(configuration.settings["BERTH_SUBNET_POOL"])
    return {
        "BERTH_HOME": str(configuration.home / "beside"),
        "BERTH_INSTALLATION": f"{configuration.name}-pg",
        "BERTH_SUBNET_POOL": str(list(pool.subnets(prefixlen_diff=2))[2]),
        "BERTH_PORT_FIRST": "26000",
        "BERTH_PORT_LAST": "26999",
        "BERTH_UID_FIRST": "350000",
        "BERTH_UID_LAST": "374999",
        "BERTH_EDGE_PORT": str(configuration.edge_port + 3),
        "BERTH_EDGE_TLS_PORT": str(configuration.edge_tls_port + 3),
    }


def _clean_up(configuration: Configuration, made: Path | None) -> list[str]:
    """Removes what the run made, also where tests were killed before they could. Returns what went wrong with that."""
    troubles = []
    try:
        for marker in configuration.home.glob(f"*/*/{home.MARKER}"):
            supervisor.stop(settings.load(marker.parent))
        processes.stop(processes.of_home(configuration.home), patience_s=5)
        if engine.answers(configuration.docker_url):
            containers.remove(configuration, with_prefix=True)
        engine.release(configuration)
    except Failure as failure:
        troubles.append(f"not cleaned up: {failure}")
    if made:
        shutil.rmtree(made, ignore_errors=True)
        if made.exists():
            troubles.append(f"not cleaned up: {made} could not be removed")
    return troubles


def _interrupt(*_: object) -> None:
    raise Interrupted
