"""A hold that ends at the moment somebody else is after the name, each with a connection of their own."""

from collections import Counter

import pytest

from tenants.exceptions import InvalidTransition, NameHeld
from tenants.models import AuditEvent, CustomDomain, HeldName
from tenants.names.choices import DomainState, Finding
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import domain_add, domain_remove
from tenants.names.services.held_names import held_name_release
from tests.factories import environment_of, make_app, make_held_name, make_operator, make_organization, owner_of
from tests.tenants.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)
FINE = Look(control=Finding.YES, pointing=Finding.YES)
WHY = "the domain was sold"


def test_of_operators_who_release_a_name_at_once_one_does() -> None:
    held, operators = make_held_name(make_organization(), "plugin.customer.test"), [make_operator() for _ in range(4)]
    found = at_once(*(lambda who=who: held_name_release(held=held, reason=WHY, actor=who) for who in operators))
    assert Counter(type(answer) for answer in found) == {type(None): 1, InvalidTransition: 3}
    assert AuditEvent.objects.filter(action="held_name.released").count() == 1


def test_whoever_claims_a_name_while_it_is_released_is_refused_or_has_the_claim() -> None:
    operator = make_operator()
    for round_ in range(5):
        name = f"plugin.customer{round_}.test"
        held, app = make_held_name(make_organization(), name), make_app()
        environment, owner = environment_of(app), owner_of(app.organization)
        released, claimed = at_once(
            lambda held=held: held_name_release(held=held, reason=WHY, actor=operator),
            lambda environment=environment, name=name, owner=owner: domain_add(
                environment=environment, hostname=name, actor=owner
            ),
        )
        assert released is None
        assert isinstance(claimed, CustomDomain | NameHeld)
        assert not HeldName.objects.filter(hostname=name).exists()
        assert environment.custom_domains.count() == isinstance(claimed, CustomDomain)


def test_a_name_that_is_proven_while_it_is_released_is_served_or_still_pending_and_never_lost() -> None:
    operator = make_operator()
    for round_ in range(5):
        name = f"plugin.customer{round_}.test"
        # The claim is older than the hold: the other organization has the name, and gives it up.
        app = make_app()
        domain_add(environment=environment_of(app), hostname=name, actor=owner_of(app.organization))
        (theirs,) = domains_take(count=1)
        held = make_held_name(make_organization(), name)
        released, checked = at_once(
            lambda held=held: held_name_release(held=held, reason=WHY, actor=operator),
            lambda theirs=theirs: domain_checked(domain=theirs, look=FINE),
        )
        assert (released, checked) == (None, True)
        theirs.refresh_from_db()
        assert theirs.state in (DomainState.ACTIVE, DomainState.PENDING)
        if theirs.state == DomainState.PENDING:
            assert "held" in theirs.detail
            assert theirs.next_check_at is not None, "it is looked at again"


def test_a_new_hold_is_not_ended_by_who_looked_at_the_one_before() -> None:
    operator = make_operator()
    for round_ in range(5):
        name = f"plugin.customer{round_}.test"
        organization = make_organization()
        held, environment = make_held_name(organization, name), environment_of(organization.apps.get())
        again = domain_add(environment=environment, hostname=name, actor=owner_of(organization))
        (taken,) = domains_take(count=1)
        assert domain_checked(domain=taken, look=FINE)
        again.refresh_from_db()
        released, removed = at_once(
            lambda held=held: held_name_release(held=held, reason=WHY, actor=operator),
            lambda again=again, organization=organization: domain_remove(domain=again, actor=owner_of(organization)),
        )
        assert isinstance(released, InvalidTransition)
        assert removed is None
        assert HeldName.objects.get(hostname=name).pk != held.pk
