"""Shared by the tests of quotas."""

import pytest

from tenants.models import Organization
from tenants.organizations.services.quotas import organization_quota_set
from tests.factories import (
    make_operator,
    make_organization,
)


@pytest.fixture
def organization() -> Organization:
    return make_organization()


def limit(organization: Organization, **limits: int | None) -> None:
    organization_quota_set(organization=organization, limits=limits, actor=make_operator())
