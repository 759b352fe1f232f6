"""Cedar, which knows nothing of us, decides the same worlds as we do."""

import pytest
from hypothesis import given

from tenants.access import evaluation
from tenants.resources import RESOURCE_TYPES
from tests.tenants.access.cedar import Facts, allowed_by_cedar
from tests.tenants.access.rows import make_rows
from tests.tenants.access.single_terms import single_term_worlds
from tests.tenants.access.test_agreement import allowed_by_decide
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


def test_cedar_takes_every_term_for_the_same() -> None:
    rows = make_rows()
    facts = Facts.read(rows.by_type, RESOURCE_TYPES)
    for world in single_term_worlds(rows):
        asked = rows.by_type[world.resource_type.name]
        with evaluation(world.policy_set):
            assert allowed_by_decide(world, rows) == allowed_by_cedar(world, asked, facts), repr(world)
