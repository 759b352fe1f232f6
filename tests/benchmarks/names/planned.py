"""`python -m tests.benchmarks.names.planned URL < KEY`: fills a zone, lets it stray, plans, and tells."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

import requests  # noqa: E402
from django.utils import timezone  # noqa: E402

from provisioning.dns import planner  # noqa: E402
from provisioning.dns.account_calls import AccountCalls  # noqa: E402
from provisioning.dns.records import Change, RecordSet, record_set  # noqa: E402
from provisioning.dns.selectors.zones import wanted_records  # noqa: E402
from provisioning.dns.services.zones import hosted_zone_register  # noqa: E402
from provisioning.models import HostedZone  # noqa: E402
from tenants.apps.choices import AppState, EnvironmentName, Stack  # noqa: E402
from tenants.apps.models.plugin_app import FIRST_NUMBER  # noqa: E402
from tenants.models import Environment, Organization, PluginApp, Subdomain, User  # noqa: E402
from tests.benchmarks.access.world import create  # noqa: E402
from tests.benchmarks.names.planning import ADDRESS, APPS, CHANGED, GONE, RECORDS, ZONE  # noqa: E402

ROUNDS = 5


def main(url: str, api_key: str) -> None:
    hosted = _hosted(url, api_key)
    _fill(hosted)
    found: dict[str, list[Any]] = {name: [] for name in ("rows_s", "listing_s", "planner_s", "bare_s", "calls")}
    zone = hosted.zone.name
    for _ in range(ROUNDS):
        calls = AccountCalls(hosted.account)
        wanted = _timed(found["rows_s"], lambda: wanted_records(hosted, timezone.now()))
        actual = _timed(found["listing_s"], lambda calls=calls: calls.list_records(zone))
        plan = _timed(
            found["planner_s"],
            lambda wanted=wanted, actual=actual: planner.plan(zone, wanted, actual, hosted.owner),
        )
        if (len(plan.creates), len(plan.updates), len(plan.deletes), len(plan.conflicts)) != (GONE, CHANGED, 0, 0):
            raise RuntimeError("the plan is not of what has strayed")
        found["calls"].append(calls.calls)
        _timed(found["bare_s"], lambda: _bare(url, api_key))
    print(json.dumps({**found, "record_sets": len(actual)}))


def _hosted(url: str, api_key: str) -> HostedZone:
    hosted = hosted_zone_register(
        zone_name=ZONE,
        account_name="benchmark",
        provider="powerdns",
        settings={"url": url},
        secrets={"api_key": api_key},
        nameservers=["127.0.0.1:53"],
    )
    hosted.targets = [ADDRESS]
    hosted.save()
    owner = User.objects.create(username="owner")
    organization = Organization.objects.create(name="Large", slug="large")
    apps = create(
        PluginApp(
            number=FIRST_NUMBER + place,
            organization=organization,
            name=f"Plugin {place}",
            slug=f"plugin{place}",
            stack=Stack.PHP,
            state=AppState.ACTIVE,
            created_by=owner,
        )
        for place in range(APPS)
    )
    environments = create(Environment(app=app, name=name) for app in apps for name in EnvironmentName.values)
    create(
        Subdomain(
            environment=environment,
            hostname=f"{environment.app.public_id}{'.test' * (environment.name == 'test')}.{ZONE}",
            zone=hosted.zone,
        )
        for environment in environments
    )
    return hosted


def _fill(hosted: HostedZone) -> None:
    """All records, by the plan for an empty zone; then some are changed behind Berth's back."""
    zone, calls = hosted.zone.name, AccountCalls(hosted.account)
    plan = planner.plan(zone, wanted_records(hosted, timezone.now()), calls.list_records(zone), hosted.owner)
    if len(plan.creates) != RECORDS:
        raise RuntimeError(f"{len(plan.creates)} records are planned for an empty zone")
    for batch in planner.batches(plan.items, calls.capabilities.batch_size):
        calls.apply(zone, batch)
    made = [item.after for item in plan.creates if item.after is not None]
    strayed = [Change(record, _elsewhere(record)) for record in made[:CHANGED]]
    strayed += [Change(record, None) for record in made[CHANGED : CHANGED + GONE]]
    for start in range(0, len(strayed), calls.capabilities.batch_size):
        calls.apply(zone, strayed[start : start + calls.capabilities.batch_size])


def _elsewhere(record: RecordSet) -> RecordSet:
    return record_set(record.name, record.type, ["198.51.100.1"], record.ttl_s)


def _timed(samples: list[float], call: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    found = call()
    samples.append(time.perf_counter() - started)
    return found


def _bare(url: str, api_key: str) -> None:
    path = f"{url}/api/v1/servers/localhost/zones/{ZONE}."
    requests.get(path, headers={"X-API-Key": api_key}, timeout=60).json()


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.read())
