"""Requests that fail while ten releases go live, one after the other, under load."""

from paas.demo.load import Load
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.stage import Stage

RELEASES = 10


def measure(stage: Stage) -> list[Figure]:
    """Four clients ask as fast as they are answered, on connections that they keep; a third of it is POSTs."""
    plugin = stage.plugin
    with Load(stage.platform.edge, plugin.hostname) as load:
        took = []
        for _ in range(RELEASES):
            took.append(plugin.approve(plugin.request()))
            plugin.settle()
    stage.say(f"  {load.get_sent:,} GETs and {load.post_sent:,} POSTs from {load.clients} clients")
    stage.say(f"  {load.reconnects} connections were closed between two requests, and opened again")
    stage.say("  approve to live under load: " + " ".join(f"{seconds:.1f}" for seconds in took) + " s")
    if load.failures:
        stage.say("  failures: " + ", ".join(load.failures))
    return [
        Figure(
            name="failed requests while ten releases go live under load",
            value=load.get_failed + load.post_failed,
            unit="requests",
            reference=f"requests sent while {RELEASES} releases went live",
            reference_value=load.sent,
            target=Target("value", "<=", 0),
        )
    ]
