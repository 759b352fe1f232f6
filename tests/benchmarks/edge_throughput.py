"""Requests per second through the edge's own configuration, against a hand-written nginx with the same upstream."""

import re
import statistics
import subprocess
from contextlib import ExitStack
from pathlib import PurePosixPath

from provisioning.edge import EdgeNginx, edge_command
from provisioning.rendering.edge import render_edge_site
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer
from tests.benchmarks import peers
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.stage import Stage, free_ports

HOSTNAME = "app1000001.apps.localhost"
# Many short pairs: what else the machine does then falls on both halves of a pair alike, or on few pairs.
PAIRS = 21
ROUND_S = 1
CONNECTIONS = 32


def measure(stage: Stage) -> list[Figure]:
    """Rounds alternate, so that what else the machine does falls on both; the ratio is the median over the pairs."""
    edge_port, peer_port, plugin_port = free_ports(3)
    with ExitStack() as running:
        running.enter_context(peers.fast_plugin(stage.directory / "fast-plugin", port=plugin_port))
        running.enter_context(
            peers.proxy(stage.directory / "peer", port=peer_port, upstream=plugin_port, hostname=HOSTNAME)
        )
        argv = _edge(stage, edge_port, plugin_port)
        running.enter_context(peers.supervised(argv, port=edge_port, hostname=HOSTNAME))
        _requests_per_s(edge_port, seconds=1)
        _requests_per_s(peer_port, seconds=1)
        pairs = []
        for number in range(PAIRS):
            order = [edge_port, peer_port] if number % 2 else [peer_port, edge_port]
            found = {port: _requests_per_s(port, seconds=ROUND_S) for port in order}
            pairs.append((found[edge_port], found[peer_port]))
    edge, peer = ([pair[index] for pair in pairs] for index in (0, 1))
    ratios = [mine / theirs for mine, theirs in pairs]
    stage.say("  ratios of the pairs: " + " ".join(f"{ratio:.3f}" for ratio in sorted(ratios)))
    stage.say(
        f"  the peer: {min(peer):,.0f} - {max(peer):,.0f} requests/s; {CONNECTIONS} connections, {ROUND_S} s each"
    )
    ratio = statistics.median(ratios)
    return [
        Figure(
            name="edge_throughput",
            # Of the pair's ratio and the peer's median, so that value, reference and ratio agree.
            value=ratio * statistics.median(peer),
            unit="requests/s",
            reference="a hand-written nginx with the same upstream, workers and keep-alive; median of pairs",
            reference_value=statistics.median(peer),
            target=Target("ratio", ">=", 0.95),
            samples=edge,
        )
    ]


def _edge(stage: Stage, port: int, upstream: int) -> list[str]:
    """Renders the edge's configuration as the platform does, with a live server and a backup."""
    spec = EdgeSpec(
        home=PurePosixPath(stage.directory / "edge"),
        listen_address="127.0.0.1",
        listen_port=port,
        user=peers.USER,
        worker_processes=peers.WORKERS,
    )
    site = SiteSpec(
        app_id="app1000001",
        environment="production",
        hostnames=(HOSTNAME,),
        servers=(
            UpstreamServer(address="127.0.0.1", port=upstream),
            UpstreamServer(address="127.0.0.1", port=upstream, is_backup=True),
        ),
    )
    edge = EdgeNginx(spec)
    edge.ensure_main()
    (edge.home / "sites" / f"{site.name}.conf").write_text(render_edge_site(site))
    return edge_command(spec)


def _requests_per_s(port: int, *, seconds: int) -> float:
    """Raises `RuntimeError` where an answer was no 2xx or 3xx."""
    argv = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    argv += ["--header", f"Host: {HOSTNAME}", f"http://127.0.0.1:{port}/"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=seconds + 30).stdout
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    if found is None or "Non-2xx" in said:
        raise RuntimeError(f"wrk: {said}")
    return float(found[1])
