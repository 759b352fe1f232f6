"""What visitors notice of a container that is killed under load, and how soon both copies run again."""

import statistics
import time
from dataclasses import dataclass, field

from paas.demo.load import Load
from tests.benchmarks.engine import docker, published_port
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.limit import answers_200
from tests.benchmarks.stage import Stage

ROUNDS = 2
BEFORE_S = 1
# Of one round, under load: with it the share of failed requests does not hang on how soon the repair is done.
ROUND_S = 10
REPAIR_TIMEOUT_S = 40
LOOK_S = 0.1
MAX_REPAIR_S = 10
MAX_POST_SHARE = 0.001
PARTS = {"web": "the sidecar's nginx", "app": "php-fpm"}


@dataclass
class Tally:
    gets: int = 0
    gets_failed: int = 0
    posts: int = 0
    posts_failed: int = 0
    reconnects: int = 0
    repairs_s: list[float] = field(default_factory=list)

    def add(self, load: Load) -> None:
        self.gets += load.get_sent
        self.gets_failed += load.get_failed
        self.posts += load.post_sent
        self.posts_failed += load.post_failed
        self.reconnects += load.reconnects


def measure(stage: Stage) -> list[Figure]:
    """Each container of the live workload is killed with SIGKILL, in turn."""
    plugin = stage.plugin
    tallies = {part: Tally() for part in PARTS}
    for _ in range(ROUNDS):
        for part, tally in tallies.items():
            with Load(stage.platform.edge, plugin.hostname) as load:
                time.sleep(BEFORE_S)
                tally.repairs_s.append(_kill(stage, part))
                time.sleep(max(0.0, ROUND_S - BEFORE_S - tally.repairs_s[-1]))
            tally.add(load)
            if load.failures:
                stage.say(f"  {part}: " + ", ".join(load.failures))
    figures = []
    for part, tally in tallies.items():
        repairs = " ".join(f"{seconds:.1f}" for seconds in tally.repairs_s)
        stage.say(f"  {part} ({PARTS[part]}): {tally.reconnects} reconnects; live and standby again after {repairs} s")
        figures += _figures(part, tally)
    return figures


def _figures(part: str, tally: Tally) -> list[Figure]:
    during = f"sent in {ROUND_S} s around each of {ROUNDS} kills of {PARTS[part]}"
    return [
        Figure(
            f"failover_{part}_gets", tally.gets_failed, "failed GETs", f"GETs {during}", tally.gets,
            Target("value", "<=", 0),
        ),
        Figure(
            f"failover_{part}_posts", tally.posts_failed, "failed POSTs", f"POSTs {during}", tally.posts,
            Target("ratio", "<=", MAX_POST_SHARE),
        ),
        Figure(
            f"failover_{part}_repair", statistics.median(tally.repairs_s), "s",
            "the limit, from docker kill until live and standby run and answer", MAX_REPAIR_S,
            Target("value", "<=", MAX_REPAIR_S), tally.repairs_s,
        ),
    ]  # fmt: skip


def _kill(stage: Stage, part: str) -> float:
    """Seconds from the kill until all containers of the environment run and both web ports answer."""
    plugin, victim = stage.plugin, f"live-{part}"
    before = plugin.containers()
    ports = [published_port(container) for name, container in before.items() if name.endswith("-web")]
    died = before[victim]["State"]["StartedAt"]
    started = time.monotonic()
    docker("kill", before[victim]["Id"])
    while time.monotonic() - started < REPAIR_TIMEOUT_S:
        states = {name: container["State"] for name, container in plugin.containers().items()}
        is_complete = states.keys() == before.keys() and all(state["Running"] for state in states.values())
        is_restarted = is_complete and states[victim]["StartedAt"] != died
        if is_restarted and all(answers_200(port, plugin.hostname) for port in ports):
            return time.monotonic() - started
        time.sleep(LOOK_S)
    raise TimeoutError(f"{victim} did not run again within {REPAIR_TIMEOUT_S} s")
