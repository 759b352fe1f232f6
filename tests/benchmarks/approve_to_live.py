"""From the reviewer's approval to a live release, against the containers' own start."""

import statistics
import subprocess
import time
from collections import defaultdict
from datetime import datetime
from typing import Any

from tests.benchmarks import limit, peers
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.stage import Stage, free_ports

RELEASES = 10
LIMIT_ROUNDS = 5
LIMIT_S = 4
LIMIT_RATIO = 5


def measure(stage: Stage) -> list[Figure]:
    """Ten releases of a running app, each from the call that approves until the API says live."""
    plugin = stage.plugin
    took, deployments = [], []
    for _ in range(RELEASES):
        release = plugin.request()
        took.append(plugin.approve(release))
        deployments.append(plugin.settle())
    stage.say("  each: " + " ".join(f"{seconds:.2f}" for seconds in took) + " s")
    _say_where_the_time_goes(stage, deployments)
    floor = [_limit_s(stage, number) for number in range(LIMIT_ROUNDS)]
    stage.say("  docker run until 200 + nginx -s reload: " + " ".join(f"{seconds:.2f}" for seconds in floor) + " s")
    reference = "docker run of the same hardened containers until the first 200, and nginx -s reload; p50"
    p50, reference_value = statistics.median(took), statistics.median(floor)
    return [
        Figure("approve_to_live", p50, "s", reference, reference_value, Target("value", "<=", LIMIT_S), took),
        Figure(
            "approve_to_live_by_limit", p50, "s", reference, reference_value, Target("ratio", "<=", LIMIT_RATIO), took
        ),
    ]


def _limit_s(stage: Stage, number: int) -> float:
    """Containers of the newest release, and one reload of an nginx that proxies to them."""
    plugin = stage.plugin
    started_s = limit.seconds_until_first_200(plugin.release_home(), plugin.hostname)
    upstream, port = free_ports(2)
    with (
        peers.fast_plugin(stage.directory / f"limit-{number}-plugin", port=upstream),
        peers.proxy(
            stage.directory / f"limit-{number}", port=port, upstream=upstream, hostname="plugin.example"
        ) as argv,
    ):
        before = time.monotonic()
        subprocess.run([*argv, "-s", "reload"], check=True, capture_output=True, timeout=10)
        return started_s + time.monotonic() - before


def _say_where_the_time_goes(stage: Stage, deployments: list[dict[str, Any]]) -> None:
    """The median of each step, in the order of the steps; the pause before the first is the worker's wake-up."""
    lengths: dict[str, list[float]] = defaultdict(list)
    for deployment in deployments:
        for step in deployment["steps"]:
            began, ended = (datetime.fromisoformat(step[key]) for key in ("started_at", "finished_at"))
            lengths[step["name"]].append((ended - began).total_seconds())
    stage.say("  steps, p50: " + ", ".join(f"{name} {statistics.median(found):.2f}" for name, found in lengths.items()))
