"""Cedar, which knows nothing of us, decides the same worlds as we do."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given

from tenants.access import evaluation
from tenants.policies.resources import RESOURCE_TYPES
from tests.tenants.access.cedar import Facts, allowed_by_cedar
from tests.tenants.access.rows import Rows, make_rows
from tests.tenants.access.single_terms import built_in_worlds, limited_worlds, single_term_worlds
from tests.tenants.access.test_agreement import allowed_by_decide, found_by_restrict
from tests.tenants.access.worlds import SETTINGS, World, worlds

pytestmark = pytest.mark.django_db


def test_cedar_decides_as_we_do() -> None:
    rows = make_rows()
    facts = Facts.read(rows.by_type, RESOURCE_TYPES)

    @SETTINGS
    @given(world=worlds(rows))
    def agree(world: World) -> None:
        asked = rows.by_type[world.resource_type.name]
        with evaluation(world.policy_set):
            assert allowed_by_decide(world, rows) == allowed_by_cedar(world, asked, facts), repr(world)

    agree()


@pytest.mark.parametrize("worlds_of", [single_term_worlds, limited_worlds, built_in_worlds])
def test_cedar_decides_and_finds_as_we_do(worlds_of: Callable[[Rows], Iterator[World]]) -> None:
    """Every term that a condition may have, tokens for one place, and the policies that Berth comes with."""
    rows = make_rows()
    facts = Facts.read(rows.by_type, RESOURCE_TYPES)
    for world in worlds_of(rows):
        asked = rows.by_type[world.resource_type.name]
        with evaluation(world.policy_set):
            expected = allowed_by_cedar(world, asked, facts)
            assert allowed_by_decide(world, rows) == expected, repr(world)
            assert found_by_restrict(world, rows) == expected, repr(world)
