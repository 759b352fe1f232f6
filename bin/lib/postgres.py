"""A private PostgreSQL from Debian's package, for tests and benchmarks: a cluster of its own on a unix socket.

`running_postgres` is for those who need one. The server itself is kept by this file run as a program, which stops it
and removes its files as soon as its standard input ends: also when whoever asked for it was killed.
Standard library alone, and nothing of `lib`, so that `tests` import it as `bin.lib.postgres`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VERSIONS = Path("/usr/lib/postgresql")
# The package's user: the server refuses to run as root.
SERVER_USER = "postgres"
DATABASE = DATABASE_USER = "berth"
# What a crash would cost is of no interest to tests.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """The server could not be set up or started; the message says why, with the end of its output."""


@dataclass(frozen=True)
class Postgres:
    """A running server with the empty database `berth`; who may open the socket may do everything, without password."""

    socket_directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """With this, `paas.settings.test` and `paas.settings.production` use the database `berth`."""
        return {
            "BERTH_TEST_DATABASE": "postgresql",
            "BERTH_DB_HOST": str(self.socket_directory),
            "BERTH_DB_NAME": DATABASE,
            "BERTH_DB_USER": DATABASE_USER,
        }

    @property
    def dsn(self) -> str:
        """For `psycopg.connect`."""
        return f"host={self.socket_directory} dbname={DATABASE} user={DATABASE_USER}"


def binaries() -> Path | None:
    """The directory of the newest PostgreSQL server on this machine, which is not on the PATH; None without one."""
    found = [path for path in VERSIONS.glob("*/bin") if (path / "initdb").exists() and (path / "postgres").exists()]
    return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)], default=None)


@contextmanager
def running_postgres(directory: Path, *, is_durable: bool = True) -> Iterator[Postgres]:
    """Makes a cluster in `directory`, which must not exist yet, and removes it at the end.

    `is_durable` keeps PostgreSQL's defaults for what reaches the disk; without it commits are faster than any real
    server's. Run as root, the server is the user `postgres`, who must be able to pass through to `directory`.
    Raises `PostgresFailed`.
    """
    if binaries() is None:
        raise PostgresFailed("there is no PostgreSQL server: apt-get install --no-install-recommends postgresql")
    keeper = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).resolve()), str(directory), "durable" if is_durable else "fast"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C reaches its caller, who still has connections to close.
        start_new_session=True,
    )
    try:
        said, _, text = (keeper.stdout.read() if keeper.stdout else "").partition(" ")
        if said != "ready":
            raise PostgresFailed(text.strip() or "it ended without a word")
        yield Postgres(socket_directory=Path(text.strip()))
    finally:
        if keeper.stdin:
            keeper.stdin.close()
        keeper.wait()


def main(directory: Path, *, is_durable: bool) -> int:
    """Says `ready` and the socket's directory once the server takes connections, and keeps it until stdin ends."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    sockets = Path(tempfile.mkdtemp(prefix="berth-pg-", dir="/tmp"))  # 0700, and short: a socket's path has an end
    cluster = Cluster(binaries=binaries() or Path(), directory=directory, sockets=sockets)
    try:
        directory.mkdir(mode=0o700)
    except OSError as error:
        _tell(f"failed {error}")
        sockets.rmdir()
        return 1
    try:
        cluster.start(is_durable=is_durable)
        _tell(f"ready {sockets}")
        sys.stdin.read()
        return 0
    except PostgresFailed as error:
        _tell(f"failed {error}")
        return 1
    finally:
        cluster.stop()
        shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)


def _tell(text: str) -> None:
    """The one thing that is said: the reader waits for the end of the output."""
    print(text, flush=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())


@dataclass(frozen=True)
class Cluster:
    """The server's programs, its data and its socket. Nothing of it is kept, so it is stopped without a checkpoint."""

    binaries: Path
    directory: Path
    sockets: Path

    def start(self, *, is_durable: bool) -> None:
        if os.geteuid() == 0:
            for path in (self.directory, self.sockets):
                shutil.chown(path, SERVER_USER, SERVER_USER)
        # Text is compared byte by byte, as SQLite does it.
        locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
        self._run("initdb", f"--username={DATABASE_USER}", "--auth=trust", "--no-sync", *locale)
        parameters = {"listen_addresses": "", "unix_socket_directories": str(self.sockets)}
        parameters |= {} if is_durable else NOT_DURABLE
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in parameters.items())
        self._run("pg_ctl", "start", "--wait", f"--log={self.directory / 'log'}")
        self._run("createdb", f"--host={self.sockets}", f"--username={DATABASE_USER}", DATABASE, in_data=False)

    def stop(self) -> None:
        """Does nothing where no server runs."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _run(self, program: str, *arguments: str, in_data: bool = True) -> None:
        result = subprocess.run(
            [str(self.binaries / program), *([f"--pgdata={self._data}"] if in_data else []), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd="/",
            user=SERVER_USER if os.geteuid() == 0 else None,
            group=SERVER_USER if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            check=False,
        )
        if result.returncode != 0:
            log = self.directory / "log"
            ended = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise PostgresFailed(f"{program} ended with {result.returncode}: {result.stdout.strip()}\n{ended}".strip())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), is_durable=sys.argv[2] == "durable"))
