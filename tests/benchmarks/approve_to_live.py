"""From the reviewer's approval to a live release, against the containers' own start."""

import statistics
import subprocess
import time
from collections import defaultdict
from datetime import datetime
from typing import Any

from tests.benchmarks import limit, peers
from tests.benchmarks.figures import Figure, Target, paired
from tests.benchmarks.stage import Stage, free_ports

RELEASES = 10
MOST_TIMES_THE_LIMIT = 1.5
REFERENCE = "docker run of the same hardened containers until the first 200, and nginx -s reload; p50"


def measure(stage: Stage) -> list[Figure]:
    """Twice ten releases of a running app, each from the call that approves until it is live.

    The first ten follow one another without a pause: people ask for the next and approve it while the deployment before
    it still starts its standby and removes old containers. The second ten wait until that is over, and the limit is
    measured after each of them. For the first ten it is measured five times before and five times after.
    """
    plugin = stage.plugin
    plugin.settle()
    limits = [_limit_s(stage, number) for number in range(RELEASES // 2)]
    without_pause = [plugin.approve(plugin.request()) for _ in range(RELEASES)]
    newest = plugin.settle()
    limits += [_limit_s(stage, number) for number in range(RELEASES // 2, RELEASES)]
    stage.say("  without a pause: " + " ".join(f"{seconds:.2f}" for seconds in without_pause) + " s")
    alone, deployments = [], [newest]
    for number in range(RELEASES, 2 * RELEASES):
        took = plugin.approve(plugin.request())
        deployments.append(plugin.settle())
        alone.append((took, _limit_s(stage, number)))
    stage.say("  alone, and the limit: " + " ".join(f"{took:.2f}/{limit:.2f}" for took, limit in alone) + " s")
    _say_where_the_time_goes(stage, deployments[1:])
    target = Target("ratio", "<=", MOST_TIMES_THE_LIMIT)
    pairs = list(zip(without_pause, limits, strict=True))
    return [
        paired("approve to live, releases one after another without a pause", pairs, "s", REFERENCE, target),
        paired("approve to live, the one before long over", alone, "s", REFERENCE, target),
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
