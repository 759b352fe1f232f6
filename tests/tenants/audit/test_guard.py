"""The watch over units of work, on units that keep silent for it."""

import pytest

from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.models import Organization
from tests.tenants.audit.guard import SILENT_TABLES, audited_tables, watched_units


@pytest.fixture(autouse=True)
def every_unit_tells_what_it_changed() -> None:
    """Not here: these units keep silent on purpose."""


def test_silent_tables_are_there() -> None:
    assert not SILENT_TABLES.keys() & audited_tables()
    assert {"tenants_organization", "tenants_user_groups", "provisioning_operation"} <= audited_tables()


@unit_of_work
def rename(organization: Organization, name: str, *, is_told: bool) -> None:
    Organization.objects.filter(pk=organization.pk).update(name=name)
    if is_told:
        audit_record(action="organization.renamed", message=f"renamed to {name}", organization=organization)


@unit_of_work
def rename_and_fail(organization: Organization) -> None:
    rename(organization, "Lost", is_told=False)
    raise ZeroDivisionError


@pytest.mark.django_db
def test_the_watch_sees_a_unit_that_kept_silent() -> None:
    organization = Organization.objects.create(name="Acme", slug="acme")
    with watched_units() as silent:
        rename(organization, "Told", is_told=True)
        assert silent == []
        rename(organization, "Silent", is_told=False)
        assert silent == ["tenants_organization"]
        with unit_of_work():
            rename(organization, "Silent in another", is_told=False)
            assert len(silent) == 1
        with pytest.raises(ZeroDivisionError):
            rename_and_fail(organization)
        with unit_of_work():
            Organization.objects.filter(slug="nobody").update(name="None")
    assert silent == ["tenants_organization"] * 2
