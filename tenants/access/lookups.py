"""The lookup with which ids are compared."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Field
from django.db.models.lookups import In
from django.db.models.sql import Query


def array(ids: Iterable[int]) -> str:
    """An array of PostgreSQL's, as text: the driver takes longer to write a list."""
    return f"{{{','.join(map(str, sorted(ids)))}}}"


class AnyOf(In):
    """`in` for ids, as one array on PostgreSQL.

    Of a subquery the array is made first and looked up in an index then, also beside an OR, where `IN (subquery)` would
    be asked of each row of the table. A frozenset of ids is one parameter, which takes less time to write and to plan.
    """

    lookup_name = "any_of"

    def get_prep_lookup(self) -> Any:
        # They are ids as they are: nothing has to look at each of them.
        return self.rhs if isinstance(self.rhs, frozenset) else super().get_prep_lookup()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, Query):
            subquery, values = compiler.compile(self.rhs)
            return f"{left} = ANY(ARRAY{subquery})", [*parameters, *values]
        return f"{left} = ANY(%s::bigint[])", [*parameters, array(self.rhs)]


Field.register_lookup(AnyOf)
