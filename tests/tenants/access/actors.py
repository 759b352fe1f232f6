"""Shared by the tests of four eyes."""

import pytest

from tenants import access
from tenants.exceptions import NotPermitted
from tenants.models import (
    Release,
    User,
)


def own(release: Release, user: User) -> str:
    with pytest.raises(NotPermitted) as refused:
        access.require(user, "release.approve", release)
    assert refused.value.code == "own_release"
    return refused.value.detail
