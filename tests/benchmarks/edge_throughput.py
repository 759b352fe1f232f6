"""Requests per second through the edge's own configuration, against a hand-written nginx with the same upstream."""

import re
import statistics
import subprocess
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from provisioning.edge import EdgeNginx, edge_command
from provisioning.rendering.edge import render_edge_site
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer
from tests.benchmarks import peers
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.stage import Stage, free_ports

HOSTNAME = "app1000001.apps.localhost"
# Many short pairs: what else the machine does then falls on both halves of a pair alike, or on few pairs.
PAIRS = 41
BARE_PAIRS = 5
ROUND_S = 1
CONNECTIONS = 32
Pairs = list[tuple[float, float]]


def measure(stage: Stage) -> list[Figure]:
    """The platform's edge and its peer ask the same live container: for the plugin's page, and for a file beside it.

    PHP takes far longer for a page than any proxy; a file is the cheapest thing that a plugin has, and shows what the
    edge does on top of passing on: access log, request id, headers, limits.
    """
    plugin = stage.plugin
    edge_port = urlsplit(stage.platform.edge).port or 80
    port, upstream = free_ports(1)[0], plugin.live_port()
    with peers.proxy(stage.directory / "peer", port=port, upstream=upstream, hostname=plugin.hostname):
        figures = [
            _figure(stage, name, what, _alternate(edge_port, port, plugin.hostname, path, PAIRS))
            for name, what, path in (
                ("page", "a PHP page", "/"),
                ("file", f"a file of {plugin.STATIC_BYTES} bytes", f"/{plugin.STATIC_FILE}"),
            )
        ]
    _say(stage, "of an nginx that only returns", _bare(stage))
    return figures


def _figure(stage: Stage, name: str, what: str, pairs: Pairs) -> Figure:
    """Value, reference and ratio agree: the value is the median ratio of the pairs times the peer's median."""
    ratio = _say(stage, f"of a live plugin, {what}", pairs)
    reference = statistics.median(theirs for _mine, theirs in pairs)
    return Figure(
        name=f"edge_throughput_{name}",
        value=ratio * reference,
        unit="requests/s",
        reference=f"a hand-written nginx with the same live container, workers and keep-alive; {what}, median of pairs",
        reference_value=reference,
        target=Target("ratio", ">=", 0.95),
        samples=[mine for mine, _theirs in pairs],
    )


def _bare(stage: Stage) -> Pairs:
    """What the edge itself costs, where the upstream costs next to nothing: no plugin is like that."""
    edge_port, peer_port, upstream = free_ports(3)
    with (
        peers.fast_plugin(stage.directory / "fast-plugin", port=upstream),
        peers.proxy(stage.directory / "bare-peer", port=peer_port, upstream=upstream, hostname=HOSTNAME),
        peers.supervised(_edge(stage, edge_port, upstream), port=edge_port, hostname=HOSTNAME),
    ):
        return _alternate(edge_port, peer_port, HOSTNAME, "/", BARE_PAIRS)


def _alternate(edge: int, peer: int, hostname: str, path: str, count: int) -> Pairs:
    """Requests per second of edge and peer, who take turns in going first. A second of each before that is not kept."""
    pairs = []
    for number in range(-1, count):
        order = [edge, peer] if number % 2 else [peer, edge]
        found = {port: _requests_per_s(port, hostname, path) for port in order}
        if number >= 0:
            pairs.append((found[edge], found[peer]))
    return pairs


def _say(stage: Stage, upstream: str, pairs: Pairs) -> float:
    """Prints the ratios, and returns the median."""
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    median = statistics.median(ratios)
    mine, theirs = (statistics.median(pair[index] for pair in pairs) for index in (0, 1))
    stage.say(
        f"  in front {upstream}: {mine:,.0f} and the peer {theirs:,.0f} requests/s, ratio {median:.3f} "
        f"({ratios[0]:.3f} - {ratios[-1]:.3f}, {len(ratios)} pairs, {CONNECTIONS} connections)"
    )
    return median


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


def _requests_per_s(port: int, hostname: str, path: str) -> float:
    """Raises `RuntimeError` where an answer was no 2xx or 3xx, or none came."""
    argv = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{ROUND_S}s"]
    argv += ["--header", f"Host: {hostname}", f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=ROUND_S + 30).stdout
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    if found is None or "Non-2xx" in said or float(found[1]) == 0:
        raise RuntimeError(f"wrk: {said}")
    return float(found[1])
