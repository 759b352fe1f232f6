"""F11: the platform's credentials used on what is somebody else's, on a real PowerDNS whose key opens every zone.

F18: a provider that fails at any call, before it did something or after.
"""

from collections.abc import Callable, Iterator

import pytest

from provisioning.dns.account_calls import AccountCalls
from provisioning.dns.ownership import Ownership, registry_name, registry_record
from provisioning.dns.providers.powerdns import PowerDns as PowerDnsProvider
from provisioning.dns.records import Change, RecordSet, record_set
from provisioning.dns.selectors.zones import zone_plan
from provisioning.dns.services.accounts import dns_account_create
from provisioning.dns.services.plans import zone_apply
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import OperatorError, RateLimited, RecordsChanged, RetryableError, ServiceUnavailable
from provisioning.models import DnsAccount, DnsRecord, HostedZone
from provisioning.operations.engine import Wait
from tenants.exceptions import InvalidInput
from tenants.models import Subdomain
from tenants.names.services.zones import zone_create
from tests.factories import environment_of, make_app, make_operator
from tests.name_servers.powerdns import PowerDns, running_powerdns
from tests.name_servers.server import zone_file
from tests.provisioning.dns.fixtures import ZONE as MEMORY_ZONE
from tests.provisioning.dns.fixtures import hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.synchronised import expected, provision, retire

pytestmark = pytest.mark.django_db
OURS, THEIRS = "apps.test", "bank.test"
FOREIGN = ("www A 192.0.2.80", "shop CNAME elsewhere.bank.test.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    zones = {name: zone_file(name, *FOREIGN) for name in (OURS, THEIRS)}
    with running_powerdns(tmp_path_factory.mktemp("pdns"), zones) as started:
        yield started


@pytest.fixture
def provider(server: PowerDns) -> Iterator[PowerDnsProvider]:
    """The vendor's own way in, past Berth. What a test leaves is removed."""
    own = PowerDnsProvider({"url": server.url, "api_key": server.api_key})
    before = {record.key for record in own.list_records(OURS)}
    yield own
    left = [record for record in own.list_records(OURS) if record.key not in before]
    own.apply(OURS, [Change(record, None) for record in left])


@pytest.fixture
def hosted(server: PowerDns) -> HostedZone:
    operator = make_operator()
    account = dns_account_create(
        name="local",
        provider="powerdns",
        settings={"url": server.url},
        secrets={"api_key": server.api_key},
        zones=[OURS],
        actor=operator,
    )
    zone = zone_create(name=OURS, actor=operator)
    return hosted_zone_set(zone=zone, account=account, targets=["192.0.2.10"], actor=operator)


def as_it_is(provider: PowerDnsProvider, zone: str) -> set[RecordSet]:
    """All of the zone but its serial."""
    return {record for record in provider.list_records(zone) if record.type != "SOA"}


def test_f11_a_zone_that_the_credentials_open_is_not_touched_unless_the_account_is_for_it(
    provider: PowerDnsProvider, hosted: HostedZone
) -> None:
    before, change = as_it_is(provider, THEIRS), Change(None, record_set(f"x.{THEIRS}", "A", ["192.0.2.66"], 60))
    calls = AccountCalls(hosted.account)
    with pytest.raises(OperatorError, match=r"may not be used for bank\.test"):
        calls.apply(THEIRS, [change])
    with pytest.raises(OperatorError, match=r"may not be used for bank\.test"):
        calls.list_records(THEIRS)
    zone = zone_create(name=THEIRS, actor=make_operator())
    with pytest.raises(InvalidInput, match=r"may not be used for bank\.test"):
        hosted_zone_set(zone=zone, account=hosted.account, actor=make_operator())
    assert as_it_is(provider, THEIRS) == before
    # The control: the key itself opens it.
    provider.apply(THEIRS, [change])
    provider.apply(THEIRS, [Change(change.after, None)])


def test_f11_an_account_that_lost_a_zone_meanwhile_writes_nothing_more(
    provider: PowerDnsProvider, hosted: HostedZone
) -> None:
    calls, before = AccountCalls(hosted.account), as_it_is(provider, OURS)
    DnsAccount.objects.update(zones=[])
    with pytest.raises(OperatorError, match="may not be used"):
        calls.apply(OURS, [Change(None, record_set(f"x.{OURS}", "A", ["192.0.2.66"], 60))])
    assert as_it_is(provider, OURS) == before


@pytest.mark.parametrize("name", [f"www.{THEIRS}", OURS, f"www.{OURS}.", f"app1000001.{OURS}.evil.test"])
def test_f11_a_hostname_in_the_wrong_zone_writes_nothing_anywhere(
    name: str, provider: PowerDnsProvider, hosted: HostedZone
) -> None:
    """As if a row had come into the database past the services."""
    app = make_app()
    Subdomain.objects.filter(environment=environment_of(app)).update(hostname=name)
    before = as_it_is(provider, OURS), as_it_is(provider, THEIRS)
    with pytest.raises(OperatorError, match="an operator must mend"):
        provision(app)
    assert (as_it_is(provider, OURS), as_it_is(provider, THEIRS)) == before


@pytest.mark.parametrize("type_", ["A", "CNAME"])
def test_f11_somebody_elses_record_at_an_apps_name_stays_to_the_byte(
    type_: str, provider: PowerDnsProvider, hosted: HostedZone
) -> None:
    app = make_app()
    value = "198.51.100.66" if type_ == "A" else "elsewhere.test"
    provider.ensure_record(OURS, record_set(f"{app.public_id}.{OURS}", type_, [value], 77))
    before = as_it_is(provider, OURS)
    with pytest.raises(OperatorError, match=f"{value.replace('.', chr(92) + '.')} .*Berth did not make it"):
        provision(app)
    assert before <= as_it_is(provider, OURS)
    assert not {record.name for record in as_it_is(provider, OURS) - before} & {f"{app.public_id}.{OURS}"}


def test_f11_a_row_for_a_foreign_name_removes_nothing(provider: PowerDnsProvider, hosted: HostedZone) -> None:
    """As if a tenant's app had come to own somebody else's record by a row."""
    app, before = make_app(), as_it_is(provider, OURS)
    for name, type_ in ((f"www.{OURS}", "A"), (f"shop.{OURS}", "CNAME")):
        DnsRecord.objects.create(
            hosted_zone=hosted, name=name, type=type_, values=["192.0.2.80"], ttl_s=300, app=app, state="applied"
        )
    with pytest.raises(OperatorError, match="no owner record says that Berth made it"):
        retire(app)
    assert as_it_is(provider, OURS) == before


@pytest.mark.parametrize("where", [f"_berth-owner.ns.{OURS}", f"_berth-owner.a.{OURS}", f"_berth-owner.soa.x.{OURS}"])
def test_f11_a_forged_owner_record_does_not_have_the_apex_removed(
    where: str, provider: PowerDnsProvider, hosted: HostedZone
) -> None:
    text = Ownership(hosted.owner, "app1000001").text
    provider.ensure_record(OURS, record_set(where, "TXT", [text], 300))
    before = as_it_is(provider, OURS)
    assert zone_plan(hosted).items == ()
    assert as_it_is(provider, OURS) == before


def test_f11_another_installations_records_survive_a_plan_that_wants_nothing(
    provider: PowerDnsProvider, hosted: HostedZone
) -> None:
    name = f"app1000001.{OURS}"
    theirs = [
        record_set(name, "A", ["203.0.113.5"], 300),
        registry_record(name, "A", Ownership(hosted.owner[:-1] + "z", "app1000001")),
    ]
    provider.apply(OURS, [Change(None, record) for record in theirs])
    plan = zone_plan(hosted)
    zone_apply(zone=hosted.zone, digest=plan.digest, actor=make_operator())
    sync(hosted.pk)
    assert set(theirs) <= as_it_is(provider, OURS)
    # The control: under its own owner's name the same pair goes.
    provider.apply(OURS, [Change(theirs[1], registry_record(name, "A", Ownership(hosted.owner, "app1000001")))])
    zone_apply(zone=hosted.zone, digest=zone_plan(hosted).digest, actor=make_operator())
    sync(hosted.pk)
    left = {record.name for record in as_it_is(provider, OURS)}
    assert not left & {name, registry_name(name, "A")}


FAULTS: dict[str, Callable[[], Exception]] = {
    "no answer": lambda: ServiceUnavailable("no answer"),
    "asked to wait": lambda: RateLimited("slow down", retry_after_s=0),
    "changed meanwhile": lambda: RecordsChanged("changed meanwhile"),
}


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("batch_size", [1, 100])
def test_f18_a_fault_at_any_call_leaves_nothing_double_nothing_lost_and_nothing_foreign(
    fault: str, when: str, batch_size: int
) -> None:
    MemoryProvider.batch_size = batch_size
    hosted = hosted_zone()
    foreign = RecordSet(f"www.{MEMORY_ZONE}", "A", ("203.0.113.5",), 300)
    MemoryProvider.put(MEMORY_ZONE, foreign)
    for number in range(1, 9):
        app = make_app()
        _failing_at(number, when, FAULTS[fault], lambda app=app: provision(app))  # type: ignore[misc]
        held = MemoryProvider.records(MEMORY_ZONE)
        assert held == expected(app, owner=hosted.owner) | {foreign.key: foreign.values}
        _failing_at(number, when, FAULTS[fault], lambda app=app: retire(app))  # type: ignore[misc]
        assert MemoryProvider.records(MEMORY_ZONE) == {foreign.key: foreign.values}
        assert not DnsRecord.objects.exists()


def _failing_at(number: int, when: str, fault: Callable[[], Exception], work: Callable[[], object]) -> None:
    """Has the numbered call fail, then works again as the engine does, until it is done."""
    seen = 0

    def fail(_name: str, _n: int) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise fault()

    setattr(MemoryProvider, f"{when}_call", staticmethod(fail))
    for _ in range(5):
        try:
            work()
        except (RetryableError, Wait):
            continue
        break
    else:
        raise AssertionError("it never came to an end")
    MemoryProvider.before_call = MemoryProvider.after_call = None
