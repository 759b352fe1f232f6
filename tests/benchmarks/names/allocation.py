"""From the call that creates an app to an authoritative answer for its hostname, against a bare change of the zone."""

import time

from tests.benchmarks.figures import Figure, Target, paired
from tests.benchmarks.names.server import Server
from tests.benchmarks.plugin import person
from tests.benchmarks.stage import Stage

APPS = 30
MOST_TIMES_THE_PATCH = 25
TIMEOUT_S = 60


def measure(stage: Stage) -> list[Figure]:
    platform = stage.platform
    server, developer = Server(platform), person(platform, "names")
    developer.post("/organizations/", {"name": "Names", "slug": "names"})
    took, bare = [], []
    for number in range(APPS):
        started = time.monotonic()
        created = developer.post(
            "/apps/", {"organization": "names", "name": "Named", "slug": f"named-{number}", "stack": "php"}
        )
        server.wait_for(f"{created['id']}.{platform.apps_domain}")
        took.append(1000 * (time.monotonic() - started))
        developer.wait_for(f"/apps/{created['id']}/", states={"active"}, bad={"failed"}, timeout_s=TIMEOUT_S)
        bare.append(_bare_ms(server, f"bare-{number}.{platform.apps_domain}"))
    stage.say("  each: " + " ".join(f"{each:.0f}" for each in took) + " ms")
    stage.say("  bare: " + " ".join(f"{each:.1f}" for each in bare) + " ms")
    return [
        paired(
            "app created until its hostname is answered with authority",
            list(zip(took, bare, strict=True)),
            "ms",
            "a bare PATCH of the same PowerDNS until its answer; p50",
            Target("ratio", "<=", MOST_TIMES_THE_PATCH),
        )
    ]


def _bare_ms(server: Server, name: str) -> float:
    """The least that it takes to have a name answered for: one call. The name is gone afterwards."""
    found = {"name": f"{name}.", "type": "A", "ttl": 60, "changetype": "REPLACE", "records": [{"content": "127.0.0.1"}]}
    started = time.monotonic()
    server.patch([found])
    server.wait_for(name)
    took = 1000 * (time.monotonic() - started)
    server.patch([{"name": f"{name}.", "type": "A", "changetype": "DELETE"}])
    return took
