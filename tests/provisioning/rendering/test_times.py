"""The rendered files keep all times of a request's way in their order.

Of two parts the one nearer to the plugin gives up first, and a part that is told to end has longer than a request.
"""

import json
import re
from pathlib import PurePosixPath

import pytest

from provisioning.containers.docker_engine import STOP_TIMEOUT_S
from provisioning.containers.rendering.compose import render_compose
from provisioning.containers.rendering.php_fpm import render_php_fpm
from provisioning.containers.rendering.sidecar import render_sidecar_nginx
from provisioning.edge.rendering.fallback import render_fallback_pool, render_fallback_server
from provisioning.edge.rendering.sites import render_edge_main, render_edge_site
from provisioning.rendering.specs import EdgeSpec, FallbackSpec, SiteSpec, UpstreamServer
from provisioning.rendering.times import TIMES, Times
from tests.provisioning.rendering.specs import IMAGES, release_spec

PROMISED_S = 60


def seconds(text: str, directive: str) -> int:
    """The time that each mention of the directive says; all must say the same."""
    found = set(re.findall(rf"^\s*{re.escape(directive)}(?: =)? (\d+)s?;?$", text, re.MULTILINE))
    assert len(found) == 1, (directive, found)
    return int(found.pop())


def kib(text: str, directive: str) -> int:
    found = re.findall(rf"^\s*{directive} (\d+)k;$", text, re.MULTILINE)
    assert len(found) == 1, (directive, found)
    return int(found[0])


EDGE = render_edge_main(
    EdgeSpec(home=PurePosixPath("/srv/edge"), listen_address="127.0.0.1", listen_port=8080, user="www-data")
)
SITE = render_edge_site(
    SiteSpec(
        app_id="app1000001",
        environment="production",
        hostnames=("a.example.org",),
        servers=(UpstreamServer(address="127.0.0.1", port=2000),),
    )
)
FALLBACK = FallbackSpec(
    app_id="app1000001", environment="production", deployment=1, stack="php", port=2000, uid=300_001, memory_mib=256,
    pids=64, disk_mib=64, home=PurePosixPath("/srv/fallback"), code=PurePosixPath("/srv/code"), worker_user="www-data",
)  # fmt: skip
SIDECAR, POOL = render_sidecar_nginx(release_spec()), render_php_fpm(release_spec())
SERVERS = {
    "containers": (SIDECAR, POOL),
    "fallback": (render_fallback_server(FALLBACK), render_fallback_pool(FALLBACK)),
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_part_that_is_nearer_to_the_plugin_gives_up_first(name: str) -> None:
    server, pool = SERVERS[name]
    # The alive check has its own, shorter one.
    silent = seconds(server.replace("fastcgi_read_timeout 2s;", ""), "fastcgi_read_timeout")
    waiting, connecting = seconds(server, "fastcgi_send_timeout"), seconds(server, "fastcgi_connect_timeout")
    terminated = seconds(pool, "request_terminate_timeout")
    assert silent == waiting == PROMISED_S < terminated
    # A body that waits for a worker, the answer to it, and the question whether php-fpm lives.
    assert connecting + waiting + silent + 2 + connecting < seconds(EDGE, "proxy_read_timeout")
    # A client that is slow is the edge's to let go: else a server would close on the edge, as a dead one does.
    for slow in ("client_body_timeout", "client_header_timeout"):
        assert seconds(EDGE, slow) < seconds(server, slow)
    assert seconds(EDGE, "send_timeout") < seconds(server, "send_timeout")
    # It is the edge that ends an idle connection.
    assert seconds(SITE, "keepalive_timeout") < seconds(server, "keepalive_timeout")
    # All headers that a sidecar lets pass fit in the edge, with its own.
    assert kib(server, "fastcgi_buffer_size") + 4 <= kib(EDGE, "proxy_buffer_size")


def test_a_part_that_is_told_to_end_has_longer_than_a_request_may_take() -> None:
    terminated = seconds(POOL, "request_terminate_timeout")
    ends = [
        seconds(EDGE, "worker_shutdown_timeout"),
        seconds(SIDECAR, "worker_shutdown_timeout"),
        seconds(POOL, "process_control_timeout"),
    ]
    assert PROMISED_S < terminated < min(ends)
    services = json.loads(render_compose(release_spec(), IMAGES))["services"].values()
    grace = {int(service["stop_grace_period"].removesuffix("s")) for service in services}
    assert grace == {STOP_TIMEOUT_S}
    assert max(ends) < STOP_TIMEOUT_S


@pytest.mark.parametrize("request_s", [1, 2, 60, 600])
def test_the_order_holds_whatever_is_promised(request_s: int) -> None:
    times = Times(request_s=request_s)
    assert times.request_s < times.terminate_s < times.shutdown_s < times.stop_s
    assert 2 * times.request_s < times.edge_read_s
    assert TIMES.request_s == PROMISED_S
