"""Names are asked for before the forge has its work to do; whatever is in their way then holds nothing up."""

import pytest

from provisioning.apps.workflow.provision import WORKFLOW
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.records import RecordSet
from provisioning.dns.workflow.names import ensure_dns_records, ensure_dns_records_asked_for
from provisioning.exceptions import ServiceUnavailable
from provisioning.models import DnsRecord
from provisioning.operations.choices import OperationKind
from provisioning.operations.engine import Cancelled
from tenants.apps.choices import AppState
from tenants.apps.services.apps import app_retire
from tenants.organizations.services.quotas import organization_quota_set
from tests.factories import make_app, make_operator, make_organization, owner_of
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.synchronised import expected, run_of
from tests.provisioning.dns.test_sync_faults import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


def test_names_are_written_before_the_forge_is_asked_and_looked_at_last() -> None:
    names = [step.name for step in WORKFLOW.steps]
    assert (names[0], names[-1]) == ("ensure_dns_records_asked_for", "ensure_dns_records")
    hosted, app = hosted_zone(), make_app(state=AppState.PROVISIONING)
    run = run_of(app)
    ensure_dns_records_asked_for(run)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    assert run.lines == [f"zone {ZONE}: written"]
    calls = len(MemoryProvider.log)
    ensure_dns_records(run)
    assert len(MemoryProvider.log) == calls


def test_a_hundred_apps_that_come_at_once_take_the_calls_of_one() -> None:
    MemoryProvider.batch_size = 500
    hosted, organization = hosted_zone(), make_organization()
    organization_quota_set(organization=organization, limits={"apps": 100, "memory_mib": 51200}, actor=make_operator())
    apps = [make_app(organization=organization, state=AppState.PROVISIONING) for _ in range(100)]
    for app in apps:
        run = run_of(app)
        ensure_dns_records_asked_for(run)
        ensure_dns_records(run)
    assert [name for name, _ in MemoryProvider.log] == ["list", "apply", "list"]
    assert MemoryProvider.records(ZONE) == expected(*apps, owner=hosted.owner)
    assert DnsRecord.objects.count() == 200


def test_an_app_that_goes_before_its_turn_gets_no_record_through_another() -> None:
    hosted = hosted_zone()
    going, stays = make_app(state=AppState.PROVISIONING), make_app(state=AppState.PROVISIONING)
    app_retire(app=going, actor=owner_of(going.organization))
    ensure_dns_records_asked_for(run_of(stays))
    assert MemoryProvider.records(ZONE) == expected(stays, owner=hosted.owner)


def test_a_zone_with_a_wildcard_gets_no_record_for_newcomers() -> None:
    hosted_zone(is_wildcard=True)
    apps = [make_app(state=AppState.PROVISIONING) for _ in range(3)]
    ensure_dns_records_asked_for(run_of(apps[0]))
    assert [name for name, type_ in MemoryProvider.records(ZONE) if type_ == "A"] == [f"*.{ZONE}"]


def test_a_provider_that_is_away_holds_nothing_up_and_the_last_step_waits_for_it() -> None:
    hosted, app = hosted_zone(), make_app(state=AppState.PROVISIONING)
    MemoryProvider.before_call = at("list", 1, ServiceUnavailable("the vendor is away: Berth tries again"))
    run = run_of(app)
    ensure_dns_records_asked_for(run)
    assert run.lines == [f"zone {ZONE}: the vendor is away: Berth tries again"]
    assert {row.state for row in DnsRecord.objects.filter(app=app)} == {DnsRecordState.PENDING}
    MemoryProvider.before_call = at("list", 1, ServiceUnavailable("the vendor is away: Berth tries again"))
    with pytest.raises(ServiceUnavailable):
        ensure_dns_records(run)
    ensure_dns_records(run)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)


def test_what_stands_in_the_way_is_left_for_the_last_step_to_say() -> None:
    hosted_zone()
    app = make_app(state=AppState.PROVISIONING)
    foreign = RecordSet(f"{app.public_id}.{ZONE}", "A", ("198.51.100.66",), 300)
    MemoryProvider.put(ZONE, foreign)
    ensure_dns_records_asked_for(run_of(app))
    assert MemoryProvider.zones_held[ZONE][foreign.key] == foreign
    assert "Berth did not make it" in DnsRecord.objects.get(name=foreign.name).error


def test_an_app_that_is_going_asks_for_nothing() -> None:
    hosted_zone()
    app = make_app()
    run = run_of(app, OperationKind.PROVISION_APP)
    app_retire(app=app, actor=owner_of(app.organization))
    with pytest.raises(Cancelled):
        ensure_dns_records_asked_for(run)
    assert MemoryProvider.log == []
