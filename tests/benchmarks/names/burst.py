"""100 apps that are created at once: every record is there once, and the calls that it took."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from paas.demo.client import ApiClient
from provisioning.dns.providers.powerdns import PowerDns
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.names.server import Server
from tests.benchmarks.plugin import person
from tests.benchmarks.stage import Stage

APPS = 100
# Each with a production and a test environment; beside each record stands one that says whose it is.
RECORDS = 2 * APPS
SENDERS = 20
TIMEOUT_S = 300


def measure(stage: Stage) -> list[Figure]:
    platform = stage.platform
    server, developer = Server(platform), person(platform, "burst")
    developer.post("/organizations/", {"name": "Burst", "slug": "burst"})
    server.log_calls()
    before = len(server.calls())
    started = time.monotonic()
    # While no worker runs: all of them wait when one comes.
    platform.supervisor("stop", "worker")
    with ThreadPoolExecutor(SENDERS) as senders:
        created = list(senders.map(lambda number: _create(developer, number), range(APPS)))
    platform.supervisor("start", "worker")
    for app in created:
        developer.wait_for(f"/apps/{app}/", states={"active"}, bad={"failed"}, timeout_s=TIMEOUT_S)
    took_s = time.monotonic() - started
    calls = server.calls()[before:]
    wrong = wrong_records(server.record_sets(), created, platform.apps_domain)
    # Each writer looks before it acts and reads back what it wrote.
    writes = sum(call.method == "PATCH" for call in calls)
    needed = math.ceil(2 * RECORDS / _batch_size())
    stage.say(f"  {APPS} apps active after {took_s:.1f} s; {writes} writes, {len(calls) - writes} listings")
    return [
        Figure(
            "records lost or doubled, 100 apps at once",
            len(wrong),
            "records",
            f"the {RECORDS} records and as many of their owner that there should be",
            2 * RECORDS,
            Target("value", "<=", 0),
        ),
        Figure(
            "calls that write, 100 apps at once",
            writes,
            "calls",
            f"what the batch size requires ({2 * RECORDS} record sets, {_batch_size()} a call)",
            needed,
            Target("ratio", "<=", 1),
        ),
    ]


def _create(developer: ApiClient, number: int) -> str:
    client = ApiClient(developer.api)
    client.session.headers.update(developer.session.headers)
    app = client.post("/apps/", {"organization": "burst", "name": "One", "slug": f"one-{number}", "stack": "php"})
    return str(app["id"])


def _batch_size() -> int:
    return PowerDns({"url": "http://127.0.0.1:1", "api_key": "unused"}).capabilities.batch_size


def wrong_records(record_sets: Sequence[Mapping[str, Any]], apps: Sequence[str], zone: str) -> list[str]:
    """The names and types of which there is not exactly one record with exactly one value."""
    names = [f"{app}{part}.{zone}." for app in apps for part in ("", ".test")]
    wanted = {(name, "A") for name in names} | {(f"_berth-owner.a.{name}", "TXT") for name in names}
    found = Counter((entry["name"], entry["type"]) for entry in record_sets for _ in entry["records"])
    return sorted(f"{name} {type_}" for name, type_ in wanted if found[(name, type_)] != 1)
