"""An installation for its own machine asks nobody outside of it for names, and customers' domains wait without harm."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from paas.doctor import names
from paas.doctor.check import Level
from paas.doctor.examine import outcome
from paas.portal.names.presenters import show_domain
from provisioning.dns.resolution import ROOTS, resolution_from_settings
from provisioning.dns.workflow import check_domain
from tenants.models import CustomDomain
from tenants.names.choices import DomainState
from tenants.names.selectors.domains import NO_LOOKUPS, are_names_looked_up
from tests.factories import api_client, make_app, owner_of
from tests.name_servers.hierarchy import ROOT
from tests.provisioning.dns.domains.world import World, told
from tests.socket_guard import guarded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def apart(world: World, settings: Any) -> World:
    """With the settings that `bin/up` begins with."""
    settings.DNS_ROOTS = []
    assert (settings.DNS_LOOKUPS, settings.APPS_DOMAIN) == (None, "apps.localhost")
    return world


def connected(world: World, settings: Any) -> None:
    """An operator says whom to ask."""
    settings.DNS_ROOTS = [f"{ROOT}:{world.names.port}"]


def due(domain: CustomDomain) -> CustomDomain:
    CustomDomain.objects.filter(pk=domain.pk).update(next_check_at=timezone.now())
    domain.refresh_from_db()
    return domain


def long_ago(domain: CustomDomain, after: timedelta) -> None:
    """So much time goes by."""
    fields = ("created_at", "proven_at", "failing_since", "unheard_since", "waiting_since", "next_check_at")
    CustomDomain.objects.filter(pk=domain.pk).update(**{name: F(name) - after for name in fields})
    domain.refresh_from_db()


@pytest.mark.parametrize(
    ("lookups", "roots", "domain", "is_on"),
    [
        (None, [], "apps.localhost", False),
        (None, [], "localhost", False),
        (None, [], "Apps.LocalHost.", False),
        (None, [], "apps.example.com", True),
        (None, [], "notlocalhost", True),
        (None, ["192.0.2.1"], "apps.localhost", True),
        (True, [], "apps.localhost", True),
        (False, ["192.0.2.1"], "apps.example.com", False),
    ],
)
def test_an_operator_says_whether(settings: Any, lookups: Any, roots: list[str], domain: str, is_on: bool) -> None:
    settings.DNS_LOOKUPS, settings.DNS_ROOTS, settings.APPS_DOMAIN = lookups, roots, domain
    assert are_names_looked_up() is is_on
    assert resolution_from_settings()._settings.roots == (
        () if not is_on else resolution_from_settings()._settings.roots
    )


def test_the_roots_of_the_internet_are_asked_where_an_operator_says_so(apart: World, settings: Any) -> None:
    settings.DNS_LOOKUPS, settings.DNS_ALLOW_PRIVATE = True, False
    domain = due(apart.add(make_app(), "shop.customer.test"))
    with guarded() as asked:
        check_domain.run()
    # None of them was reached: the guard refused.
    assert set(asked) & {root.address for root in ROOTS}
    assert told(domain) == ["domain.added"]


def test_nobody_outside_is_asked_and_the_domain_says_whose_move_it_is(apart: World) -> None:
    app = make_app()
    domain = due(apart.add(app, "shop.customer.test"))
    with guarded() as asked:
        for _round in range(3):
            assert check_domain.run() == 0
        resolution_from_settings().observe("www.example.com", "A")
    assert asked == []
    domain.refresh_from_db()
    assert domain.state == DomainState.PENDING
    # Once, and not in each round.
    assert told(domain) == ["domain.added", "domain.waiting"]
    found = api_client(owner_of(app.organization)).get(f"/api/v1/apps/{app.public_id}/environments/production/domains/")
    (row,) = found.json()["results"]
    assert row["detail"] == NO_LOOKUPS
    assert row["waiting_since"] is not None
    shown = show_domain(domain)
    assert (shown.detail, shown.is_due, shown.ends_at) == (NO_LOOKUPS, False, None)
    level, said = outcome(next(check for check in names.checks() if check.name == "outside names"))
    assert (level, NO_LOOKUPS in said) == (Level.WARN, True)


def test_the_claim_waits_and_is_taken_up_by_itself(apart: World, settings: Any) -> None:
    domain = due(apart.add(make_app(), "waits.customer.test"))
    check_domain.run()
    long_ago(domain, timedelta(days=400))
    check_domain.run()
    domain.refresh_from_db()
    assert domain.state == DomainState.PENDING
    connected(apart, settings)
    assert check_domain.run() == 1
    domain.refresh_from_db()
    # Fourteen days are the limit for a proof: none of the 400 counts.
    assert (domain.state, domain.waiting_since) == (DomainState.PENDING, None)
    assert told(domain) == ["domain.added", "domain.waiting", "domain.resumed"]
    apart.prove(domain)
    due(domain)
    check_domain.run()
    domain.refresh_from_db()
    assert domain.state == DomainState.ACTIVE


def test_nothing_is_withdrawn_while_nobody_looks(apart: World, settings: Any) -> None:
    connected(apart, settings)
    domain = apart.add(make_app(), "warned.customer.test")
    apart.prove(domain)
    due(domain)
    check_domain.run()
    due(domain)
    check_domain.run()
    domain.refresh_from_db()
    assert domain.state == DomainState.WARNED
    long_ago(domain, timedelta(days=6))
    settings.DNS_ROOTS = []
    check_domain.run()
    long_ago(domain, timedelta(days=100))
    check_domain.run()
    domain.refresh_from_db()
    assert domain.state == DomainState.WARNED
    connected(apart, settings)
    check_domain.run()
    domain.refresh_from_db()
    # Six of the seven days are over, as before.
    assert domain.state == DomainState.WARNED
    assert domain.failing_since is not None
    assert (timezone.now() - domain.failing_since).days == 6
    long_ago(domain, timedelta(days=2))
    due(domain)
    check_domain.run()
    domain.refresh_from_db()
    assert domain.state == DomainState.WITHDRAWN


def test_a_zone_whose_servers_are_not_known_says_what_to_set(apart: World) -> None:
    observation = resolution_from_settings().observe("www.example.com", "A")
    assert "an operator must name the zone's servers, or set BERTH_DNS_LOOKUPS=true" in observation.detail
