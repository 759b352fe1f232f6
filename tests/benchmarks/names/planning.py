"""A plan over 10,000 records, on a PowerDNS that holds them, and without one: the planner alone."""

import json
import os
import statistics
import subprocess
import sys
from typing import Any

from paas.settings.env import ROOT
from tests.benchmarks.figures import Figure, Target, paired
from tests.benchmarks.stage import Stage
from tests.name_servers.powerdns import running_powerdns
from tests.name_servers.server import zone_file

ZONE = "plans.example"
APPS = 5_000
# A production and a test environment each; beside each record stands one that says whose it is.
RECORDS = 2 * APPS
ADDRESS = "192.0.2.10"
# What has strayed since: these names are gone, and these point elsewhere.
GONE, CHANGED = 50, 50
MOST_TIMES_THE_LISTING, MOST_FOR_THE_PLANNER = 4, 1.5
PLANNED = "tests.benchmarks.names.planned"


def measure(stage: Stage) -> list[Figure]:
    directory = stage.directory / "planning"
    directory.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BERTH_", "FORGE_"))}
    environment |= {"DJANGO_SETTINGS_MODULE": "paas.settings.test", "BERTH_HOME": str(directory / "home")}
    with running_powerdns(directory, {ZONE: zone_file(ZONE)}) as server:
        _run(environment, "manage.py", "migrate", "--verbosity=0")
        said = _run(environment, "-m", PLANNED, server.url, stdin=server.api_key)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    stage.say(
        f"  {found['record_sets']:,} record sets; rows {statistics.median(found['rows_s']):.2f} s, "
        f"listing {statistics.median(found['listing_s']):.2f} s, planner {statistics.median(found['planner_s']):.2f} s"
    )
    whole = [sum(parts) for parts in zip(found["rows_s"], found["listing_s"], found["planner_s"], strict=True)]
    reference = "a listing of the same zone by a bare GET, read as JSON; p50"
    planner, bare = found["planner_s"], found["bare_s"]
    return [
        paired(
            "plan of 10,000 records on PowerDNS",
            list(zip(whole, bare, strict=True)),
            "s",
            reference,
            Target("ratio", "<=", MOST_TIMES_THE_LISTING),
        ),
        paired(
            "the planner alone, 10,000 records",
            list(zip(planner, bare, strict=True)),
            "s",
            reference,
            Target("ratio", "<=", MOST_FOR_THE_PLANNER),
        ),
        Figure(
            "listings for a plan of a zone",
            max(found["calls"]),
            "calls",
            "one",
            1,
            Target("value", "<=", 1),
        ),
    ]


def _run(environment: dict[str, str], *arguments: str, stdin: str = "") -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment, cwd=ROOT, input=stdin, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
