"""The private PostgreSQL of tests and benchmarks: it is there, and nothing of it is left, however its user ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bin.lib.postgres import PostgresFailed, running_postgres

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import json, sys, time
from pathlib import Path
from bin.lib.postgres import running_postgres

with running_postgres(Path(sys.argv[1]), is_durable=False) as server:
    print(json.dumps([server.dsn, str(server.socket_directory)]), flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server's user may pass through to; pytest's own directories are for their owner alone."""
    made = tmp_path_factory.mktemp("place")
    closed = [path for path in made.parents if path.stat().st_mode & 0o1 == 0]
    modes = [(path, path.stat().st_mode) for path in (made, *closed)]
    for path, mode in modes:
        path.chmod(mode | 0o1)
    yield made
    for path, mode in modes:
        path.chmod(mode)


def shown(dsn: str, *names: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names]  # type: ignore[index, arg-type]


def is_gone(directory: Path, sockets: Path) -> bool:
    commands = Path("/proc").glob("[0-9]*/cmdline")
    return not (directory.exists() or sockets.exists() or any(str(directory) in _text(path) for path in commands))


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_it_listens_on_a_socket_alone_and_goes_without_a_trace(place: Path) -> None:
    with running_postgres(place / "cluster") as server:
        assert shown(server.dsn, "listen_addresses", "fsync", "synchronous_commit") == ["", "on", "on"]
        assert server.environment["BERTH_DB_HOST"] == str(server.socket_directory)
        assert server.socket_directory.stat().st_mode & 0o077 == 0
    assert is_gone(place / "cluster", server.socket_directory)


def test_tests_may_have_it_without_durability(place: Path) -> None:
    with running_postgres(place / "cluster", is_durable=False) as server:
        assert shown(server.dsn, "fsync", "synchronous_commit", "full_page_writes") == ["off"] * 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_goes_with_a_user_who_is_killed(place: Path, number: signal.Signals) -> None:
    argv = [sys.executable, "-c", HOLD, str(place / "cluster")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as holder:
        assert holder.stdout is not None
        dsn, sockets = json.loads(holder.stdout.readline())
        assert shown(dsn, "fsync") == ["off"]
        holder.send_signal(number)
    deadline = time.monotonic() + 30
    while not is_gone(place / "cluster", Path(sockets)):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)


def test_a_directory_that_is_there_is_refused_and_left_alone(place: Path) -> None:
    (place / "file").write_text("kept")
    with pytest.raises(PostgresFailed, match="File exists"), running_postgres(place):
        pass
    assert (place / "file").read_text() == "kept"
