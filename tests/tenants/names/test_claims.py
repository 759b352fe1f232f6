"""Who may claim a domain, and which names nobody may claim."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.exceptions import (
    AlreadyExists,
    InvalidInput,
    InvalidTransition,
    NameTaken,
    NotPermitted,
)
from tenants.models import CustomDomain
from tenants.names.choices import DomainState
from tenants.names.selectors import domains as selectors
from tenants.names.services.domains import MAX_DOMAINS, domain_add, domain_check_request, domain_remove
from tests.factories import environment_of, make_app, make_member, owner_of
from tests.tenants.names.claimed import FINE, GONE, NAME, NOTHING, add, check, proven, told

pytestmark = pytest.mark.django_db


def test_several_may_claim_a_name_and_whoever_proves_it_has_it() -> None:
    squatter, rightful = make_app(), make_app()
    theirs, mine = add(squatter), add(rightful)
    check(theirs, NOTHING)
    check(mine, FINE)
    assert mine.state == DomainState.ACTIVE
    check(theirs, FINE)
    assert theirs.state == DomainState.PENDING
    assert theirs.detail == f"{NAME} is proven by another organization: use another name"
    check(theirs, FINE)
    assert told(theirs) == ["domain.added", "domain.proof_refused"], "it is told once, not with each look"
    assert mine.environment.app.organization.slug not in theirs.detail


@pytest.mark.parametrize("other", [NAME, "customer.test", "a.plugin.customer.test"])
def test_a_name_above_or_below_somebody_elses_is_refused(other: str) -> None:
    waiting = add(make_app(), other)
    proven(make_app())
    with pytest.raises(NameTaken, match="proven by another organization"):
        add(make_app(), other)
    assert check(waiting, FINE).state == DomainState.PENDING


def test_names_beside_each_other_may_be_different_organizations() -> None:
    proven(make_app(), "one.customer.test")
    assert proven(make_app(), "two.customer.test").state == DomainState.ACTIVE
    assert proven(make_app(), "neplugin.customer.test").state == DomainState.ACTIVE


def test_an_organization_may_have_names_above_and_below_its_own() -> None:
    app = make_app()
    proven(app)
    other = make_app(organization=app.organization)
    assert proven(other, "a.plugin.customer.test").state == DomainState.ACTIVE
    assert proven(other, "customer.test").state == DomainState.ACTIVE


def test_a_name_is_served_for_one_environment_of_an_organization() -> None:
    app = make_app()
    proven(app)
    domain = check(add(app, environment="test"), FINE)
    assert domain.state == DomainState.PENDING
    assert "another environment of your organization" in domain.detail
    with transaction.atomic(), pytest.raises(IntegrityError):
        CustomDomain.objects.filter(pk=domain.pk).update(state=DomainState.ACTIVE, proven_at=timezone.now())


def test_an_environment_claims_a_name_once_and_may_try_again_after_its_end() -> None:
    app = make_app()
    first = add(app)
    with pytest.raises(AlreadyExists, match="has this domain"):
        add(app)
    check(first, FINE)
    for after in (timedelta(), timedelta(days=8)):
        check(first, GONE, after=after)
    second = add(app)
    first.refresh_from_db()
    assert first.state == DomainState.REMOVED
    assert [domain.pk for domain in selectors.domains()] == [second.pk]


def test_an_environment_has_so_many_domains_and_no_more() -> None:
    app = make_app()
    for number in range(MAX_DOMAINS):
        add(app, f"d{number}.customer.test")
    with pytest.raises(InvalidInput, match="remove another first"):
        add(app, "one-more.customer.test")
    domain_remove(domain=CustomDomain.objects.latest("pk"), actor=owner_of(app.organization))
    add(app, "one-more.customer.test")


@pytest.mark.parametrize("name", ["{own}", "x.{own}", "{zone}", "evil.{zone}"])
def test_the_platforms_names_are_no_customers(name: str, settings: LazySettings) -> None:
    settings.APPS_DOMAIN = "apps.platform.test"
    app = make_app()
    own = environment_of(app).subdomains.get().hostname
    with pytest.raises(InvalidInput, match="the platform's own"):
        add(app, name.format(own=own, zone="apps.platform.test"))
    with pytest.raises(InvalidInput, match="the platform's own"):
        add(app, "platform.test")


def test_where_people_reach_the_platform_itself_is_no_customers(settings: LazySettings) -> None:
    settings.WEB_URL = "https://berth.company.test:8443/x"
    settings.ALLOWED_HOSTS = [".portal.test", "127.0.0.1", "[::1]", "*"]
    for name in ("berth.company.test", "company.test", "a.portal.test"):
        with pytest.raises(InvalidInput, match="the platform's own"):
            add(make_app(), name)
    add(make_app(), "other.company.test")


def test_a_claim_of_what_has_become_the_platforms_own_is_not_served(settings: LazySettings) -> None:
    domain = add(make_app())
    settings.WEB_URL = f"https://{NAME}"
    check(domain, FINE)
    assert (domain.state, domain.is_served) == (DomainState.PENDING, False)
    assert f"{NAME} is the platform's own" in domain.detail
    assert "give a name of a domain of yours" in domain.detail


def test_only_owners_and_maintainers_bring_domains() -> None:
    app = make_app()
    developer = make_member(app.organization)
    domain = add(app)
    with pytest.raises(NotPermitted):
        domain_add(environment=environment_of(app), hostname="two.customer.test", actor=developer)
    with pytest.raises(NotPermitted):
        domain_check_request(domain=domain, actor=developer)
    with pytest.raises(NotPermitted):
        domain_remove(domain=domain, actor=developer)


def test_an_app_that_is_being_retired_gets_no_domain() -> None:
    app = make_app(state="retiring")
    with pytest.raises(InvalidTransition, match="gets no domain"):
        add(app)
