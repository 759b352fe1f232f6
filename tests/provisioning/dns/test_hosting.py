"""Accounts at providers and what is hosted with them: what is taken, what is refused, what nobody reads again."""

import json
from typing import Any

import pytest
from django.core import serializers
from django.db import connection

from provisioning.dns.services.accounts import dns_account_change, dns_account_create, provider_settings
from provisioning.dns.services.plans import names_ensure
from provisioning.dns.services.zones import hosted_zone_register, hosted_zone_set, hosted_zones_unregister, targets_of
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import OperatorError
from provisioning.models import DnsAccount, HostedZone
from tenants.apps.choices import AppState
from tenants.exceptions import InvalidInput, InvalidTransition, NotPermitted
from tenants.models import AuditEvent
from tenants.names.services.zones import zone_create
from tests.factories import make_app, make_operator, make_user
from tests.provisioning.dns.fixtures import hosted_zone
from tests.provisioning.dns.memory import MemoryProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


def account(**values: Any) -> DnsAccount:
    defaults: dict[str, Any] = {
        "name": "main",
        "provider": "memory",
        "settings": {},
        "secrets": {"key": "s3cret-key"},
        "zones": ["apps.example"],
        "actor": make_operator(),
    }
    return dns_account_create(**{**defaults, **values})


def test_a_secret_is_encrypted_and_in_no_event() -> None:
    row = account()
    dns_account_change(account=row, secrets={"key": "an0ther-key"}, actor=make_operator())
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM provisioning_dnsaccount")
        stored = cursor.fetchone()[0]
    assert "s3cret" not in stored
    assert "an0ther" not in stored
    assert provider_settings(DnsAccount.objects.get())["key"] == "an0ther-key"
    events = serializers.serialize("json", AuditEvent.objects.all())
    assert "s3cret" not in events
    assert "an0ther" not in events
    changed = AuditEvent.objects.get(action="dns_account.changed")
    assert changed.data == {"replaced_secrets": ["key"]}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Main"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"provider": "nobody"}, "provider"),
        ({"settings": {"key": "s3cret-key"}}, "settings"),
        ({"settings": {"region": "x"}}, "settings"),
        ({"settings": {"url": "http://bad"}}, "settings"),
        ({"settings": {"url": "x\ny"}}, "settings.url"),
        ({"secrets": {}}, "secrets.key"),
        ({"secrets": {"key": "s3cret\n-key"}}, "secrets.key"),
        ({"secrets": {"key": "s3cret-key", "other": "s3cret-key"}}, "secrets"),
        ({"zones": ["exa mple.org"]}, "zones"),
        ({"zones": "apps.example"}, "zones"),
    ],
)
def test_what_an_account_can_not_be_is_refused_by_its_field_without_its_secret(
    values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        account(**values)
    assert list(refused.value.errors) == [field]
    assert "s3cret" not in f"{refused.value} {refused.value.errors}"
    assert not DnsAccount.objects.exists()


def test_a_zone_is_hosted_only_with_an_account_that_may_be_used_for_it() -> None:
    operator, row = make_operator(), account()
    other = zone_create(name="other.example", actor=operator)
    with pytest.raises(InvalidInput, match=r"may not be used for other\.example") as refused:
        hosted_zone_set(zone=other, account=row, actor=operator)
    assert list(refused.value.errors) == ["account"]
    assert not HostedZone.objects.exists()


def test_an_account_keeps_the_zones_that_are_hosted_with_it() -> None:
    hosted = hosted_zone()
    with pytest.raises(InvalidTransition, match=r"apps\.example is hosted with"):
        dns_account_change(account=hosted.account, zones=[], actor=make_operator())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("targets", ["0.0.0.0"]),
        ("targets", ["224.0.0.1"]),
        ("targets", ["fe80::1%eth0"]),
        ("targets", ["192.0.2.1", "edge.example"]),
        ("targets", ["192.0.2.300"]),
        ("targets", ["edge"]),
        ("targets", ["*.example.org"]),
        ("targets", ["app1000001.apps.example"]),
        ("targets", "192.0.2.1"),
        ("ttl_s", 0),
        ("ttl_s", 10**6),
        ("ttl_s", True),
        ("low_ttl_s", 301),
        ("drift_policy", "ignore"),
        ("live_checks", ["ping"]),
        ("nameservers", ["192.0.2.1"]),
        ("nameservers", ["192.0.2.1:0"]),
        ("nameservers", ["ns1.example:53"]),
        ("nameservers", ["2001:db8::1:53"]),
    ],
)
def test_how_a_zone_can_not_be_hosted_is_refused_by_its_field(field: str, value: Any) -> None:
    hosted = hosted_zone()
    with pytest.raises(InvalidInput) as refused:
        hosted_zone_set(zone=hosted.zone, account=hosted.account, actor=make_operator(), **{field: value})
    assert list(refused.value.errors) == [field]
    assert HostedZone.objects.get().targets == ["192.0.2.10"]


def test_targets_are_kept_as_one_writes_addresses() -> None:
    hosted = hosted_zone(targets=["2001:DB8:0::1", "192.0.2.20", "192.0.2.20"], nameservers=["[2001:db8::53]:5300"])
    assert (hosted.targets, hosted.nameservers) == (["192.0.2.20", "2001:db8::1"], ["[2001:db8::53]:5300"])
    assert targets_of(hosted_zone("b.example", targets=["Edge.Example."])) == ("edge.example",)


def test_without_targets_names_point_to_the_settings_addresses(settings: Any) -> None:
    settings.EDGE_PUBLIC_ADDRESSES = ["198.51.100.7"]
    assert targets_of(hosted_zone(targets=[])) == ("198.51.100.7",)


def test_the_installations_own_zone_is_registered_once_however_often_it_is() -> None:
    def register(key: str) -> HostedZone:
        return hosted_zone_register(
            zone_name="apps.example",
            account_name="embedded",
            provider="memory",
            settings={"url": "http://127.0.0.1:1"},
            secrets={"key": key},
            nameservers=["127.0.0.1:5300"],
        )

    first = register("s3cret-key")
    count = AuditEvent.objects.count()
    again = register("s3cret-key")
    assert (again.pk, again.owner, AuditEvent.objects.count()) == (first.pk, first.owner, count)
    register("an0ther-key")
    assert json.loads(DnsAccount.objects.get().secrets) == {"key": "an0ther-key"}
    assert [event.action for event in AuditEvent.objects.order_by("pk")[count:]] == ["dns_account.changed"]


def register(zone: str = "apps.example") -> HostedZone:
    return hosted_zone_register(
        zone_name=zone, account_name="embedded", provider="memory", settings={}, secrets={"key": "x"}, nameservers=[]
    )


def test_the_installations_own_zone_has_the_same_owner_again_after_its_rows_are_lost() -> None:
    first = register()
    HostedZone.objects.all().delete()
    assert register().owner == first.owner
    MemoryProvider.reset("apps.example", "b.example")
    assert register("b.example").owner != first.owner


def test_a_name_server_that_is_not_run_any_more_is_let_go_and_taken_up_again_with_what_it_holds(
    settings: Any, memory: type[MemoryProvider]
) -> None:
    settings.APPS_DOMAIN, settings.EDGE_PUBLIC_ADDRESSES = "apps.example", ["192.0.2.10"]
    app, others = make_app(), hosted_zone("b.example")
    for _ in range(2):
        hosted = register()
        names_ensure(hosted=hosted)
        sync(hosted.pk)
        assert set(hosted.records.values_list("state", flat=True)) == {"applied"}
        held = memory.records("apps.example")
        assert [hosted_zones_unregister(account_name="embedded") for _ in range(2)] == [["apps.example"], []]
        assert list(HostedZone.objects.all()) == [others]
        assert memory.records("apps.example") == held
        assert not DnsAccount.objects.get(name="embedded").is_enabled
        assert set(app.environments.values_list("subdomains__zone__name", flat=True)) == {"apps.example"}
    assert register().account.is_enabled
    assert AuditEvent.objects.filter(action="zone.unhosted").count() == 2


def test_an_account_of_its_own_that_an_operator_has_switched_off_stays_off() -> None:
    dns_account_change(account=register().account, is_enabled=False, actor=make_operator())
    assert not register().account.is_enabled


def test_names_without_anywhere_to_point_are_refused_with_the_setting_that_says_where(settings: Any) -> None:
    settings.EDGE_PUBLIC_ADDRESSES = []
    with pytest.raises(OperatorError, match=r"its names would point nowhere.* set BERTH_EDGE_PUBLIC_ADDRESSES"):
        names_ensure(hosted=hosted_zone(targets=[]))


def test_apps_that_are_older_than_the_zone_get_their_records_in_it_and_nothing_is_asked_for_twice(
    settings: Any, memory: type[MemoryProvider]
) -> None:
    settings.APPS_DOMAIN = "apps.example"
    older = make_app()
    make_app(state=AppState.RETIRED)
    hosted = hosted_zone()
    sync(hosted.pk)
    assert memory.records("apps.example") == {}
    assert [names_ensure(hosted=hosted), names_ensure(hosted=hosted)] == [2, 0]
    sync(hosted.pk)
    names = {f"{older.public_id}.apps.example", f"{older.public_id}.test.apps.example"}
    assert {name for name, type_ in memory.records("apps.example") if type_ == "A"} == names
    assert AuditEvent.objects.filter(action="dns.asked_for").count() == 1


def test_no_two_zones_have_the_same_owner() -> None:
    MemoryProvider.reset("apps.example", "b.example")
    assert hosted_zone().owner != hosted_zone("b.example").owner


def test_nobody_else_sets_accounts_or_hosting() -> None:
    hosted, auditor = hosted_zone(), make_user(is_auditor=True)
    with pytest.raises(NotPermitted):
        account(name="theirs", actor=auditor)
    with pytest.raises(NotPermitted):
        dns_account_change(account=hosted.account, is_enabled=False, actor=auditor)
    with pytest.raises(NotPermitted):
        hosted_zone_set(zone=hosted.zone, account=hosted.account, targets=["192.0.2.66"], actor=auditor)
    assert HostedZone.objects.get().targets == ["192.0.2.10"]
