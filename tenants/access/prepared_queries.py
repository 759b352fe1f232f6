"""Queries that are asked with every request, as SQL that is written once and, on PostgreSQL, planned once a connection.

The ORM takes several times as long to write them, and the database to plan them, as to answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet


@dataclass(frozen=True)
class KeptQuery:
    """`make` gives the query for one value. `stand_in` is a value of its type that nothing else in the query has."""

    make: Callable[[Any], QuerySet[Any, tuple[Any, ...]]]
    stand_in: Any

    def rows(self, value: Any, most: int | None = None) -> list[tuple[Any, ...]]:
        """As the database driver gives them; `most` of them, if given."""
        sql, parameters = _written(self, connection.vendor)
        if most is not None:
            sql = f"{sql} LIMIT {most:d}"
        with cursor_that_prepares(connection) as cursor:
            cursor.execute(sql, [value if parameter == self.stand_in else parameter for parameter in parameters])
            return list(cursor.fetchall())


def cursor_that_prepares(connection: Any) -> Any:
    """As `connection.cursor()`. On PostgreSQL a statement is prepared when it comes again, as often as the connection's
    option `prepare_threshold` says, and the plan is kept then. Django's own cursors write parameters into statements,
    which is what is wanted where those are logged.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    return connection._prepare_cursor(connection.Database.Cursor(connection.connection))


@cache
def _written(query: KeptQuery, _vendor: str) -> tuple[str, tuple[Any, ...]]:
    sql, parameters = query.make(query.stand_in).query.sql_with_params()
    return sql, tuple(parameters)
