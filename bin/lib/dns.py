"""The name server for the apps' names: PowerDNS with its SQLite backend, its configuration, and its database.

All of it stands in `dns/` in the home. Started as root it goes on as the user `pdns` of Debian's package, locked up in
that directory, so all its paths are relative to it.
"""

import os
import pwd
import shutil
import sqlite3
from pathlib import Path

from lib import configuration as settings
from lib import files
from lib.configuration import SEARCH_PATH, Configuration

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
DATABASE = "pdns.sqlite3"
USER = "pdns"


def argv() -> list[str]:
    """To be run in `directory`. It has no secret."""
    return [shutil.which("pdns_server", path=SEARCH_PATH) or "pdns_server", "--config-dir=."]


def directory(configuration: Configuration) -> Path:
    return configuration.home / "dns"


def make(configuration: Configuration) -> None:
    """Writes the configuration, and makes the database where there is none. Keeps what stands in it."""
    place = directory(configuration)
    user = _user()
    key = settings.secret(configuration, "BERTH_DNS_API_KEY")
    files.replace(place / "pdns.conf", render(configuration, api_key=key, user=user), mode=0o600)
    made = [] if (place / DATABASE).exists() else [_make_database(place)]
    if user:
        for path in (place, *made):
            shutil.chown(path, user, user)


def render(configuration: Configuration, *, api_key: str, user: str | None) -> str:
    """The text of `pdns.conf`: two listeners, little memory, nothing from the past in an answer, no call home."""
    return "\n".join(
        [
            "# Written by bin/up at each start.",
            "launch=gsqlite3",
            f"gsqlite3-database={DATABASE}",
            # NORMAL: with a write-ahead log nothing is torn when the machine loses power.
            "gsqlite3-pragma-synchronous=1",
            "gsqlite3-dnssec=no",
            f"local-address={configuration.dns_address}",
            f"local-port={configuration.dns_port}",
            "webserver=yes",
            "webserver-address=127.0.0.1",
            f"webserver-port={configuration.dns_api_port}",
            "webserver-allow-from=127.0.0.1",
            # It would log each request, and show its statistics to every user of the machine.
            "webserver-loglevel=none",
            f"webserver-password={api_key}",
            "webserver-hash-plaintext-credentials=yes",
            "api=yes",
            f"api-key={api_key}",
            # A change counts at once.
            "cache-ttl=0",
            "query-cache-ttl=0",
            "negquery-cache-ttl=0",
            "zone-cache-refresh-interval=0",
            "zone-metadata-cache-ttl=0",
            "receiver-threads=1",
            "distributor-threads=1",
            "retrieval-threads=1",
            "signing-threads=1",
            "max-cache-entries=1000",
            "max-packet-cache-entries=1000",
            "disable-axfr=yes",
            "security-poll-suffix=",
            "version-string=anonymous",
            "disable-syslog=yes",
            "write-pid=no",
            *(["chroot=.", "socket-dir=/", f"setuid={user}", f"setgid={user}"] if user else ["socket-dir=."]),
            "",
        ]
    )


def _user() -> str | None:
    """Who the name server goes on as, where it is started as root."""
    if os.geteuid() != 0:
        return None
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name == USER), None)


def _make_database(place: Path) -> Path:
    """An empty one with the schema of the installed package. Half of one is never taken for it."""
    partial = place / f".{DATABASE}.{os.getpid()}"
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    connection = sqlite3.connect(partial)
    try:
        connection.executescript(SCHEMA.read_text())
        # It stays: readers and the one writer don't wait for each other.
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    return partial.replace(place / DATABASE)
