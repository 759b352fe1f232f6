"""The end of a domain, and the hold on its name."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tenants.apps.services.apps import app_retire
from tenants.exceptions import (
    NameHeld,
)
from tenants.models import CustomDomain, HeldName
from tenants.names.choices import DomainState
from tenants.names.services import domains
from tenants.names.services.domain_checks import domains_take
from tenants.names.services.domains import domain_remove, names_hold
from tests.factories import make_app, owner_of
from tests.tenants.names.claimed import FINE, NAME, add, check, proven, served, told

pytestmark = pytest.mark.django_db


def test_a_removed_name_is_held_for_its_organization_until_a_date(settings: LazySettings) -> None:
    app, other = make_app(), make_app()
    waiting = add(other)
    domain_remove(domain=proven(app), actor=owner_of(app.organization))
    until = f"{timezone.now() + timedelta(days=settings.NAME_QUARANTINE_DAYS):%Y-%m-%d}"
    with pytest.raises(NameHeld, match=f"held for it until {until}") as caught:
        add(make_app())
    assert app.organization.slug not in caught.value.detail
    for name in ("customer.test", "a.plugin.customer.test"):
        with pytest.raises(NameHeld):
            add(make_app(), name)
    check(waiting, FINE)
    assert (waiting.state, until in waiting.detail) == (DomainState.PENDING, True)
    HeldName.objects.update(held_until=timezone.now())
    assert check(waiting, FINE).state == DomainState.ACTIVE


def test_an_organization_takes_its_own_name_back_by_a_fresh_proof() -> None:
    app = make_app()
    first = proven(app)
    domain_remove(domain=first, actor=owner_of(app.organization))
    again = make_app(organization=app.organization)
    assert proven(again).state == DomainState.ACTIVE
    assert not HeldName.objects.exists()


def test_retiring_an_app_holds_the_names_that_it_has_proven() -> None:
    app = make_app()
    kept, claimed = proven(app), add(app, "two.customer.test", "test")
    app_retire(app=app, actor=owner_of(app.organization))
    assert not domains_take(count=10), "it is not looked at any more"
    for _ in range(2):
        names_hold(app=app)
    assert [held.hostname for held in HeldName.objects.all()] == [NAME]
    assert served(app)[1:] == ()
    for domain in (kept, claimed):
        domain.refresh_from_db()
        assert (domain.state, told(domain)[-1]) == (DomainState.REMOVED, "domain.removed")
        assert told(domain).count("domain.removed") == 1
    with pytest.raises(NameHeld):
        add(make_app())


def test_a_domain_that_is_ended_while_its_app_goes_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    first, second = add(app), add(app, "second.customer.test")
    check(second, FINE)
    ended = domains.domain_end

    def end(**values: Any) -> None:
        # A developer removes the first in this very moment.
        if values["domain"].pk == first.pk:
            CustomDomain.objects.filter(pk=first.pk).update(state=DomainState.REMOVED)
        ended(**values)

    monkeypatch.setattr(domains, "domain_end", end)
    names_hold(app=app)
    second.refresh_from_db()
    assert second.state == DomainState.REMOVED
    assert HeldName.objects.get().hostname == second.hostname


def test_without_a_quarantine_a_name_is_free_at_once(settings: LazySettings) -> None:
    settings.NAME_QUARANTINE_DAYS = 0
    app = make_app()
    domain_remove(domain=proven(app), actor=owner_of(app.organization))
    assert proven(make_app()).state == DomainState.ACTIVE
