"""Names on a real PowerDNS: written, answered for, and looked up before a deployment is live."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection

from provisioning.dns.ownership import registry_name
from provisioning.dns.providers import PROVIDERS
from provisioning.dns.records import Change, record_set
from provisioning.dns.services.accounts import dns_account_create
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.exceptions import OperatorError, ServiceUnavailable
from provisioning.models import DnsRecord, HostedZone, Operation
from provisioning.operations.choices import OperationState
from provisioning.operations.engine import Run, Wait
from provisioning.operations.services import deployment_create
from provisioning.releases.workflow import reachability
from provisioning.releases.workflow.reachability import ensure_names_answer
from tenants.apps.choices import AppState
from tenants.models import AuditEvent, PluginApp, Release, User
from tenants.names.services.zones import zone_create
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_operator, make_organization, make_release
from tests.name_servers.powerdns import PowerDns, running_powerdns
from tests.name_servers.server import zone_file
from tests.provisioning.dns.synchronised import provision, retire, waited_for

pytestmark = pytest.mark.django_db
ZONE = "apps.test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    with running_powerdns(tmp_path_factory.mktemp("pdns"), {ZONE: zone_file(ZONE)}) as started:
        yield started


@pytest.fixture
def hosted(server: PowerDns, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedZone]:
    monkeypatch.setattr(reachability, "LOOK_FOR_S", 0.5)
    yield host(server, make_operator(), live_checks=["authoritative"])
    server.resume()
    provider = PROVIDERS["powerdns"]({"url": server.url, "api_key": server.api_key})
    left = [record for record in provider.list_records(ZONE) if "app" in record.name.removesuffix(ZONE)]
    provider.apply(ZONE, [Change(record, None) for record in left])


def host(server: PowerDns, operator: User, **values: Any) -> HostedZone:
    account = dns_account_create(
        name="local",
        provider="powerdns",
        settings={"url": server.url},
        secrets={"api_key": server.api_key},
        zones=[ZONE],
        actor=operator,
    )
    return hosted_zone_set(
        zone=zone_create(name=ZONE, actor=operator),
        account=account,
        targets=["192.0.2.10"],
        nameservers=[f"{server.address}:{server.port}"],
        actor=operator,
        **values,
    )


def deployment_of(app: PluginApp) -> Run:
    release = make_release(app=app, state=ReleaseState.APPROVED)
    operation = deployment_create(release=release, requested_by=None)
    assert operation is not None
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.RUNNING)
    return Run(Operation.objects.get(pk=operation.pk), operation.fence)


def look(run: Run) -> list[str]:
    return waited_for(partial(ensure_names_answer, run, environment_of(run.operation.app)))


def told(app: PluginApp) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(app=app, action="names.looked_up").order_by("pk"))


def test_a_name_is_answered_for_when_it_is_made_and_no_more_when_it_is_gone(
    server: PowerDns, hosted: HostedZone
) -> None:
    app = make_app(state=AppState.PROVISIONING)
    provision(app)
    name = f"{app.public_id}.{ZONE}"
    assert server.values(name, "A") == ["192.0.2.10"]
    mark = f'"heritage=berth,owner={hosted.owner},app={app.public_id}"'
    assert server.values(registry_name(name, "A"), "TXT") == [mark]
    retire(app)
    assert server.values(name, "A") == []
    assert server.values(registry_name(name, "A"), "TXT") == []


def test_a_deployment_has_each_servers_answer_on_its_timeline(server: PowerDns, hosted: HostedZone) -> None:
    app = make_app()
    provision(app)
    run = deployment_of(app)
    assert look(run) == []
    (event,) = told(app)
    assert "as they should be" in event.message
    assert event.release_id == run.operation.release_id
    (observation,) = event.data["observations"]
    (answer,) = observation["answers"]
    assert (observation["name"], answer["values"], answer["port"]) == (
        f"{app.public_id}.{ZONE}",
        ["192.0.2.10"],
        server.port,
    )


def test_new_records_are_looked_at_twice_before_a_release_is_live_where_servers_may_differ(
    server: PowerDns, hosted: HostedZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    run = deployment_of(app)
    monkeypatch.setattr(reachability, "_ask_servers", lambda *_: 2)
    with pytest.raises(Wait) as again:
        ensure_names_answer(run, environment_of(app))
    assert again.value.seconds == reachability.AGAIN_S
    ensure_names_answer(run, environment_of(app))
    reachability.ensure_names_still_answer(run)
    assert told(app) == []


def test_new_records_of_one_server_are_looked_at_again_when_the_release_is_live(
    server: PowerDns, hosted: HostedZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    run = deployment_of(app)
    ensure_names_answer(run, environment_of(app))
    Release.objects.filter(pk=run.operation.release_id).update(state=ReleaseState.LIVE)
    with pytest.raises(Wait) as again:
        reachability.ensure_names_still_answer(run)
    assert 0 < again.value.seconds <= reachability.AGAIN_S
    # Of a server that says something else by now, the timeline tells; the release stays live.
    provider = PROVIDERS["powerdns"]({"url": server.url, "api_key": server.api_key})
    name = f"{app.public_id}.{ZONE}"
    found = next(record for record in provider.list_records(ZONE) if record.key == (name, "A"))
    provider.apply(ZONE, [Change(found, record_set(name, "A", ["192.0.2.99"], 300))])
    monkeypatch.setattr(reachability, "AGAIN_S", 0)
    reachability.ensure_names_still_answer(run)
    assert "as they should be" in told(app)[0].message
    assert "192.0.2.99" in told(app)[1].message
    reachability.ensure_names_still_answer(run)
    assert len(told(app)) == 2


def test_the_second_look_keeps_no_approved_release_waiting(server: PowerDns, hosted: HostedZone) -> None:
    app = make_app()
    run = deployment_of(app)
    ensure_names_answer(run, environment_of(app))
    make_release(app=app, state=ReleaseState.APPROVED)
    Release.objects.filter(pk=run.operation.release_id).update(state=ReleaseState.LIVE)
    reachability.ensure_names_still_answer(run)
    assert len(told(app)) == 1


def test_servers_that_say_something_else_fail_the_deployment(server: PowerDns, hosted: HostedZone) -> None:
    app = make_app()
    provision(app)
    name = f"{app.public_id}.{ZONE}"
    provider = PROVIDERS["powerdns"]({"url": server.url, "api_key": server.api_key})
    provider.ensure_record(ZONE, record_set(name, "A", ["198.51.100.66"], 300))
    run = deployment_of(app)
    with pytest.raises(OperatorError, match=r"198\.51\.100\.66"):
        look(run)
    assert "wrong" in told(app)[0].message
    DnsRecord.objects.filter(name=name).update(generation=9)
    provider.remove_record(ZONE, record_set(name, "A", ["198.51.100.66"], 300))
    with pytest.raises(OperatorError, match="say something else"):
        look(deployment_of_again(run))


def deployment_of_again(run: Run) -> Run:
    return Run(Operation.objects.get(pk=run.operation.pk), run.fence)


def test_servers_that_are_away_are_waited_for_and_told_once(
    server: PowerDns, hosted: HostedZone, settings: Any
) -> None:
    settings.DNS_TIMEOUT_S, settings.DNS_DEADLINE_S = 0.3, 0.6
    app = make_app()
    provision(app)
    run = deployment_of(app)
    server.suspend()
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match="Berth looks again"):
            look(run)
    server.resume()
    settings.DNS_TIMEOUT_S, settings.DNS_DEADLINE_S = 2.0, 10.0
    look(run)
    assert ["not to be had" in event.message for event in told(app)] == [True, False]


def test_a_resolver_that_follows_an_alias_to_somewhere_else_is_waited_for(
    server: PowerDns, hosted: HostedZone, settings: Any
) -> None:
    settings.DNS_RESOLVERS = [f"{server.address}:{server.port}"]
    HostedZone.objects.update(live_checks=["resolvers"])
    app = make_app()
    provision(app)
    run = deployment_of(app)
    look(run)
    name = f"{app.public_id}.{ZONE}"
    address = record_set(name, "A", ["192.0.2.10"], 300)
    elsewhere = record_set(f"application.{ZONE}", "A", ["198.51.100.66"], 300)
    provider = PROVIDERS["powerdns"]({"url": server.url, "api_key": server.api_key})
    alias = Change(None, record_set(name, "CNAME", [elsewhere.name], 300))
    provider.apply(ZONE, [Change(address, None), alias, Change(None, elsewhere)])
    with pytest.raises(ServiceUnavailable, match=r"says answer 198\.51\.100\.66 for"):
        look(run)


def test_the_edges_public_addresses_are_looked_at_where_the_policy_says_so(
    server: PowerDns, hosted: HostedZone
) -> None:
    app = make_app()
    provision(app)
    HostedZone.objects.update(live_checks=[])
    assert look(deployment_of(app)) == ["192.0.2.10"]


def test_a_wildcard_answers_for_each_name(server: PowerDns, hosted: HostedZone) -> None:
    zone = hosted.zone
    zone.is_wildcard = True
    zone.save()
    app = make_app()
    provision(app)
    look(deployment_of(app))
    assert told(app)[0].data["observations"][0]["name"] == f"{app.public_id}.{ZONE}"
    provider = PROVIDERS["powerdns"]({"url": server.url, "api_key": server.api_key})
    for name, type_ in ((f"*.{ZONE}", "A"), (registry_name(f"*.{ZONE}", "A"), "TXT")):
        found = next(record for record in provider.list_records(ZONE) if record.key == (name, type_))
        provider.remove_record(ZONE, found)


@pytest.mark.django_db(transaction=True)
def test_many_apps_at_once_are_all_answered_for(server: PowerDns, hosted: HostedZone) -> None:
    organization = make_organization()
    apps = [make_app(organization=organization, state=AppState.PROVISIONING) for _ in range(24)]
    at_once = threading.Barrier(4)

    def work(own: list[PluginApp]) -> None:
        at_once.wait()
        try:
            for app in own:
                provision(app)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, apps[start::4]) for start in range(4)]:
            done.result()
    for app in apps:
        assert server.values(f"{app.public_id}.{ZONE}", "A") == ["192.0.2.10"]
        assert server.values(f"{app.public_id}.test.{ZONE}", "A") == ["192.0.2.10"]
