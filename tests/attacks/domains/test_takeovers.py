"""E12: what still points here after its app or its domain is gone, and somebody else who would like to have it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tenants.apps.services.apps import app_retire
from tenants.models import HeldName
from tenants.names.choices import DomainState
from tenants.names.services.domains import names_hold
from tests.attacks.domains.test_claims import ask_for
from tests.factories import environment_of, make_app, owner_of
from tests.provisioning.dns.domains.world import World
from tests.provisioning.edge.running import Upstream

pytestmark = pytest.mark.django_db
Start = Callable[..., Upstream]


def test_e12_a_removed_domain_that_still_points_here_is_nobody_elses(
    world: World, upstream: Start, settings: LazySettings
) -> None:
    """The record stays, with links and cookies. Not even whoever can set its proof gets it before the time is over."""
    app = world.live_app(upstream("gone"))
    domain = world.add(app, "left.customer.test")
    world.prove(domain)
    world.point(domain)
    world.check(domain)
    thief = world.live_app(upstream("thief"))
    waiting = world.add_past_refusals(thief, "left.customer.test")
    world.remove(domain)
    assert world.served_by("left.customer.test") == ""
    answer = ask_for(make_app(), "left.customer.test")
    assert (answer.status_code, answer.json()["code"]) == (409, "name_held")
    until = timezone.now() + timedelta(days=settings.NAME_QUARANTINE_DAYS)
    assert f"{until:%Y-%m-%d}" in answer.json()["detail"]
    assert app.organization.slug not in answer.json()["detail"]
    world.prove(waiting)
    assert world.check(waiting).state == DomainState.PENDING
    assert world.served_by("left.customer.test") == ""
    # The control: it is the hold that kept it.
    HeldName.objects.all().delete()
    assert world.check(waiting).state == DomainState.ACTIVE
    assert world.served_by("left.customer.test") == "thief"


def test_e12_the_names_of_a_retired_app_are_held(world: World, upstream: Start) -> None:
    app = world.live_app(upstream("gone"))
    domain = world.add(app, "retired.customer.test")
    world.prove(domain)
    world.check(domain)
    waiting = world.add_past_refusals(world.live_app(upstream("thief")), "retired.customer.test")
    world.prove(waiting)
    app_retire(app=app, actor=owner_of(app.organization))
    assert world.check(waiting).state == DomainState.PENDING, "it is still the app's while that is being taken away"
    names_hold(app=app)
    assert world.check(waiting).state == DomainState.PENDING
    assert "is held for it until" in waiting.detail


def test_e12_a_withdrawn_name_comes_back_only_by_a_fresh_proof(
    world: World, upstream: Start, settings: LazySettings
) -> None:
    """Whoever had it and lost the zone has the old record only; whoever has the zone now is somebody else."""
    app = world.live_app(upstream("plugin"))
    domain = world.add(app, "sold.customer.test")
    world.prove(domain)
    world.check(domain)
    world.set("sold.customer.test", "A", "203.0.113.9")
    world.check(domain)
    assert world.check(domain, after=timedelta(days=settings.DOMAIN_GRACE_DAYS)).state == DomainState.WITHDRAWN
    again = world.add(app, "sold.customer.test")
    assert world.check(again).state == DomainState.PENDING
    assert world.served_by("sold.customer.test") == ""


def test_e12_a_platforms_name_that_is_gone_is_claimed_by_nobody(world: World, settings: LazySettings) -> None:
    settings.APPS_DOMAIN = "apps.platform.test"
    app = make_app()
    name = environment_of(app).subdomains.get().hostname
    app_retire(app=app, actor=owner_of(app.organization))
    assert ask_for(make_app(), name).status_code == 400
