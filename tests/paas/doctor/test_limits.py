"""The doctor names organizations that are near a limit."""

from typing import Any

import pytest

from paas.doctor import limits
from paas.doctor.check import Warned
from tenants.organizations.services.quotas import organization_quota_set
from tests.factories import make_app, make_operator, make_organization

pytestmark = pytest.mark.django_db


def test_an_organization_with_little_left_is_named(settings: Any) -> None:
    (check,) = limits.checks()
    organization = make_organization(slug="acme")
    assert check.run() == "no organization is near one"
    make_app(organization=organization)
    organization_quota_set(organization=organization, limits={"apps": 1}, actor=make_operator())
    with pytest.raises(Warned, match=r"apps of acme \(1 of 1\): an operator may raise limits"):
        check.run()
