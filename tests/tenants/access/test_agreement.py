"""One question, asked about each row and asked for the rows: the answers are the same, whatever the policies."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.access import decide, evaluation, facts, querying, restrict
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


def test_pages_and_counts_find_what_the_whole_list_has() -> None:
    rows = make_rows()

    @SETTINGS
    @given(world=worlds(rows), few=st.sampled_from((querying.FEW, 3, 0)))
    def agree(world: World, few: int) -> None:
        with evaluation(world.policy_set), looking_up_by_id(few):
            queryset = world.resource_type.model._base_manager.order_by("-pk")
            try:
                shown = restrict(queryset, world.subject, world.action, world.context)
            except InsufficientScope:
                return
            whole = list(shown.values_list("pk", flat=True))
            assert shown.count() == len(whole), repr(world)
            assert [row.pk for row in (*shown[:2], *shown[2:7])] == whole[:7], repr(world)
            assert shown.exclude(pk__in=whole[:2]).count() == len(whole[2:]), repr(world)

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
def looking_up_by_id(most: int) -> Iterator[None]:
    """Pages are found by their ids for who sees so many rows."""
    usual = querying.FEW
    querying.FEW = most
    try:
        yield
    finally:
        querying.FEW = usual


@contextmanager
def holding_grants(most: int) -> Iterator[None]:
    """So many grants are held in memory; more are left to the database."""
    usual = facts.HELD_IN_MEMORY
    facts.HELD_IN_MEMORY = most
    try:
        yield
    finally:
        facts.HELD_IN_MEMORY = usual
