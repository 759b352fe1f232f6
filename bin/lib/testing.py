"""bin/test: sets up what the tests need, runs every check and the tests, and leaves nothing behind."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from lib import configuration as settings
from lib import containers, engine, home, packages, processes, setup, supervisor
from lib.configuration import PYTHON, ROOT, Configuration
from lib.console import Failure, Interrupted, say, step

DEFAULTS = {
    "BERTH_INSTALLATION": "berthtest",
    "BERTH_SUBNET_POOL": "10.214.0.0/16",
    "BERTH_WEB_PORT": "18000",
    "BERTH_EDGE_PORT": "18080",
}
LIMIT_S = 1200
BINARIES = PYTHON.parent
CHECKS = {
    "ruff check": [str(BINARIES / "ruff"), "check", "."],
    "ruff format": [str(BINARIES / "ruff"), "format", "--check", "."],
    "mypy": [str(BINARIES / "mypy")],
    "mypy bin": [str(BINARIES / "mypy"), "--config-file=", "--strict", "--package", "lib"],
    "import-linter": [str(BINARIES / "lint-imports")],
    "migrations": [str(PYTHON), "manage.py", "makemigrations", "--check", "--dry-run"],
}


def main() -> int:
    arguments, for_pytest = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if not arguments.install:
        packages.refuse_missing(packages.TESTS)
    with engine.one_test_run(os.environ.get("BERTH_INSTALLATION", DEFAULTS["BERTH_INSTALLATION"])):
        return _run(arguments, for_pytest)


def _run(arguments: argparse.Namespace, for_pytest: list[str]) -> int:
    """Sets up, checks, tests, cleans up. pytest's last line is the last one, also where something else failed."""
    made = None
    if "BERTH_TEST_HOME" in os.environ:
        where = Path(os.environ["BERTH_TEST_HOME"]).resolve()
    else:
        where = made = Path(tempfile.mkdtemp(prefix="berth-test-"))
    configuration = _configuration(where)
    closing = ""
    try:
        home.make(configuration)
        settings.write(configuration)
        (configuration.home / "tmp").mkdir(exist_ok=True)
        setup.machine(configuration, packages.TESTS, "development")
        setup.manage(configuration, ["build_images"])
        failed = [] if arguments.only_pytest else _check(configuration)
        say()
        status, closing = _pytest(configuration, for_pytest)
    finally:
        troubles = _clean_up(configuration, made)
    for trouble in troubles:
        say(trouble)
    if failed:
        say(f"FAILED checks: {', '.join(failed)} (their output stands above the tests')")
    if troubles or failed:
        say(closing)
    return 1 if failed or troubles else status


def _parse() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="bin/test",
        usage="bin/test [-h] [--no-install] [--only-pytest] [ARGUMENT FOR PYTEST ...]",
        description="Sets up what the tests need, and runs ruff, mypy, import-linter, the check for missing "
        "migrations, and pytest on the real Docker Engine, nginx, git and Redis. Leaves nothing behind.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-install",
        dest="install",
        action="store_false",
        help="install no system packages: print those that are missing and exit with status 2",
    )
    parser.add_argument("--only-pytest", action="store_true", help="leave out the checks before the tests")
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
    return environment | {
        "DJANGO_SETTINGS_MODULE": "paas.settings.test",
        "CI": os.environ.get("CI", ""),
        "MYPYPATH": "bin",
        "TMPDIR": str(configuration.home / "tmp"),
        "BERTH_TEST_WEB_PORT": web_port,
        "BERTH_TEST_EDGE_PORT": edge_port,
        # The tests' own edges: one port for each worker, above the platform's.
        "BERTH_EDGE_PORT": str(int(edge_port) + 1),
    }


def _check(configuration: Configuration) -> list[str]:
    """Runs all checks, whatever the first ones say, and returns the names of those that failed."""
    failed = []
    for name, argv in CHECKS.items():
        with step(name) as current:
            result = subprocess.run(
                argv,
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


def _pytest(configuration: Configuration, arguments: list[str]) -> tuple[int, str]:
    """Runs pytest and returns its status and its last line. Ends it where it takes longer than the limit."""
    argv = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={configuration.home / 't'}"]
    if not any(argument.startswith(("-n", "-p", "--pdb")) for argument in arguments):
        argv += ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"]
    if sys.stdout.isatty():
        argv.append("--color=yes")
    running = subprocess.Popen(
        argv + arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=ROOT,
        env=_environment(configuration),
        start_new_session=True,
    )
    limit_s = int(os.environ.get("BERTH_TEST_LIMIT_S", LIMIT_S))
    timer = threading.Timer(limit_s, _end, [running])
    timer.start()
    started = time.monotonic()
    closing = ""
    try:
        for line in running.stdout or []:
            print(line, end="", flush=True)
            closing = line.rstrip() or closing
        status = running.wait()
    except BaseException:
        _end(running)
        raise
    finally:
        timer.cancel()
    if time.monotonic() - started > limit_s:
        raise Failure(f"the tests took longer than {limit_s} s and were ended")
    return status, closing


def _end(running: "subprocess.Popen[str]") -> None:
    """Ends pytest and everything it started in its session."""
    try:
        os.killpg(running.pid, signal.SIGINT)
        running.wait(timeout=20)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


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
