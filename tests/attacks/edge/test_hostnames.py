"""C1: text in a hostname that would become configuration. Refused by name; where nothing refused it, it would work."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from provisioning.edge.rendering.sites import STATUS_HOSTNAME, render_edge_main, render_edge_site
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer
from tests.provisioning.edge.running import RunningEdge, hostname

GOOD = SiteSpec(
    app_id="app1000001",
    environment="production",
    hostnames=("app1000001.apps.localhost",),
    servers=(UpstreamServer(address="127.0.0.1", port=20000),),
)
EDGE = EdgeSpec(home=PurePosixPath("/srv/edge"), listen_address="127.0.0.1", listen_port=8080, user="www-data")
INJECTION = 'a.com; } server { include listen.conf; server_name stolen.test; return 200 "injected"'


@pytest.mark.parametrize(
    "name", ["app1000001.apps.localhost", "xn--bcher-kva.example", "a-b.c9.test", "a" * 63 + ".test"]
)
def test_ordinary_names_are_served(name: str) -> None:
    assert f"server_name {name};" in render_edge_site(replace(GOOD, hostnames=(name,)))


@pytest.mark.parametrize(
    "name",
    [
        INJECTION,
        "a.com\n",
        "\na.com",
        "a.com b.com",
        "a.com;",
        "a.com#",
        "~^(.*)$",
        "~.",
        "*.apps.localhost",
        "*",
        "_",
        "",
        ".apps.localhost",
        "apps.localhost.",
        '"a.com"',
        "'a.com'",
        "${host}.com",
        "$host",
        "a.com\\",
        "a..com",
        "-a.com",
        "a-.com",
        "a_b.com",
        "A.com",
        "b\u00fccher.example",
        "a\u3002com",
        "a.com\x00",
        "a/b.com",
        "../a.com",
        "127.0.0.1",
        "[::1]",
        "1.2.3",
        "localhost",
        "a" * 64 + ".test",
        "a." * 125 + "test",
        "a.com:80",
        STATUS_HOSTNAME,
    ],
)
def test_hostname_that_is_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^hostnames: "):
        render_edge_site(replace(GOOD, hostnames=("app1000001.apps.localhost", name)))


def test_injection_would_work_if_nothing_refused_it(edge: RunningEdge) -> None:
    """The control: the same text, put into the file past the check, serves a hostname that the app does not have."""
    soft = render_edge_site(GOOD).replace(GOOD.hostnames[0], INJECTION)
    edge.edge.apply({GOOD.name: soft})
    assert edge.get("stolen.test").body == "injected"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("app_id", {"app_id": "app1000001/../.."}),
        ("app_id", {"app_id": "app1000001;"}),
        ("app_id", {"app_id": "app1000001\n"}),
        ("app_id", {"app_id": "$host"}),
        ("environment", {"environment": "staging"}),
        ("environment", {"environment": "production\n"}),
        ("hostnames", {"hostnames": ()}),
        ("hostnames", {"hostnames": ("a.test", "a.test")}),
        ("servers.address", {"servers": (UpstreamServer(address="127.0.0.1:80", port=1),)}),
        ("servers.address", {"servers": (UpstreamServer(address="unix:/var/run/docker.sock", port=1),)}),
        ("servers.address", {"servers": (UpstreamServer(address="localhost", port=1),)}),
        ("servers.address", {"servers": (UpstreamServer(address="0.0.0.0", port=80),)}),
        ("servers.port", {"servers": (UpstreamServer(address="127.0.0.1", port=0),)}),
        ("servers.port", {"servers": (UpstreamServer(address="127.0.0.1", port=65_536),)}),
        ("servers.port", {"servers": (UpstreamServer(address="127.0.0.1", port=True),)}),
        ("servers", {"servers": (UpstreamServer(address="127.0.0.1", port=1, is_backup=True),)}),
    ],
)
def test_site_with_a_value_outside_its_range_is_refused(field: str, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        render_edge_site(replace(GOOD, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("home", {"home": PurePosixPath("/srv/edge; }")}),
        ("home", {"home": PurePosixPath("/srv/../etc")}),
        ("home", {"home": PurePosixPath("relative")}),
        ("listen_address", {"listen_address": "127.0.0.1 default_server; #"}),
        ("listen_port", {"listen_port": "8080"}),
        ("user", {"user": "root; env SECRET"}),
        ("worker_processes", {"worker_processes": 0}),
        ("worker_shutdown_timeout_s", {"worker_shutdown_timeout_s": -1}),
        ("read_timeout_s", {"read_timeout_s": 0}),
    ],
)
def test_edge_with_a_value_outside_its_range_is_refused(field: str, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        render_edge_main(replace(EDGE, **change))  # type: ignore[arg-type]


def test_name_of_the_longest_kind_is_served(edge: RunningEdge) -> None:
    longest = ".".join(["a" * 62] * 3 + ["b" * 59, "test"])
    assert len(longest) == 253
    edge.edge.apply({GOOD.name: render_edge_site(replace(GOOD, hostnames=(longest, hostname()), servers=()))})
    assert edge.get(longest).status == 503
