"""Limits of an organization: members see them, operators set them, and a refusal says who helps."""

import pytest

from tenants.models import Organization, Quota
from tenants.organizations.selectors import usage_of
from tenants.organizations.services.quotas import organization_quota_set, person_quota_set
from tests.factories import make_app, make_member, make_operator, make_organization, make_reviewer, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    return make_organization(slug="acme")


def test_members_see_use_and_limit_and_only_operators_a_way_to_change_it(
    visit: Visit, organization: Organization
) -> None:
    make_app(organization=organization)
    organization_quota_set(organization=organization, limits={"apps": 1}, actor=make_operator())
    text = visit(make_member(organization)).get("/organizations/acme/").content.decode()
    assert '<th scope="row">Apps</th><td>1 <span class="state state-warned">none left</span></td><td>1 ' in text
    assert "/organizations/acme/limits/" not in text
    assert "/organizations/acme/limits/" in visit(make_operator()).get("/organizations/acme/").content.decode()


def test_an_operator_sets_limits_and_an_empty_field_is_the_installations_own(
    visit: Visit, organization: Organization
) -> None:
    client = visit(make_operator())
    names = {usage.name: "" for usage in usage_of(organization)}
    answer = client.post("/organizations/acme/limits/", names | {"apps": "3", "domains": "0"})
    assert answer["Location"] == "/organizations/acme/"
    assert dict(Quota.objects.values_list("name", "limit")) == {"apps": 3, "domains": 0}
    assert 'name="apps" value="3"' in client.get("/organizations/acme/limits/").content.decode()
    client.post("/organizations/acme/limits/", names)
    assert not Quota.objects.exists()


@pytest.mark.parametrize("value", ["-1", "x", "1000001", "1.5", "9" * 40])
def test_a_value_that_is_no_limit_is_refused_beside_its_field(
    visit: Visit, organization: Organization, value: str
) -> None:
    answer = visit(make_operator()).post("/organizations/acme/limits/", {"apps": value, "domains": "7"})
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["apps"]
    assert 'value="7"' in answer.content.decode()
    assert not Quota.objects.exists()


def test_people_who_may_not_set_limits_find_no_page_and_are_refused(visit: Visit, organization: Organization) -> None:
    for person in (owner_of(organization), make_reviewer()):
        client = visit(person)
        assert client.get("/organizations/acme/limits/").status_code == 404
        assert client.post("/organizations/acme/limits/", {"apps": "99"}).status_code == 403
    assert not Quota.objects.exists()


def test_the_page_names_the_full_limit_and_the_helper_and_keeps_the_typed_text(
    visit: Visit, organization: Organization
) -> None:
    owner = owner_of(organization)
    organization_quota_set(organization=organization, limits={"apps": 0}, actor=make_operator())
    person_quota_set(user=owner, limits={"organizations": 1}, actor=make_operator())
    client = visit(owner)
    sent = {"organization": "acme", "name": "Tide watch", "slug": "tide", "stack": "php"}
    answer = client.post("/apps/new/", sent)
    assert answer.status_code == 409
    assert "ask an operator to raise the limit" in answer.content.decode()
    assert 'value="Tide watch"' in answer.content.decode()
    answer = client.post("/organizations/new/", {"name": "Second", "slug": "second"})
    assert (answer.status_code, 'value="Second"' in answer.content.decode()) == (409, True)
    assert "You have founded 1 of the 1" in client.get("/organizations/").content.decode()
