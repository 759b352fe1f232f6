"""Shared by the tests of own code."""

import pytest

from tenants.models import User
from tests.attacks.authors.conftest import API, House
from tests.factories import (
    api_client,
    make_member,
    make_reviewer,
)


@pytest.fixture
def rita(house: House) -> User:
    """A reviewer who pushed once, and has left since something of it was approved."""
    rita = make_member(house.app.organization, user=make_reviewer())
    house.work_of(rita)
    return rita


def leave(house: House, user: User) -> None:
    answer = api_client(user).delete(f"{API}/organizations/{house.app.organization.slug}/members/{user.username}/")
    assert answer.status_code == 204, answer.json()
