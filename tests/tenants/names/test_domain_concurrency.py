"""Claims, proofs and checks of customers' domains by many at once, each with a connection of its own."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.exceptions import AlreadyExists, CheckedTooOften
from tenants.models import AuditEvent, CustomDomain, HeldName
from tenants.names.choices import DomainState, Finding
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import domain_add, domain_check_request, domain_remove
from tests.factories import environment_of, make_app, owner_of
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)
FINE = Look(control=Finding.YES, pointing=Finding.YES)


def claimed(*names: str) -> list[CustomDomain]:
    """Each name by an organization of its own, taken by a worker that is about to say that it is proven."""
    for name in names:
        app = make_app()
        domain_add(environment=environment_of(app), hostname=name, actor=owner_of(app.organization))
    return domains_take(count=len(names))


def states() -> Counter[str]:
    return Counter(CustomDomain.objects.values_list("state", flat=True))


def test_of_organizations_that_prove_one_name_at_once_exactly_one_has_it() -> None:
    domains = claimed(*["plugin.customer.test"] * 6)
    at_once(*(lambda domain=domain: domain_checked(domain=domain, look=FINE) for domain in domains))
    assert states() == {DomainState.ACTIVE: 1, DomainState.PENDING: 5}
    assert AuditEvent.objects.filter(action="domain.proven").count() == 1
    assert AuditEvent.objects.filter(action="domain.proof_refused").count() == 5


def test_of_a_name_and_one_above_it_proven_at_once_exactly_one_is() -> None:
    for round_ in range(5):
        names = (f"customer{round_}.test", f"plugin.customer{round_}.test")
        domains = claimed(*names)
        at_once(*(lambda domain=domain: domain_checked(domain=domain, look=FINE) for domain in domains))
        served = CustomDomain.objects.filter(hostname__in=names, state=DomainState.ACTIVE)
        assert served.count() == 1


def test_a_name_that_is_given_up_while_another_proves_it_is_held() -> None:
    for round_ in range(5):
        name = f"customer{round_}.test"
        mine, theirs = claimed(name, name)
        assert domain_checked(domain=mine, look=FINE)
        at_once(
            lambda mine=mine: domain_remove(domain=mine, actor=owner_of(mine.environment.app.organization)),
            lambda theirs=theirs: domain_checked(domain=theirs, look=FINE),
        )
        theirs.refresh_from_db()
        assert theirs.state == DomainState.PENDING
        assert HeldName.objects.get(hostname=name).organization == mine.environment.app.organization


def test_workers_that_take_at_once_share_what_is_due() -> None:
    for number in range(12):
        app = make_app()
        domain_add(environment=environment_of(app), hostname=f"d{number}.test", actor=owner_of(app.organization))
    taken = [domain.pk for domains in at_once(*[lambda: domains_take(count=12)] * 4) for domain in domains]
    assert len(taken) == len(set(taken)) == 12


def test_two_who_say_what_one_check_found_do_it_once() -> None:
    (domain,) = claimed("plugin.customer.test")
    results = at_once(*[lambda: domain_checked(domain=domain, look=FINE)] * 4)
    assert sorted(results) == [False, False, False, True]
    assert AuditEvent.objects.filter(action="domain.proven").count() == 1


def test_of_claims_and_requests_at_once_one_is_taken() -> None:
    app = make_app()
    environment, owner = environment_of(app), owner_of(app.organization)
    claims = at_once(*[lambda: domain_add(environment=environment, hostname="a.test", actor=owner)] * 4)
    assert Counter(type(claim) for claim in claims) == {CustomDomain: 1, AlreadyExists: 3}
    domain = CustomDomain.objects.get()
    CustomDomain.objects.update(check_requested_at=timezone.now() - timedelta(minutes=1))
    asked = at_once(*[lambda: domain_check_request(domain=CustomDomain.objects.get(), actor=owner)] * 4)
    assert Counter(type(answer) for answer in asked) == {CustomDomain: 1, CheckedTooOften: 3}
    assert domain.state == DomainState.PENDING
