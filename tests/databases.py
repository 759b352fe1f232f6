"""Databases beside the tests' own, for processes that a test starts: of the kind that the tests run on."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import LiteralString

import psycopg
from django.conf import settings
from psycopg import sql


def create() -> dict[str, str]:
    """The variables that give a process a database of its own, as `manage.py migrate` leaves it.

    With SQLite there are none: `seed` puts the file into the process's home.
    """
    if settings.TEST_DATABASE == "sqlite":
        return {}
    default = settings.DATABASES["default"]
    environment = {
        "BERTH_TEST_DATABASE": "postgresql",
        "BERTH_DB_HOST": default["HOST"],
        "BERTH_DB_PORT": default["PORT"],
        "BERTH_DB_USER": default["USER"],
        "BERTH_DB_PASSWORD": default["PASSWORD"],
        "BERTH_DB_NAME": f"beside_{secrets.token_hex(6)}",
    }
    _execute("CREATE DATABASE {} TEMPLATE {}", environment["BERTH_DB_NAME"], settings.TEST_TEMPLATE or "template1")
    return environment


def seed(home: Path) -> None:
    """With SQLite: what migrations would make in `home` is there before they run."""
    if settings.TEST_DATABASE == "sqlite" and settings.TEST_TEMPLATE:
        copy_template(home / "berth.sqlite3")


def copy_template(path: Path) -> None:
    path.touch(mode=0o600)
    shutil.copyfile(settings.TEST_TEMPLATE, path)


def drop(environment: Mapping[str, str]) -> None:
    """Whoever still uses it loses the connection."""
    if environment:
        _execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", environment["BERTH_DB_NAME"])


def contents(environment: Mapping[str, str]) -> bytes:
    """Every value of every row in a database that `create` made on PostgreSQL, text and bytes as they are stored."""
    with _connect(environment["BERTH_DB_NAME"]) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = bytearray()
        for (table,) in tables:
            statement = sql.SQL("COPY {} TO STDOUT WITH (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for data in copy:
                    found += data
    return bytes(found)


def _execute(statement: LiteralString, *names: str) -> None:
    with _connect("postgres") as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _connect(name: str) -> psycopg.Connection:
    default = settings.DATABASES["default"]
    return psycopg.connect(
        host=default["HOST"] or None,
        port=default["PORT"] or None,
        user=default["USER"],
        password=default["PASSWORD"] or None,
        dbname=name,
        autocommit=True,
    )
