"""One question, asked about each row and asked for the rows: the answers are the same, whatever the policies."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.access import decide, evaluation, facts, restrict
from tenants.exceptions import InsufficientScope
from tests.tenants.access.rows import Rows, make_rows
from tests.tenants.access.worlds import SETTINGS, World, worlds

pytestmark = pytest.mark.django_db


def test_restrict_finds_the_rows_that_decide_allows() -> None:
    rows = make_rows()
    asked_of_the_database = st.sampled_from((facts.HELD_IN_MEMORY, 0))

    @SETTINGS
    @given(world=worlds(rows), held_in_memory=asked_of_the_database)
    def agree(world: World, held_in_memory: int) -> None:
        with evaluation(world.policy_set), holding_grants(held_in_memory):
            assert found_by_restrict(world, rows) == allowed_by_decide(world, rows), repr(world)

    agree()


def found_by_restrict(world: World, rows: Rows) -> set[int]:
    asked = rows.by_type[world.resource_type.name]
    queryset = world.resource_type.model._base_manager.filter(pk__in=[row.pk for row in asked])
    try:
        found = list(restrict(queryset, world.subject, world.action, world.context).values_list("pk", flat=True))
    except InsufficientScope:
        return set()
    assert len(found) == len(set(found)), "a row was found twice"
    return set(found)


def allowed_by_decide(world: World, rows: Rows) -> set[int]:
    asked = rows.by_type[world.resource_type.name]
    subject, context = world.subject, world.context
    return {row.pk for row in asked if decide(subject, world.action, row, context).allowed}


@contextmanager
def holding_grants(most: int) -> Iterator[None]:
    """So many grants are held in memory; more are left to the database."""
    usual = facts.HELD_IN_MEMORY
    facts.HELD_IN_MEMORY = most
    try:
        yield
    finally:
        facts.HELD_IN_MEMORY = usual
