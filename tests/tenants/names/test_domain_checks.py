"""Checks of domains: one worker at a time, every organization gets its turn."""

from typing import Any

import pytest
from django.utils import timezone

from tenants.exceptions import (
    CheckedTooOften,
    InvalidTransition,
    NotPermitted,
)
from tenants.models import CustomDomain, Organization
from tenants.names.choices import DomainState
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import domain_check_request, domain_remove
from tenants.policies.services.policies import policy_create
from tenants.signals import custom_domain_changed, custom_domain_check_requested
from tests.factories import make_app, make_operator, owner_of
from tests.tenants.names.claimed import FINE, GONE, NAME, NOTHING, add, check, proven

pytestmark = pytest.mark.django_db


def test_two_workers_never_look_at_one_domain_at_the_same_time() -> None:
    domain = add(make_app())
    (taken,) = domains_take(count=10)
    assert taken == domain
    assert not domains_take(count=10)
    domain_check_request(domain=domain, actor=owner_of(domain.environment.app.organization))
    assert not domains_take(count=10)


def test_what_a_killed_worker_had_taken_is_taken_again() -> None:
    domain = add(make_app())
    (lost,) = domains_take(count=10)
    CustomDomain.objects.update(lease_until=timezone.now())
    (taken,) = domains_take(count=10)
    assert not domain_checked(domain=lost, look=Look(**FINE)), "the one that came late changes nothing"
    domain.refresh_from_db()
    assert domain.state == DomainState.PENDING
    assert domain_checked(domain=taken, look=Look(**FINE))


def test_a_check_of_what_was_removed_meanwhile_changes_nothing() -> None:
    domain = add(make_app())
    (taken,) = domains_take(count=10)
    domain_remove(domain=domain, actor=owner_of(domain.environment.app.organization))
    assert not domain_checked(domain=taken, look=Look(**FINE))
    domain.refresh_from_db()
    assert domain.state == DomainState.REMOVED


def test_so_many_are_looked_at_by_all_workers_together_and_no_more() -> None:
    for number in range(3):
        add(make_app(), f"customer{number}.test")
    assert len(domains_take(count=2, at_once=3)) == 2
    assert not domains_take(count=2, at_once=3)
    assert len(domains_take(count=2, at_once=4)) == 1


def test_one_organizations_many_claims_keep_no_other_waiting() -> None:
    crowd = make_app()
    for number in range(8):
        add(crowd, f"d{number}.customer.test")
    alone = add(make_app(), "one.other.test")
    assert alone in domains_take(count=2)


def test_a_check_is_asked_for_at_once_and_not_all_the_time() -> None:
    app = make_app()
    domain = proven(app)
    assert not domains_take(count=10)
    owner = owner_of(app.organization)
    domain_check_request(domain=domain, actor=owner)
    with pytest.raises(CheckedTooOften, match="wait 15 seconds"):
        domain_check_request(domain=domain, actor=owner)
    assert domains_take(count=10) == [domain]
    domain_remove(domain=domain, actor=owner)
    with pytest.raises(InvalidTransition, match="add it again"):
        domain_check_request(domain=domain, actor=owner)


def test_whoever_asks_while_a_check_runs_gets_another_one() -> None:
    app = make_app()
    domain = add(app)
    (taken,) = domains_take(count=10)
    domain_check_request(domain=domain, actor=owner_of(app.organization))
    domain_checked(domain=taken, look=Look(**NOTHING))
    assert domains_take(count=10) == [domain]


def test_whoever_serves_names_is_told_after_the_commit(django_capture_on_commit_callbacks: Any) -> None:
    changed: list[int] = []
    asked: list[int] = []

    def on_change(*, domain_id: int, environment_id: int, **_kwargs: Any) -> None:
        changed.append(domain_id)

    def on_request(*, domain_id: int, **_kwargs: Any) -> None:
        asked.append(domain_id)

    custom_domain_changed.connect(on_change)
    custom_domain_check_requested.connect(on_request)
    app = make_app()
    with django_capture_on_commit_callbacks(execute=True):
        domain = add(app)
    assert (asked, changed) == ([domain.pk], [])
    for found in (NOTHING, FINE, FINE, GONE):
        with django_capture_on_commit_callbacks(execute=True):
            check(domain, found)
    assert changed == [domain.pk], "what is served changed once: by the proof"
    with django_capture_on_commit_callbacks(execute=True):
        domain_remove(domain=domain, actor=owner_of(app.organization))
    assert changed == [domain.pk] * 2


def test_who_may_look_is_asked_by_the_name_as_it_would_be_kept() -> None:
    """A policy that speaks of a name is not passed by typing it in capitals."""
    app = make_app()
    organization: Organization = app.organization
    forbid_name(organization, NAME)
    with pytest.raises(NotPermitted, match="not this name"):
        add(app, "PLUGIN.Customer.test.")
    add(app, "other.customer.test")


def forbid_name(organization: Organization, name: str) -> None:
    policy_create(
        name="not-this-name",
        description="not this name",
        effect="deny",
        actions=["domain.create"],
        resource_type="custom_domain",
        subject={"match_all": True},
        resource={"hostname": name, "organization": organization.pk},
        context={"match_all": True},
        actor=make_operator(),
    )
