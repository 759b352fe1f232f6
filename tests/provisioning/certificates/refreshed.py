"""Shared by the tests of refreshing."""

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.certificates.selectors import installed_certificates
from provisioning.edge import edge_command, edge_from_settings
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.models import Certificate
from provisioning.rendering.specs import SiteSpec, UpstreamServer
from tenants.models import AuditEvent
from tests.provisioning.certificates.making import key_pem, new_key
from tests.provisioning.certificates.test_checks import write
from tests.provisioning.edge import tls
from tests.provisioning.edge.running import RunningEdge, Upstream, free_port, wait_until

ZONE = "apps.localhost"


NAME = f"app1000001.{ZONE}"


Start = Callable[..., Upstream]


@pytest.fixture
def edge(settings: Any, tmp_path: Path) -> Iterator[RunningEdge]:
    """The installation's own edge."""
    settings.EDGE_HOME, settings.EDGE_PORT, settings.EDGE_TLS_PORT = tmp_path / "edge", free_port(), free_port()
    settings.CERTIFICATES_HOME, settings.SELF_SIGNED_HOME = tmp_path / "certificates", tmp_path / "self-signed"
    settings.EDGE_USER, settings.APPS_DOMAIN = "root" if os.geteuid() == 0 else "", ZONE
    driver = edge_from_settings()
    driver.ensure_main()
    process = subprocess.Popen(edge_command(driver.spec))
    try:
        wait_until(driver.is_healthy, "the edge answers")
        yield RunningEdge(driver, process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def put(settings: Any, name: str = ZONE, *names: str, **validity: Any) -> bytes:
    """A certificate of the test authority's, in the operator's directory; returns its chain."""
    key = new_key()
    chain = tls.authority().issue(*(names or (f"*.{name}", f"*.test.{name}")), key=key, **validity)
    write(settings.CERTIFICATES_HOME, chain, key_pem(key), name)
    return chain


def serve(edge: RunningEdge, upstream: Upstream, *hostnames: str) -> None:
    spec = SiteSpec(
        app_id="app1000001",
        environment="production",
        hostnames=hostnames,
        servers=(UpstreamServer(address="127.0.0.1", port=upstream.port),),
        certificates=installed_certificates().of(hostnames),
    )
    edge.edge.apply({spec.name: render_edge_site(spec)})


def served(edge: RunningEdge, name: str) -> bytes:
    """The certificate that a visitor gets, as PEM."""
    careless = tls.context(check_hostname=False, verify_mode=ssl.CERT_NONE)
    with tls.connect(edge, name, careless) as connection:
        return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"").encode()


def events() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="certificate.").order_by("pk")
    return list(found.values_list("action", flat=True))


def row(name: str = ZONE) -> Certificate:
    return Certificate.objects.get(name=name)
