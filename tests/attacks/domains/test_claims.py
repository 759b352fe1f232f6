"""E11: a domain that is somebody else's: claimed, proven for oneself by what was not meant for it, or taken around it.

C1: a domain that is configuration, end to end: from the form field to the file that nginx reads.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from tenants.models import CustomDomain, PluginApp
from tenants.names.choices import DomainState
from tests.factories import api_client, environment_of, make_app, owner_of
from tests.provisioning.dns.domains.world import World
from tests.provisioning.edge.running import Upstream

pytestmark = pytest.mark.django_db
Start = Callable[..., Upstream]


def ask_for(app: PluginApp, hostname: Any) -> Any:
    path = f"/api/v1/apps/{app.public_id}/environments/production/domains/"
    # Not by the client's own JSON, which has no form for half a character.
    body = json.dumps({"hostname": hostname})
    return api_client(owner_of(app.organization)).post(path, body, content_type="application/json")


def test_e11_a_famous_name_is_claimed_and_never_served(world: World, upstream: Start) -> None:
    """Nobody who does not have the zone can prove it; the claim takes it from nobody."""
    thief = world.live_app(upstream("thief"))
    assert ask_for(thief, "www.customer.test").status_code == 201
    theirs = CustomDomain.objects.get()
    assert world.check(theirs).state == DomainState.PENDING
    rightful = world.add(world.live_app(upstream("rightful")), "www.customer.test")
    world.prove(rightful)
    assert world.check(rightful).state == DomainState.ACTIVE
    assert world.check(theirs).state == DomainState.PENDING
    assert world.served_by("www.customer.test") == "rightful"


def test_e11_anothers_proof_proves_nothing_for_oneself(world: World, upstream: Start) -> None:
    """The record is public: a claim made after it was set has another challenge."""
    owner = world.add(make_app(), "late.customer.test")
    world.prove(owner)
    thief = world.live_app(upstream("thief"))
    theirs = world.add(thief, "late.customer.test")
    assert world.check(theirs).state == DomainState.PENDING
    assert owner.challenge != theirs.challenge
    assert world.served_by("late.customer.test") == ""


def test_e11_an_old_proof_proves_nothing_again(world: World, upstream: Start) -> None:
    app = world.live_app(upstream("plugin"))
    first = world.add(app, "again.customer.test")
    world.prove(first)
    assert world.check(first).state == DomainState.ACTIVE
    world.remove(first)
    second = world.add(app, "again.customer.test")
    assert world.check(second).state == DomainState.PENDING
    world.prove(second)
    assert world.check(second).state == DomainState.ACTIVE


def test_e11_a_wildcard_that_answers_for_all_names_proves_none(world: World, upstream: Start) -> None:
    """A shop's zone has `*.wild.customer.test CNAME` to a platform where others may set texts."""
    thief = world.add(world.live_app(upstream("thief")), "x.wild.customer.test")
    world.set("*.wild.customer.test", "CNAME", "attacker.other.test.")
    assert world.check(thief).state == DomainState.PENDING
    assert world.served_by("x.wild.customer.test") == ""


@pytest.mark.parametrize("name", ["below.parent.customer.test", "parent.customer.test"])
def test_e11_a_name_above_or_below_anothers_is_refused_with_proof_in_hand(
    world: World, upstream: Start, name: str
) -> None:
    other = {"below.parent.customer.test": "parent.customer.test"}.get(name, "below.parent.customer.test")
    waiting = world.add(world.live_app(upstream("thief")), name)
    owner = world.add(world.live_app(upstream("rightful")), other)
    world.prove(owner)
    world.prove(waiting)
    CustomDomain.objects.filter(pk=waiting.pk).update(next_check_at=None)
    assert world.check(owner).state == DomainState.ACTIVE
    assert world.check(waiting).state == DomainState.PENDING
    assert "proven by another organization" in waiting.detail
    assert world.served_by(name) == ""
    answer = ask_for(make_app(), name)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_e11_the_platforms_own_names_are_taken_by_nobody(world: World, settings: LazySettings) -> None:
    settings.APPS_DOMAIN, settings.WEB_URL = "apps.platform.test", "https://berth.platform.test"
    app, victim = make_app(), make_app()
    theirs = environment_of(victim).subdomains.get().hostname
    for name in (theirs, f"x.{theirs}", "apps.platform.test", "new.apps.platform.test", "platform.test"):
        answer = ask_for(app, name)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), name
        assert "the platform's own" in answer.json()["detail"]
    assert ask_for(app, "berth.platform.test").status_code == 400
    assert not CustomDomain.objects.exists()


INJECTIONS = [
    "a.customer.test; } server { listen 80; server_name stolen.test; return 200 'injected'; }",
    "a.customer.test\n",
    "a.customer.test\r\nreturn 200;",
    "~^(.*)$",
    "~^(.+)\\.customer\\.test$",
    "*.customer.test",
    ".customer.test",
    '"a.customer.test"',
    "${host}.customer.test",
    "_",
    "",
    "a.customer.test#",
    "a.customer.test\u0000",
    "a.customer.test\uff1b",
    f"{'a' * 250}.test",
    "127.0.0.1",
    "2130706433",
    "[::1]",
    "localhost",
    "edge.berth.invalid",
    "http://a.customer.test/",
    "\ud800.customer.test",
    ["a.customer.test"],
    {"name": "a.customer.test"},
    7,
    None,
    True,
]


def test_c1_a_domain_that_is_more_than_a_name_is_refused_by_its_field(world: World, upstream: Start) -> None:
    app = world.live_app(upstream("plugin"))
    before = world.edge.configuration()
    for hostname in INJECTIONS:
        answer = ask_for(app, hostname)
        assert answer.status_code == 400, ascii(hostname)
        assert [error["field"] for error in answer.json()["errors"]] == ["hostname"], ascii(hostname)
    world.reconcile()
    assert not CustomDomain.objects.exists()
    assert world.edge.configuration() == before


def test_c1_control_past_the_validator_the_renderer_still_refuses(world: World, upstream: Start) -> None:
    """A row that no service would have written: the text is refused, and the files stay as they were."""
    app = world.live_app(upstream("plugin"))
    domain = world.add(app, "fine.customer.test")
    world.prove(domain)
    assert world.check(domain).state == DomainState.ACTIVE
    before = world.edge.configuration()
    CustomDomain.objects.filter(pk=domain.pk).update(hostname=INJECTIONS[0])
    with pytest.raises(ValueError, match="is not allowed in a configuration file"):
        world.reconcile()
    assert world.edge.configuration() == before
    assert world.served_by("fine.customer.test") == "plugin"


def test_c1_what_is_taken_becomes_one_name_of_one_site(world: World, upstream: Start) -> None:
    app = world.live_app(upstream("plugin"))
    assert ask_for(app, "B\u00fccher.Customer.TEST.").status_code == 201
    domain = CustomDomain.objects.get()
    world.prove(domain)
    assert world.check(domain).state == DomainState.ACTIVE
    (site,) = [text.decode() for name, text in world.edge.configuration().items() if name.startswith("sites/app")]
    own = environment_of(app).subdomains.get().hostname
    names = [name for line in re.findall(r"server_name ([^;]*);", site) for name in line.split()]
    assert sorted(names) == [own, "xn--bcher-kva.customer.test"]
