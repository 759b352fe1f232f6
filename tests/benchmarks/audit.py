"""Chained writes a second by eight processes on PostgreSQL, against the same writes without a chain in the same run."""

import os
import subprocess
import sys
import time

import psycopg

from bin.lib.postgres import running_postgres
from paas.settings.env import ROOT
from tests.benchmarks.figures import Figure, Target, paired
from tests.benchmarks.stage import Stage

WRITERS = 8
ROUNDS = 7
ROUND_S = 3.0
UNCHAINED, ONE_CHAIN, SPREAD = "unchained", "one chain", "a chain each"
# One chain is one row that all writers wait for; with a chain each they only hash.
AT_LEAST = {ONE_CHAIN: Target("ratio", ">=", 0.45), SPREAD: Target("ratio", ">=", 0.7)}
WRITER = "tests.benchmarks.audit_writer"


def measure(stage: Stage) -> list[Figure]:
    """Every commit reaches the disk. The chains are verified at the end, with the program that operators run."""
    with running_postgres(stage.directory / "postgres") as postgres:
        measured = os.environ | postgres.environment | {"DJANGO_SETTINGS_MODULE": "paas.settings.test"}
        _run(measured, "manage.py", "migrate", "--verbosity=0")
        _run(measured, "-m", WRITER, "prepare")
        # What is written without a chain is written elsewhere: the verification would stumble over it.
        unchained = measured | {"BERTH_DB_NAME": "unchained"}
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE unchained TEMPLATE berth")
        rates: dict[str, list[float]] = {UNCHAINED: [], ONE_CHAIN: [], SPREAD: []}
        # In turn, so that whatever else the machine does meets all of them.
        for _ in range(ROUNDS):
            for mode, found in rates.items():
                found.append(_rate(unchained if mode == UNCHAINED else measured, mode))
                stage.say(f"  {mode}: {found[-1]:,.0f} writes a second")
        heads = _run(measured, "manage.py", "verify_audit").splitlines()
        events = sum(int(head.split(":")[1]) for head in heads)
        stage.say(f"  {events:,} events in {len(heads)} chains are as they were written")
    reference = f"the same rows and events, written without hashes and heads, by {WRITERS} processes"
    return [
        paired(
            f"chained writes, {mode}",
            list(zip(rates[mode], rates[UNCHAINED], strict=True)),
            "a second",
            reference,
            target,
        )
        for mode, target in AT_LEAST.items()
    ]


def _rate(environment: dict[str, str], mode: str) -> float:
    """Writes a second. All writers start together, once all are ready."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", WRITER, mode, str(index), str(ROUND_S)],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(WRITERS)
    ]
    try:
        for writer in writers:
            _said(writer)
        started = time.monotonic()
        for writer in writers:
            _tell(writer)
        written = sum(int(_said(writer)) for writer in writers)
        return written / (time.monotonic() - started)
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def _said(writer: "subprocess.Popen[str]") -> str:
    line = writer.stdout.readline().strip() if writer.stdout else ""
    if not line:
        raise RuntimeError("a writer ended early: its error is above")
    return line


def _tell(writer: "subprocess.Popen[str]") -> None:
    if writer.stdin:
        writer.stdin.write("go\n")
        writer.stdin.flush()


def _run(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
