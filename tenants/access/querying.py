"""Lists whose rows may be seen for one reason or another: how they are counted, and how a page of them is found.

PostgreSQL is good at `organization = ANY(...) OR id = ANY(...)`, but for two things. It counts by reading each row,
where each alternative alone is counted in its index. And for a page it walks the index of the order until the page is
full, for it takes sorting the few hundred rows that somebody sees for dearer than passing ten thousand others.
"""

import time
from itertools import chain
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Count, Field, ForeignKey, Model, Q, QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql import Query
from django.db.models.sql.where import OR, WhereNode

from tenants.access.lookups import AnyOf, array
from tenants.access.prepared_queries import cursor_that_prepares

Row = TypeVar("Row", bound=Model)
# Who sees no more rows than this gets a page of them by their ids.
FEW = 1_000
# Whose alternatives name more organizations than this is taken to see more than few rows, without a look.
MOST_LOOKED_AT = 25
LOOK_AGAIN_S = 60
MOST_REMEMBERED = 10_000
# When it was looked at, and whether they were few.
_looked_at: dict[tuple[Any, ...], tuple[float, bool]] = {}


def narrowed(queryset: QuerySet[Row], constraint: Q, organization: str) -> QuerySet[Row]:
    """`queryset.filter(constraint)`: the same rows, however the answer is asked for more.

    `organization` is the relation whose alternative is counted on its own. It is that filter and no more where nothing
    is gained by another: the queryset is narrow already, there is but one alternative, or one of them compares anything
    but a column of the row itself with ids.
    """
    query = queryset.query
    is_whole = not (query.where or query.annotations or query.is_sliced or query.combinator)
    if not is_whole or type(query) is not Query or query.get_initial_alias() != query.get_meta().db_table:
        return queryset.filter(constraint)
    # What both hold: the alternatives, and what is denied.
    conditions: list[Any] = constraint.children if _is_both(constraint) else [constraint]
    places = [place for place, node in enumerate(conditions) if isinstance(node, Q) and node.connector == Q.OR]
    alternatives = _comparisons(query, conditions[places[0]]) if len(places) == 1 else []
    first = [one for one in alternatives if one.lhs.target.name == organization and not one.lhs.target.null]
    if len(first) != 1:
        return queryset.filter(constraint)
    others = [one for one in alternatives if one is not first[0]]
    rest = [node for place, node in enumerate(conditions) if place != places[0]]
    found = queryset.filter(*rest) if rest else queryset.all()
    found.query = found.query.chain(_InParts)
    found.query.where.children.append(Alternatives([*first, *others], connector=OR))
    return found


def _is_both(constraint: Q) -> bool:
    return constraint.connector == Q.AND and not constraint.negated


def _comparisons(query: Query, alternatives: Q) -> list[Any]:
    """As the ORM would make them of columns of the row itself that name rows; none if one is anything else."""
    if alternatives.negated:
        return []
    found = []
    for one in alternatives.children:
        if isinstance(one, Q) and len(one.children) == 1 and not one.negated:
            one = one.children[0]
        made = _comparison(query, *one) if isinstance(one, tuple) else None
        if made is None:
            return []
        found.append(made)
    return found


def _comparison(query: Query, path: str, value: Any) -> AnyOf | Exact | None:
    name, *more = path.split("__")
    meta = query.get_meta()
    field = meta.pk if name == "pk" else meta.get_field(name)
    if more[:1] == ["pk"]:
        more = more[1:]
    if not isinstance(field, Field) or not (field.primary_key or isinstance(field, ForeignKey)):
        return None
    column = Col(meta.db_table, field)
    if more == [AnyOf.lookup_name] and isinstance(value, frozenset):
        return AnyOf(column, value)
    return Exact(column, value) if more in ([], ["exact"]) and type(value) is int else None


class Alternatives(WhereNode):
    """Any of several comparisons with ids, the first of which is never NULL."""

    children: list[Any]

    @property
    def named(self) -> list[Any]:
        """Those that name the rows themselves."""
        return [one for one in self.children if one.lhs.target.primary_key]

    @property
    def related(self) -> list[Any]:
        return [one for one in self.children if not one.lhs.target.primary_key]

    @property
    def parts(self) -> tuple[WhereNode, WhereNode]:
        """What the first finds, and what the others find beyond that."""
        first, others = self.children[:1], WhereNode(self.children[1:], connector=OR)
        return WhereNode(first), WhereNode([WhereNode(first, negated=True), others])


class _ById(WhereNode):
    """Alternatives whose ids are found first and looked up then, where the database is PostgreSQL."""

    children: list[Any]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        alternatives = Alternatives(self.children)
        meta = compiler.query.get_meta()
        pk, table = (connection.ops.quote_name(name) for name in (meta.pk.column, meta.db_table))
        related, values = compiler.compile(WhereNode(alternatives.related, connector=OR))
        named = array(chain.from_iterable(map(_ids, alternatives.named)))
        found = f"ARRAY(SELECT {pk} FROM {table} WHERE {related})"  # noqa: S608 - no text but Django's own
        return f"{table}.{pk} = ANY({found} || %s::bigint[])", [*values, named]


class _InParts(Query):
    """A query with one node of `Alternatives` among its conditions, or with none any more."""

    def get_count(self, using: str) -> int:
        place = self._place()
        is_of_rows = not (self.annotations or self.distinct or self.is_sliced or self.combinator)
        if place is None or not is_of_rows:
            return super().get_count(using)
        try:
            counts = [_count(self._with(place, part), using) for part in self._alternatives(place).parts]
        except EmptyResultSet:
            return super().get_count(using)
        (first, values), (others, more_values) = counts
        # Of conditions from elsewhere nobody knows whether one plan is as good for all their values.
        is_plain = len(self.where.children) == 1
        connection = connections[using]
        with cursor_that_prepares(connection) if is_plain else connection.cursor() as cursor:
            cursor.execute(f"SELECT ({first}) + ({others})", [*values, *more_values])
            return int(cursor.fetchone()[0])

    def get_compiler(self, using: str | None = None, connection: Any = None, elide_empty: bool = True) -> Any:
        """Where more than one row is asked for, and in an order, the database is asked first whether there are few."""
        query: Query = self
        place = self._place() if self._is_page else None
        if place is not None:
            alternatives = self._alternatives(place)
            if self._finds_few(alternatives, connection or connections[using or "default"]):
                query = self._with(place, _ById([*alternatives.children], OR))
        return Query.get_compiler(query, using, connection, elide_empty)

    @property
    def _is_page(self) -> bool:
        if self.high_mark is None or self.high_mark - self.low_mark <= 1:
            return False
        if self.subquery or self.combinator or self.group_by is not None:
            return False
        return bool(self.order_by or (self.default_ordering and self.get_meta().ordering))

    def _place(self) -> int | None:
        """Where the alternatives stand among the conditions, all of which must hold."""
        places = [place for place, node in enumerate(self.where.children) if isinstance(node, Alternatives)]
        return places[0] if len(places) == 1 and self.where.connector != OR and not self.where.negated else None

    def _alternatives(self, place: int) -> Alternatives:
        found: Any = self.where.children[place]
        return found

    def _with(self, place: int, node: Any) -> Query:
        changed = self.clone()
        changed.where.children[place] = node
        return changed

    def _finds_few(self, alternatives: Alternatives, connection: Any) -> bool:
        """Looked at once a minute, in one query which reads no more than `FEW` entries of indexes. Who has come to see
        many meanwhile waits longer for a page, which is the right one either way.
        """
        if not all(map(_ids, alternatives.children)):
            return False
        left = FEW - sum(len(_ids(one)) for one in alternatives.named)
        if left < 0 or sum(len(_ids(one)) for one in alternatives.related) > MOST_LOOKED_AT:
            return False
        key = (connection.alias, self.model, left, *((one.lhs.target, _ids(one)) for one in alternatives.related))
        now = time.monotonic()
        seen = _looked_at.get(key)
        if seen is None or now - seen[0] > LOOK_AGAIN_S:
            seen = now, not self._has_more_than(left, alternatives.related, connection)
            if len(_looked_at) >= MOST_REMEMBERED:
                _looked_at.clear()
            _looked_at[key] = seen
        return seen[1]

    def _has_more_than(self, most: int, comparisons: list[Any], connection: Any) -> bool:
        compiler = Query(self.model).get_compiler(connection=connection)
        table = compiler.quote_name_unless_alias(self.get_meta().db_table)
        conditions = [compiler.compile(one) for one in comparisons]
        rows = " UNION ALL ".join(f"SELECT 1 AS one FROM {table} WHERE {sql}" for sql, _ in conditions)  # noqa: S608
        values = [*chain.from_iterable(values for _, values in conditions), most]
        with cursor_that_prepares(connection) as cursor:
            cursor.execute(f"SELECT 1 FROM ({rows}) AS found LIMIT 1 OFFSET %s", values)  # noqa: S608 - Django's text
            return cursor.fetchone() is not None


def _count(query: Query, using: str) -> tuple[str, tuple[Any, ...]]:
    """The statement that counts the rows of `query`, which is given up for it. Raises `EmptyResultSet`."""
    query.clear_ordering(force=True)
    query.select_related, query.select_for_update, query.default_cols, query.select = False, False, False, ()
    query.annotations = {"found": Count("*")}
    query.set_annotation_mask({"found"})
    sql, parameters = query.get_compiler(using).as_sql()
    return sql, tuple(parameters)


def _ids(comparison: Any) -> frozenset[int]:
    """The ids that it names; none where those are a subquery's."""
    if isinstance(comparison, Exact):
        return frozenset([comparison.rhs])
    return comparison.rhs if isinstance(comparison.rhs, frozenset) else frozenset()
