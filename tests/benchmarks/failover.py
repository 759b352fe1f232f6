"""What visitors notice of a container that is killed under load, and how soon both copies run again."""

import time
from dataclasses import dataclass, field

from django.conf import settings

from paas.demo.load import Load
from tests.benchmarks.engine import docker, published_port
from tests.benchmarks.figures import Figure, Target, paired
from tests.benchmarks.limit import answers_200, seconds_until_first_200
from tests.benchmarks.stage import Stage

ROUNDS = 2
BEFORE_S = 1
# Of one round, under load: with it the share of failed requests does not hang on how soon the repair is done.
ROUND_S = 10
REPAIR_TIMEOUT_S = 40
LOOK_S = 0.1
# The reconciler looks every three seconds, and what it starts takes as long as the containers do by themselves.
MAX_REPAIR_RATIO = 2
PARTS = {"web": "the sidecar's nginx", "app": "php-fpm"}


@dataclass
class Tally:
    gets: int = 0
    gets_failed: int = 0
    posts: int = 0
    posts_failed: int = 0
    reconnects: int = 0
    clients: int = 0
    # Each beside the least that it can take at worst: the reconciler's pause, and the start of the containers.
    repairs_s: list[tuple[float, float]] = field(default_factory=list)

    def add(self, load: Load) -> None:
        self.gets += load.get_sent
        self.gets_failed += load.get_failed
        self.posts += load.post_sent
        self.posts_failed += load.post_failed
        self.reconnects += load.reconnects
        self.clients = load.clients


def measure(stage: Stage) -> list[Figure]:
    """Each container of the live workload is killed with SIGKILL, in turn."""
    plugin = stage.plugin
    tallies = {part: Tally() for part in PARTS}
    for _ in range(ROUNDS):
        for part, tally in tallies.items():
            with Load(stage.platform.edge, plugin.hostname) as load:
                time.sleep(BEFORE_S)
                repair_s = _kill(stage, part)
                time.sleep(max(0.0, ROUND_S - BEFORE_S - repair_s))
            tally.add(load)
            least_s = settings.RECONCILE_INTERVAL_S + seconds_until_first_200(plugin.release_home(), plugin.hostname)
            tally.repairs_s.append((repair_s, least_s))
            if load.failures:
                stage.say(f"  {part}: " + ", ".join(load.failures))
    figures = []
    for part, tally in tallies.items():
        repairs = " ".join(f"{seconds:.1f}" for seconds, _least in tally.repairs_s)
        stage.say(f"  {part} ({PARTS[part]}): {tally.reconnects} reconnects; live and standby again after {repairs} s")
        figures += _figures(part, tally)
    return figures


def _figures(part: str, tally: Tally) -> list[Figure]:
    during = f"sent in {ROUND_S} s around each of {ROUNDS} kills of {PARTS[part]}"
    return [
        Figure(
            f"failed GETs, {PARTS[part]} is killed", tally.gets_failed, "GETs", f"GETs {during}", tally.gets,
            Target("value", "<=", 0),
        ),
        Figure(
            f"failed POSTs, {PARTS[part]} is killed", tally.posts_failed, "POSTs",
            f"as many as can be under way, one of each client ({tally.posts:,} {during})", ROUNDS * tally.clients,
            Target("ratio", "<=", 1),
        ),
        paired(
            f"live and standby again, {PARTS[part]} was killed", tally.repairs_s, "s",
            "the reconciler's pause, and docker run of the same containers until the first 200",
            Target("ratio", "<=", MAX_REPAIR_RATIO),
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
