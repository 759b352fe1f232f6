from pathlib import Path

import pytest
from django.conf import LazySettings

from provisioning.dns.workflow import check_domain
from tests.name_servers.hierarchy import ROOT, Hierarchy
from tests.provisioning.dns.domains.world import World
from tests.provisioning.edge.running import RunningEdge


@pytest.fixture
def world(hierarchy: Hierarchy, edge: RunningEdge, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> World:
    """The settings of an installation whose Internet and edge are those of the test."""
    settings.DNS_ROOTS = [f"{ROOT}:{hierarchy.port}"]
    settings.DNS_PORT = hierarchy.port
    settings.DNS_ALLOW_PRIVATE = True
    settings.EDGE_PUBLIC_ADDRESSES = ["192.0.2.7", "2001:db8::7"]
    settings.EDGE_HOME = Path(edge.home)
    settings.EDGE_PORT = edge.port
    settings.EDGE_TLS_PORT = edge.tls_port
    monkeypatch.setattr(check_domain, "LOOKS_APART_S", 0.05)
    return World(hierarchy, edge)
