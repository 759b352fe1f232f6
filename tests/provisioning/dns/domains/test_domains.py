"""A customer's own domain from its claim to its end, on real name servers, a real BIND among them, and a real edge."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.rcode
import pytest
from django.conf import LazySettings
from django.utils import timezone

from provisioning import tasks
from provisioning.apps.workflow import retire as retire_app
from provisioning.dns.workflow import check_domain
from tenants.apps.choices import AppState
from tenants.apps.services.apps import app_retire
from tenants.models import CustomDomain, HeldName, PluginApp
from tenants.names.choices import DomainState
from tenants.names.selectors.domains import records_to_set
from tenants.names.services.domain_checks import domains_take
from tests.factories import make_app, owner_of
from tests.name_servers.bind import running_bind
from tests.name_servers.hostile import Hostile
from tests.name_servers.server import zone_file
from tests.provisioning.dns.domains.world import ZONE, World, told
from tests.provisioning.edge.running import Upstream

pytestmark = pytest.mark.django_db
Start = Callable[..., Upstream]


def test_a_domain_is_served_once_its_records_are_set(world: World, upstream: Start) -> None:
    app = world.live_app(upstream("plugin"))
    domain = world.add(app, "one.customer.test")
    assert world.check(domain).state == DomainState.PENDING
    assert "set a TXT record _berth-challenge.one.customer.test" in domain.detail
    assert "set a CNAME to" in domain.detail
    assert world.served_by("one.customer.test") == ""
    for record in records_to_set(domain):
        value = f'"{record.value}"' if record.type == "TXT" else f"{record.value}."
        world.set(record.name, record.type, value)
    assert world.check(domain).state == DomainState.ACTIVE
    assert (domain.detail, told(domain)) == ("", ["domain.added", "domain.proven"])
    assert world.served_by("one.customer.test") == "plugin"
    servers = {answer["server"] for answer in domain.observations[0]["answers"]}
    assert servers == {"bind.customer.test", "knot.customer.test"}


def test_an_entry_of_a_retired_app_that_came_back_goes_again(world: World, upstream: Start) -> None:
    """Whoever read it before the app went, and wrote it after."""
    gone, stays = world.live_app(upstream("gone")), world.live_app(upstream("stays"))
    name, other = (app.environments.get(name="production").subdomains.get().hostname for app in (gone, stays))
    PluginApp.objects.filter(pk=gone.pk).update(state=AppState.RETIRED)
    assert world.served_by(name) == "gone"
    world.reconcile()
    assert (world.served_by(name), world.served_by(other)) == ("", "stays")


def test_no_cache_of_a_resolver_holds_the_proof_up(world: World, upstream: Start, tmp_path: Path) -> None:
    """Everybody asked too early, so that resolvers say for a minute that there is no such record."""
    app = world.live_app(upstream("plugin"))
    domain = world.add(app, "early.customer.test")
    forward = f"forwarders {{ {world.names.bind.address} port {world.names.port}; }}; forward only;"
    zones = {"resolver.local": zone_file("resolver.local")}
    with running_bind(tmp_path, zones, options=forward, is_recursive=True) as resolver:
        assert resolver.ask(domain.challenge_name, "TXT").rcode() == dns.rcode.NXDOMAIN
        world.prove(domain)
        assert resolver.ask(domain.challenge_name, "TXT").rcode() == dns.rcode.NXDOMAIN, "it is in no cache"
        assert world.check(domain).state == DomainState.ACTIVE


def test_a_proof_that_only_one_server_has_is_none(world: World, upstream: Start) -> None:
    domain = world.add(world.live_app(upstream("plugin")), "half.customer.test")
    world.prove(domain)
    world.set_on_knot(domain.challenge_name, "TXT", '"berth-verification=00000000000000000000000000000000"')
    assert world.check(domain).state == DomainState.PENDING
    assert "1 of 2 servers differ: knot.customer.test" in domain.detail


def test_a_name_that_stops_pointing_here_is_warned_about_then_withdrawn(
    world: World, upstream: Start, settings: LazySettings
) -> None:
    app = world.live_app(upstream("plugin"))
    domain = world.add(app, "leaves.customer.test")
    world.prove(domain)
    world.point(domain)
    assert world.check(domain).state == DomainState.ACTIVE
    world.set("leaves.customer.test", "CNAME")
    world.set("leaves.customer.test", "A", "203.0.113.9")
    assert world.check(domain).state == DomainState.WARNED
    assert "points to 203.0.113.9" in domain.detail
    assert world.served_by("leaves.customer.test") == "plugin"
    world.check(domain, after=timedelta(days=settings.DOMAIN_GRACE_DAYS))
    assert domain.state == DomainState.WITHDRAWN
    assert world.served_by("leaves.customer.test") == ""
    assert told(domain) == ["domain.added", "domain.proven", "domain.warned", "domain.withdrawn"]


def test_a_proof_that_is_taken_away_is_warned_about_and_put_back_in_time(world: World, upstream: Start) -> None:
    domain = world.add(world.live_app(upstream("plugin")), "proof.customer.test")
    world.prove(domain)
    world.point(domain)
    world.check(domain)
    world.set(domain.challenge_name, "TXT")
    assert world.check(domain).state == DomainState.WARNED
    assert "set a TXT record _berth-challenge.proof.customer.test" in domain.detail
    world.prove(domain)
    assert world.check(domain, after=timedelta(days=6)).state == DomainState.ACTIVE


def test_an_outage_of_the_customers_name_servers_changes_nothing(
    world: World, upstream: Start, settings: LazySettings
) -> None:
    settings.DNS_TIMEOUT_S = 0.3
    domain = world.add(world.live_app(upstream("plugin")), "outage.customer.test")
    world.prove(domain)
    world.point(domain)
    world.check(domain)
    world.names.bind.suspend()
    world.names.knot.suspend()
    try:
        world.check(domain, after=timedelta(days=settings.DOMAIN_GRACE_DAYS + 1))
    finally:
        world.names.bind.resume()
        world.names.knot.resume()
    assert domain.state == DomainState.ACTIVE
    assert domain.detail.startswith("could not be checked")
    assert {answer["outcome"] for answer in domain.observations[0]["answers"]} == {"timeout"}
    assert world.served_by("outage.customer.test") == "plugin"
    assert world.check(domain).detail == ""


def test_one_server_of_two_that_is_down_is_no_evidence_either(
    world: World, upstream: Start, settings: LazySettings
) -> None:
    settings.DNS_TIMEOUT_S = 0.3
    domain = world.add(world.live_app(upstream("plugin")), "lame.customer.test")
    world.prove(domain)
    world.point(domain)
    world.check(domain)
    world.names.knot.suspend()
    try:
        assert world.check(domain).state == DomainState.ACTIVE
        assert domain.detail.startswith("could not be checked")
        world.set_on_bind("lame.customer.test", "CNAME")
        assert world.check(domain).state == DomainState.ACTIVE
        world.set_on_bind("lame.customer.test", "A", "203.0.113.9")
        assert world.check(domain).state == DomainState.WARNED, "one that answers says that it leads elsewhere"
    finally:
        world.names.knot.resume()


def test_at_the_apex_addresses_lead_here(world: World, upstream: Start) -> None:
    domain = world.add(world.live_app(upstream("plugin")), ZONE)
    records = records_to_set(domain)
    assert [record.type for record in records] == ["TXT", "A", "AAAA"]
    world.prove(domain)
    for record in records[1:]:
        world.set(record.name, record.type, record.value)
    try:
        assert world.check(domain).state == DomainState.ACTIVE
        assert (domain.detail, world.served_by(ZONE)) == ("", "plugin")
    finally:
        world.set(ZONE, "A")
        world.set(ZONE, "AAAA")


def test_a_name_in_another_script_is_asked_for_and_served_in_a_labels(world: World, upstream: Start) -> None:
    domain = world.add(world.live_app(upstream("plugin")), "Bücher.customer.test")
    world.prove(domain)
    world.point(domain)
    assert world.check(domain).state == DomainState.ACTIVE
    assert world.served_by("xn--bcher-kva.customer.test") == "plugin"


def test_servers_that_hang_hold_up_nobody_else(
    world: World, hostile: Hostile, upstream: Start, settings: LazySettings
) -> None:
    """The server of hostile.test says nothing."""
    settings.DNS_TIMEOUT_S, settings.DNS_DEADLINE_S = 0.3, 1
    stuck = world.add(make_app(), "www.hostile.test")
    domain = world.add(world.live_app(upstream("plugin")), "quick.customer.test")
    world.prove(domain)
    world.check(domain)
    stuck.refresh_from_db()
    assert domain.state == DomainState.ACTIVE
    assert stuck.state == DomainState.PENDING
    assert stuck.detail.startswith("could not be checked")
    assert stuck.lease_until is None


def test_a_worker_that_dies_in_a_check_loses_nothing(world: World, upstream: Start) -> None:
    domain = world.add(world.live_app(upstream("plugin")), "killed.customer.test")
    world.prove(domain)
    assert domains_take(count=1), "a worker that takes it, and is never heard of again"
    assert check_domain.run() == 0
    CustomDomain.objects.update(lease_until=timezone.now())
    assert check_domain.run() == 1
    domain.refresh_from_db()
    assert domain.state == DomainState.ACTIVE


def test_the_tasks_check_what_is_due_and_have_the_edge_serve_it(world: World, upstream: Start) -> None:
    domain = world.add(world.live_app(upstream("plugin")), "tasks.customer.test")
    world.prove(domain)
    tasks.check_domains()
    tasks.serve_names(domain.environment_id)
    assert world.served_by("tasks.customer.test") == "plugin"


def test_a_setting_that_is_no_address_is_an_operators_matter(
    world: World, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    domain = world.add(make_app(), "setting.customer.test")
    settings.DNS_ROOTS = ["nowhere"]
    tasks.check_domains()
    assert "BERTH_DNS_ROOTS" in caplog.text
    domain.refresh_from_db()
    assert domain.lease_until is None


def test_retiring_takes_the_records_then_the_entry_at_the_edge_and_then_holds_the_names(
    world: World, upstream: Start
) -> None:
    """In this order no name leads to where the app is not, and none is anybody else's in between."""
    order = ["remove_dns_records", "remove_edge_entries", "hold_names"]
    assert [step.name for step in retire_app.WORKFLOW.steps if step.name in order] == order
    app = world.live_app(upstream("plugin"))
    domain = world.add(app, "retires.customer.test")
    world.prove(domain)
    world.check(domain)
    app_retire(app=app, actor=owner_of(app.organization))
    run: Any = SimpleNamespace(app=app, operation=SimpleNamespace(app=app), note=lambda _text: None)
    retire_app.remove_edge_entries(run)
    domain.refresh_from_db()
    assert (domain.state, world.served_by("retires.customer.test")) == (DomainState.ACTIVE, "")
    for _ in range(2):
        retire_app.hold_names(run)
    domain.refresh_from_db()
    assert domain.state == DomainState.REMOVED
    assert HeldName.objects.get(hostname="retires.customer.test").organization == app.organization
