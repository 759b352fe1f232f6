"""Requests per second through the edge's own configuration, against a hand-written nginx with the same upstream."""

import contextlib
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from provisioning.edge import EdgeNginx, edge_command
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer
from tests.benchmarks import peers
from tests.benchmarks.figures import Figure, Target, paired
from tests.benchmarks.stage import Stage, free_ports

HOSTNAME = "app1000001.apps.localhost"
# Many short pairs: what else the machine does then falls on both halves of a pair alike, or on few pairs.
PAIRS = 41
BARE_PAIRS = 5
ROUND_S = 1
CONNECTIONS = 32
# The edge does more for a request: a random id, a log line in JSON, limits on connections, headers that it
# replaces. Beside the container and the load that is a few per cent, of its own processor time it is more.
LEAST_OF_THE_PEER, MOST_CPU_OF_THE_PEER = 0.95, 1.35


@dataclass(frozen=True)
class Round:
    """The requests of one second through one of the two, and the processor time of its own processes for each."""

    rate: float
    cpu_us: float


Pairs = list[tuple[Round, Round]]
# The state of a socket in /proc/net/tcp.
_LISTEN = "0A"


def measure(stage: Stage) -> list[Figure]:
    """The platform's edge and its peer ask the same live container: for the plugin's page, and for a file beside it.

    PHP takes far longer for a page than any proxy; a file is the cheapest thing that a plugin has, and shows what the
    edge does on top of passing on: access log, request id, headers, limits.
    """
    plugin = stage.plugin
    edge_port = urlsplit(stage.platform.edge).port or 80
    port, upstream = free_ports(1)[0], plugin.live_port()
    figures: list[Figure] = []
    with peers.proxy(stage.directory / "peer", port=port, upstream=upstream, hostname=plugin.hostname):
        for what, path in (
            ("a PHP page", "/"),
            (f"a file of {plugin.STATIC_BYTES} bytes", f"/{plugin.STATIC_FILE}"),
        ):
            figures += _figures(stage, what, _alternate(edge_port, port, plugin.hostname, path, PAIRS))
    _say(stage, "of an nginx that only returns", _bare(stage))
    return figures


def _figures(stage: Stage, what: str, pairs: Pairs) -> list[Figure]:
    """Requests a second, which hang on what else is there to do, and the processor's time for one, which does not."""
    _say(stage, f"of a live plugin, {what}", pairs)
    reference = "a hand-written nginx with the same live container, workers and keep-alive"
    return [
        paired(
            f"requests through the edge, {what}",
            [(mine.rate, theirs.rate) for mine, theirs in pairs],
            "a second",
            reference,
            Target("ratio", ">=", LEAST_OF_THE_PEER),
        ),
        paired(
            f"processor time of the edge for one request, {what}",
            [(mine.cpu_us, theirs.cpu_us) for mine, theirs in pairs],
            "µs",
            reference,
            Target("ratio", "<=", MOST_CPU_OF_THE_PEER),
        ),
    ]


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
    """A round of edge and peer each, who take turns in going first. A second of each before that is not kept."""
    pairs = []
    processes = {port: _listening(port) for port in (edge, peer)}
    for number in range(-1, count):
        order = [edge, peer] if number % 2 else [peer, edge]
        found = {port: _round(port, processes[port], hostname, path) for port in order}
        if number >= 0:
            pairs.append((found[edge], found[peer]))
    return pairs


def _say(stage: Stage, upstream: str, pairs: Pairs) -> None:
    for what, unit, kept in (
        ("requests", "a second", [(mine.rate, theirs.rate) for mine, theirs in pairs]),
        ("processor time", "µs a request", [(mine.cpu_us, theirs.cpu_us) for mine, theirs in pairs]),
    ):
        ratios = [mine / theirs for mine, theirs in kept]
        mine, theirs = (statistics.median(pair[index] for pair in kept) for index in (0, 1))
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        stage.say(
            f"  in front {upstream}: {what} {mine:,.1f}, and of the peer {theirs:,.1f} {unit}, ratio {middle:.3f} "
            f"({low:.3f} to {high:.3f}, {len(ratios)} pairs, {CONNECTIONS} connections)"
        )


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


def _round(port: int, processes: list[int], hostname: str, path: str) -> Round:
    """Raises `RuntimeError` where an answer was no 2xx or 3xx, or none came."""
    argv = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{ROUND_S}s"]
    argv += ["--header", f"Host: {hostname}", f"http://127.0.0.1:{port}{path}"]
    before = _cpu_us(processes)
    said = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=ROUND_S + 30).stdout
    cpu_us = _cpu_us(processes) - before
    rate, count = (re.search(words, said) for words in (r"Requests/sec:\s+([0-9.]+)", r"([0-9]+) requests in"))
    if rate is None or count is None or "Non-2xx" in said or float(rate[1]) == 0:
        raise RuntimeError(f"wrk: {said}")
    return Round(float(rate[1]), cpu_us / int(count[1]))


def _listening(port: int) -> list[int]:
    """The processes that have a socket that listens on the port: an nginx and its workers."""
    wanted = f":{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{fields[9]}]" for fields in lines if fields[1].endswith(wanted) and fields[3] == _LISTEN}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(fd.readlink()) in sockets for fd in (entry / "fd").iterdir()):
                found.append(int(entry.name))
    if not found:
        raise RuntimeError(f"nobody listens on port {port}")
    return found


def _cpu_us(processes: list[int]) -> float:
    """The processor time of the processes until now."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in processes) / 1000
