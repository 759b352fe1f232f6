"""Which zone an app's hostnames are made in, and which zones there can't be."""

from typing import Any

import pytest

from tenants.apps.choices import EnvironmentName
from tenants.exceptions import AlreadyExists, InvalidInput, NotPermitted
from tenants.models import AuditEvent, PluginApp, Subdomain, User, Zone
from tenants.names.selectors.zones import platform_domains
from tenants.names.services.domains import domain_add
from tenants.names.services.zones import zone_change, zone_create
from tests.factories import make_app, make_operator, make_organization, make_user, owner_of

pytestmark = pytest.mark.django_db
PRODUCTION = {"name": "production"}


@pytest.fixture
def operator() -> User:
    return make_operator()


def hostnames(app: PluginApp) -> dict[str, str]:
    return {row.environment.name: row.hostname for row in Subdomain.objects.filter(environment__app=app)}


def test_without_a_zone_the_setting_says_where_apps_are(settings: Any) -> None:
    settings.APPS_DOMAIN = "Apps.Example"
    app = make_app()
    assert hostnames(app) == {
        "production": f"{app.public_id}.apps.example",
        "test": f"{app.public_id}.test.apps.example",
    }
    assert not Subdomain.objects.exclude(zone=None).exists()


def test_the_first_zone_whose_condition_holds_is_an_environments_own(operator: User) -> None:
    acme = make_organization(slug="acme")
    zone_create(name="rest.example", priority=50, actor=operator)
    zone_create(name="live.example", priority=10, applies_to=PRODUCTION, actor=operator)
    zone_create(name="acme.example", priority=1, applies_to={"organization_slug": "acme"}, actor=operator)
    zone_create(name="off.example", priority=0, is_enabled=False, actor=operator)
    theirs, other = make_app(organization=acme), make_app()
    assert hostnames(theirs) == {
        "production": f"{theirs.public_id}.acme.example",
        "test": f"{theirs.public_id}.test.acme.example",
    }
    assert hostnames(other) == {
        "production": f"{other.public_id}.live.example",
        "test": f"{other.public_id}.test.rest.example",
    }


def test_of_two_zones_of_one_priority_the_older_is_asked_first(operator: User) -> None:
    zone_create(name="first.example", actor=operator)
    zone_create(name="second.example", actor=operator)
    assert hostnames(make_app())["test"].endswith(".first.example")


def test_an_app_keeps_its_hostname_whatever_zones_do_later(operator: User) -> None:
    zone = zone_create(name="one.example", actor=operator)
    app = make_app()
    before = hostnames(app)
    zone_change(zone=zone, is_enabled=False, applies_to=PRODUCTION, actor=operator)
    zone_create(name="two.example", actor=operator)
    assert hostnames(app) == before
    assert hostnames(make_app())["production"].endswith(".two.example")


def test_a_zone_for_the_domain_of_the_setting_takes_its_names_in(operator: User, settings: Any) -> None:
    settings.APPS_DOMAIN = "apps.example"
    make_app()
    zone = zone_create(name="apps.example", actor=operator)
    assert set(Subdomain.objects.values_list("zone", flat=True)) == {zone.pk}
    assert platform_domains() == ["apps.example"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("example", "one label"),
        ("a." + "b" * 64 + ".example", "1 to 63"),
        ("a_b.example", "1 to 63"),
        ("-a.example", "no '-' at either end"),
        ("a-.example", "no '-' at either end"),
        ("a..example", "1 to 63"),
        (".example.org", "1 to 63"),
        ("a b.example", "1 to 63"),
        ("a.example\n", "1 to 63"),
        ("a;{}.example", "1 to 63"),
        ("*.example.org", "1 to 63"),
        ("bücher.example", "A-labels"),
        ("\u0430\u0440\u0440le.example", "A-labels"),
        ("xn--a.example", "no valid A-label"),
        ("ab--cd.example", "no valid A-label"),
        ("192.0.2.1", "ends as an address"),
        ("a.0x7f", "ends as an address"),
        ("10.in-addr.arpa", "set aside"),
        ("abc.onion", "set aside"),
        (".".join(["a" * 40] * 5) + ".example", "at most 200"),
        ("", "1 to 63"),
    ],
)
def test_what_can_be_no_zone_is_refused_by_its_fault(name: str, fault: str, operator: User) -> None:
    with pytest.raises(InvalidInput, match=fault) as refused:
        zone_create(name=name, actor=operator)
    assert set(refused.value.errors) == {"name"}
    assert not Zone.objects.exists()


def test_a_name_is_kept_in_lower_case_without_its_dot(operator: User) -> None:
    assert zone_create(name="XN--bcher-kva.Example.", actor=operator).name == "xn--bcher-kva.example"
    with pytest.raises(AlreadyExists):
        zone_create(name="xn--bcher-kva.example", actor=operator)


@pytest.mark.parametrize("inner", ["test.outer.example", "app1000001.outer.example", "app1000001.test.outer.example"])
def test_no_zone_holds_the_hostnames_of_another(inner: str, operator: User) -> None:
    zone_create(name="outer.example", actor=operator)
    with pytest.raises(InvalidInput, match=r"hostnames that are made in outer\.example"):
        zone_create(name=inner, actor=operator)


@pytest.mark.parametrize("inner", ["test.outer.example", "app1000001.outer.example"])
def test_nor_the_other_way_round(inner: str, operator: User) -> None:
    zone_create(name=inner, actor=operator)
    with pytest.raises(InvalidInput, match=f"lie in {inner}"):
        zone_create(name="outer.example", actor=operator)


def test_a_zone_within_another_keeps_its_own_names(operator: User) -> None:
    zone_create(name="outer.example", actor=operator)
    zone_create(name="inner.outer.example", priority=1, applies_to=PRODUCTION, actor=operator)
    app = make_app()
    zones = {row.environment.name: row.zone for row in Subdomain.objects.filter(environment__app=app)}
    assert {name: str(zone) for name, zone in zones.items()} == {
        "production": "inner.outer.example",
        "test": "outer.example",
    }


def test_a_zone_around_a_hostname_in_use_elsewhere_is_refused(operator: User) -> None:
    environment = make_app().environments.get(name=EnvironmentName.PRODUCTION)
    Subdomain.objects.create(environment=environment, hostname="plugin.customer.example")
    with pytest.raises(InvalidInput, match=r"plugin\.customer\.example, which is in use"):
        zone_create(name="customer.example", actor=operator)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("applies_to", {}),
        ("applies_to", {"app__organization__slug": "acme"}),
        ("applies_to", {"organization": "$subject.organizations"}),
        ("applies_to", "everything"),
        ("priority", -1),
        ("priority", 1.5),
        ("priority", True),
        ("is_wildcard", "yes"),
        ("is_enabled", None),
    ],
)
def test_a_field_that_can_not_be_is_named_and_changes_nothing(field: str, value: Any, operator: User) -> None:
    zone = zone_create(name="one.example", actor=operator)
    with pytest.raises(InvalidInput) as refused:
        zone_change(zone=zone, actor=operator, **{"is_wildcard": True, field: value})
    assert all(name.split(".")[0] == field for name in refused.value.errors)
    assert (Zone.objects.get().is_wildcard, Zone.objects.get().priority) == (False, 100)


def test_what_operators_do_to_zones_is_in_the_trail_once(operator: User) -> None:
    zone = zone_create(name="one.example", actor=operator)
    zone_change(zone=zone, priority=5, actor=operator)
    zone_change(zone=zone, priority=5, actor=operator)
    events = AuditEvent.objects.filter(object_type="zone", object_id="one.example").order_by("pk")
    assert [(event.action, event.policy) for event in events] == [
        ("zone.created", "zone-operators-manage"),
        ("zone.changed", "zone-operators-manage"),
    ]
    assert (events[1].before, events[1].after) == ({"priority": 100}, {"priority": 5})


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor", ""])
def test_nobody_else_makes_or_changes_a_zone(role: str, operator: User) -> None:
    zone, other = zone_create(name="one.example", actor=operator), make_user(**({role: True} if role else {}))
    with pytest.raises(NotPermitted):
        zone_create(name="two.example", actor=other)
    with pytest.raises(NotPermitted):
        zone_change(zone=zone, priority=1, actor=other)
    assert list(Zone.objects.values_list("name", "priority")) == [("one.example", 100)]


def test_a_zone_around_a_customers_domain_is_refused(operator: User) -> None:
    environment = make_app().environments.get(name=EnvironmentName.PRODUCTION)
    owner = owner_of(environment.app.organization)
    domain_add(environment=environment, hostname="plugin.customer.com", actor=owner)
    with pytest.raises(InvalidInput, match=r"plugin\.customer\.com, which a customer has added"):
        zone_create(name="customer.com", actor=operator)
