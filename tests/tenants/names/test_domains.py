"""A customer's own domain: who may claim a name, who gets it, what a look at the DNS changes, and who gets it after."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tenants.models import AuditEvent, CustomDomain, HeldName
from tenants.names.choices import DomainState, Finding
from tenants.names.selectors import domains as selectors
from tenants.names.services import domain_checks
from tenants.names.services.domains import domain_remove
from tests.factories import environment_of, make_app, owner_of
from tests.tenants.names.claimed import FINE, GONE, NAME, NO_PROOF, NOTHING, add, check, proven, served, told

pytestmark = pytest.mark.django_db


PROVEN_ONLY = {"control": Finding.YES, "pointing": Finding.NO, "pointing_detail": "it points elsewhere"}


UNHEARD = {"control": Finding.UNHEARD, "control_detail": "no server answers", "pointing": Finding.UNHEARD}


def last_message(domain: CustomDomain) -> str:
    return AuditEvent.objects.filter(object_type="custom_domain", object_id=str(domain.pk)).latest("pk").message


def test_a_claim_says_what_to_set_and_serves_nothing() -> None:
    app = make_app()
    domain = add(app, "Plugin.Customer.TEST.")
    platforms = environment_of(app).subdomains.get().hostname
    assert (domain.hostname, domain.state) == (NAME, DomainState.PENDING)
    assert [
        (record.purpose, record.type, record.name, record.value) for record in selectors.records_to_set(domain)
    ] == [
        ("control", "TXT", f"_berth-challenge.{NAME}", f"berth-verification={domain.challenge}"),
        ("pointing", "CNAME", NAME, platforms),
    ]
    assert served(app) == (platforms,)
    assert told(domain) == ["domain.added"]


def test_at_the_apex_there_are_addresses_in_place_of_a_cname(settings: LazySettings) -> None:
    settings.EDGE_PUBLIC_ADDRESSES = ["192.0.2.7", "2001:db8::7"]
    domain = add(make_app(), "customer.test")
    assert [(record.type, record.name, record.value) for record in selectors.records_to_set(domain)][1:] == [
        ("A", "customer.test", "192.0.2.7"),
        ("AAAA", "customer.test", "2001:db8::7"),
    ]


def test_where_servers_have_a_zone_of_the_name_itself_it_is_an_apex(settings: LazySettings) -> None:
    settings.EDGE_PUBLIC_ADDRESSES = ["192.0.2.7"]
    observation = {"name": NAME, "type": "A", "zone": NAME, "detail": "", "answers": []}
    domain = check(add(make_app()), {**NOTHING, "observations": [observation]})
    assert [record.type for record in selectors.records_to_set(domain)] == ["TXT", "A"]


def test_each_attempt_has_a_challenge_of_its_own() -> None:
    app = make_app()
    first = add(app)
    domain_remove(domain=first, actor=owner_of(app.organization))
    second = add(app)
    assert len(first.challenge) == 32
    assert first.challenge != second.challenge


def test_a_proven_name_is_served_from_then_on() -> None:
    app = make_app()
    domain = proven(app)
    assert domain.state == DomainState.ACTIVE
    assert domain.proven_at is not None
    assert served(app)[1:] == (NAME,)
    assert told(domain) == ["domain.added", "domain.proven"]


def test_what_is_proven_and_points_elsewhere_is_served_and_soon_looked_at_again() -> None:
    domain = check(add(make_app()), PROVEN_ONLY)
    assert domain.state == DomainState.ACTIVE
    assert domain.detail == "it points elsewhere"
    assert domain.next_check_at is not None
    assert domain.next_check_at - timezone.now() <= domain_checks.SETTLING
    assert check(domain, PROVEN_ONLY).state == DomainState.WARNED


def test_a_claim_is_looked_at_ever_less_often_and_ends_with_the_reason() -> None:
    domain = add(make_app())
    pauses = []
    for age in (timedelta(), timedelta(minutes=4), timedelta(days=2)):
        check(domain, NOTHING, after=age)
        assert domain.next_check_at is not None
        pauses.append(domain.next_check_at - timezone.now())
    assert pauses == sorted(pauses)
    assert pauses[0] <= domain_checks.SOONEST
    assert pauses[-1] <= domain_checks.LATEST
    assert domain.detail == f"{NO_PROOF}; it points elsewhere"
    assert told(domain) == ["domain.added"]
    check(domain, NOTHING, after=domain_checks.LONGEST_PENDING)
    assert domain.state == DomainState.REMOVED
    assert told(domain) == ["domain.added", "domain.expired"]
    assert NO_PROOF in last_message(domain)
    assert not HeldName.objects.exists(), "a name that nobody has proven is nobody's"


@pytest.mark.parametrize("fault", [GONE, PROVEN_ONLY])
def test_what_fails_is_warned_about_then_withdrawn_and_held(fault: dict[str, Any], settings: LazySettings) -> None:
    app = make_app()
    domain = check(proven(app), fault)
    detail = fault.get("control_detail") or fault["pointing_detail"]
    ends_on = f"{timezone.now() + timedelta(days=settings.DOMAIN_GRACE_DAYS):%Y-%m-%d}"
    assert domain.state == DomainState.WARNED
    assert detail in last_message(domain)
    assert ends_on in last_message(domain)
    assert served(app)[1:] == (NAME,), "it is served while there is time to mend it"
    check(domain, fault, after=timedelta(days=settings.DOMAIN_GRACE_DAYS - 1))
    assert domain.state == DomainState.WARNED
    check(domain, fault, after=timedelta(days=1))
    assert domain.state == DomainState.WITHDRAWN
    assert served(app)[1:] == ()
    assert domain.next_check_at is None
    assert HeldName.objects.get().hostname == NAME
    assert told(domain) == ["domain.added", "domain.proven", "domain.warned", "domain.withdrawn"]


def test_what_is_mended_in_time_is_as_before() -> None:
    domain = check(proven(make_app()), GONE)
    check(domain, FINE, after=timedelta(days=6))
    assert (domain.state, domain.failing_since, domain.detail) == (DomainState.ACTIVE, None, "")
    check(domain, GONE, after=timedelta(days=6))
    assert domain.state == DomainState.WARNED, "the time to mend it starts anew"
    assert told(domain) == ["domain.added", "domain.proven", "domain.warned", "domain.recovered", "domain.warned"]


def test_an_outage_of_the_customers_name_servers_is_no_evidence(settings: LazySettings) -> None:
    app = make_app()
    domain = check(proven(app), UNHEARD)
    check(domain, UNHEARD, after=timedelta(days=settings.DOMAIN_GRACE_DAYS + 1))
    assert domain.state == DomainState.ACTIVE
    assert domain.detail.startswith("could not be checked: no server answers")
    assert told(domain) == ["domain.added", "domain.proven", "domain.unheard"], "it is told once, not each hour"
    check(domain, UNHEARD, after=timedelta(days=settings.DOMAIN_UNHEARD_DAYS))
    assert domain.state == DomainState.WITHDRAWN
    assert "have not answered since" in last_message(domain)


def test_an_outage_does_not_end_the_time_to_mend_what_failed_before(settings: LazySettings) -> None:
    domain = check(proven(make_app()), GONE)
    check(domain, UNHEARD, after=timedelta(days=settings.DOMAIN_GRACE_DAYS + 1))
    assert domain.state == DomainState.WARNED
    check(domain, FINE)
    assert (domain.state, domain.unheard_since) == (DomainState.ACTIVE, None)
