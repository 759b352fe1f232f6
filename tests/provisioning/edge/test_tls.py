"""What a visitor sees of the edge over TLS, and what the driver promises about certificates."""

import http.client
import json
import os
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from provisioning.certificates.stored import KEPT_UNUSED_S
from provisioning.edge.rendering.sites import render_edge_listen
from provisioning.exceptions import OperatorError, PermanentError
from provisioning.rendering.specs import SiteCertificate
from tests.provisioning.edge import tls
from tests.provisioning.edge.running import RunningEdge, Upstream, hostname, site, wait_until

Start = Callable[..., Upstream]
CUSTOM = "plugin.customer.example"


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with tls.tls_edge() as running:
        yield running


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_site_answers_over_tls_under_the_zones_certificate(
    edge: RunningEdge, upstream: Start, version: ssl.TLSVersion
) -> None:
    test_name = f"app1000001.test.{tls.DOMAIN}"
    edge.edge.apply(tls.tls_site(upstream("live"), hostnames=(hostname(), test_name)))
    for name in (hostname(), test_name):
        made = tls.context(minimum_version=version, maximum_version=version)
        # The client has checked name and chain, or this raises.
        with tls.connect(edge, name, made) as connection:
            assert connection.version() == version.name.replace("_", ".")
        # As behind a router that maps its own port 443, and as a visitor who names the port.
        for host, port in ((name, "443"), (f"{name}:{edge.tls_port}", str(edge.tls_port))):
            answer = tls.get(edge, host, "/headers", sni=name)
            sent = {key.lower(): value for key, value in json.loads(answer.body)["headers"]}
            assert (sent["x-forwarded-proto"], sent["x-forwarded-port"]) == ("https", port)
            assert sent["x-forwarded-host"] == host
    # HTTP goes on.
    assert edge.get(hostname()).upstream == "live"


def test_http2_is_spoken(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    assert tls.curl(edge, hostname()) == (200, "2", "hello")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(edge: RunningEdge, upstream: Start, version: ssl.TLSVersion) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    made = tls.context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = version
    # The control: the same client with one version more.
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.connect(edge, hostname(), made).close()
    made.maximum_version = version
    with pytest.raises(ssl.SSLError, match="protocol version"):
        tls.connect(edge, hostname(), made)


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-CCM"])
def test_ciphers_without_forward_secrecy_or_authentication_are_refused(
    edge: RunningEdge, upstream: Start, cipher: str
) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    made = tls.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    made.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="handshake failure"):
        tls.connect(edge, hostname(), made)
    made.set_ciphers(f"{cipher}:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0")
    with tls.connect(edge, hostname(), made) as connection:
        assert (connection.cipher() or ("",))[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_returning_visitor_needs_no_full_handshake(edge: RunningEdge, upstream: Start, version: ssl.TLSVersion) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    made = tls.context(minimum_version=version, maximum_version=version)
    request = f"GET / HTTP/1.1\r\nHost: {hostname()}\r\nConnection: close\r\n\r\n".encode()
    with tls.connect(edge, hostname(), made) as first:
        first.sendall(request)
        # In TLS 1.3 the session arrives with the answer.
        assert first.recv(4096).startswith(b"HTTP/1.1 200")
        session = first.session
    with tls.connect(edge, hostname(), made, session=session) as second:
        assert second.session_reused


def test_hostname_without_a_certificate_is_served_over_http_only(edge: RunningEdge, upstream: Start) -> None:
    zones = SiteCertificate(hostnames=(hostname(),))
    files = tls.tls_site(upstream("live"), hostnames=(hostname(), CUSTOM), certificates=(zones,))
    edge.edge.apply(files)
    assert edge.get(CUSTOM).upstream == edge.get(hostname()).upstream == "live"
    assert tls.get(edge, hostname()).upstream == "live"
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        tls.connect(edge, CUSTOM)


def test_hostname_with_a_certificate_of_its_own_is_served_under_it(edge: RunningEdge, upstream: Start) -> None:
    live, mine = upstream("live"), tls.stored(CUSTOM)
    groups = (SiteCertificate(hostnames=(hostname(),)), SiteCertificate(hostnames=(CUSTOM,), file=mine.file))
    files = tls.tls_site(live, hostnames=(hostname(), CUSTOM), certificates=groups)
    with pytest.raises(PermanentError, match="cannot load certificate"):
        edge.edge.apply(files)
    edge.edge.store(mine)
    edge.edge.apply(files)
    for name in (hostname(), CUSTOM):
        assert tls.get(edge, name).upstream == edge.get(name).upstream == "live"


def test_rsa_certificate_is_served(upstream: Start) -> None:
    with tls.tls_edge(has_zone_certificate=False) as edge:
        edge.edge.ensure_main(zone_certificate=edge.edge.store(tls.stored(*tls.ZONE_NAMES, kind="rsa-2048")))
        edge.edge.apply(tls.tls_site(upstream("live")))
        assert tls.get(edge, hostname()).upstream == "live"


def test_zone_that_has_no_certificate_yet_is_served_over_http_only(upstream: Start) -> None:
    """The site's file says where its certificate is to come from; it is there as soon as the edge has it."""
    with tls.tls_edge(has_zone_certificate=False) as edge:
        edge.edge.apply(tls.tls_site(upstream("live")))
        assert edge.get(hostname()).upstream == "live"
        for name in (hostname(), None):
            with pytest.raises(ssl.SSLError, match="unrecognized name"):
                tls.connect(edge, name)
        edge.edge.ensure_main(zone_certificate=edge.edge.store(tls.stored(*tls.ZONE_NAMES)))
        assert tls.get(edge, hostname()).upstream == "live"
        # A start that says nothing of certificates keeps it.
        edge.edge.ensure_main()
        assert tls.get(edge, hostname()).upstream == "live"


def test_edge_without_tls_takes_the_same_sites(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    edge.edge.spec = replace(edge.edge.spec, tls_port=0, is_https_enforced=True)
    edge.edge.ensure_main()
    assert edge.get(hostname()).upstream == "live"
    with pytest.raises(ConnectionRefusedError):
        tls.connect(edge, hostname())


def test_http_is_sent_to_https_where_that_is_wanted(upstream: Start) -> None:
    with tls.tls_edge(is_https_enforced=True) as edge:
        names = (hostname(), CUSTOM)
        zones = SiteCertificate(hostnames=(hostname(),))
        edge.edge.apply(tls.tls_site(upstream("live"), hostnames=names, certificates=(zones,)))
        answer = edge.get(hostname(), "/a%20b/c?d=e&f=%2F", method="POST", body=b"order")
        # 308: the method and the body are to be sent again.
        assert (answer.status, answer.upstream) == (308, "")
        assert answer.headers["location"] == f"https://{hostname()}:{edge.tls_port}/a%20b/c?d=e&f=%2F"
        assert tls.get(edge, hostname(), "/a").upstream == "live"
        assert edge.get(hostname(), "/.well-known/acme-challenge/token").status == 404
        # A name that has no certificate.
        assert edge.get(CUSTOM).upstream == "live"
        # And what a browser would remember for all names below is the plugin's to say.
        assert "strict-transport-security" not in {**answer.headers, **tls.get(edge, hostname()).headers}


@pytest.mark.parametrize(("port", "named"), [(443, ""), (8443, ":8443")])
def test_port_is_left_out_where_browsers_know_it(edge: RunningEdge, port: int, named: str) -> None:
    spec = replace(edge.edge.spec, tls_port=port, is_https_enforced=True, zone_certificate="a-0123456789abcdef.pem")
    for name in ("tls.conf", "tls-zone.conf"):
        assert render_edge_listen(spec)[name].count(f"https://$host{named}$request_uri;") == 2


def test_plain_http_on_the_port_for_tls_is_told_where_to_go(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    edge.port = edge.tls_port
    answer = edge.get(hostname(), "/a?b")
    assert (answer.status, answer.upstream) == (308, "")
    assert answer.headers["location"] == f"https://{hostname()}:{edge.tls_port}/a?b"
    assert edge.get("unknown.example").status == 400


def test_log_says_which_requests_came_over_tls(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    edge.get(hostname())
    tls.get(edge, hostname())
    log = edge.home / "log" / "access-app1000001.log"
    wait_until(lambda: log.read_text().count("\n") == 2, "both requests are logged")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(entry["scheme"], entry["tls"]) for entry in entries] == [("http", ""), ("https", "TLSv1.3")]


def test_renewal_under_load_fails_nothing(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    load = Load(edge)
    for _ in range(3):
        renewed = tls.stored(*tls.ZONE_NAMES)
        edge.edge.ensure_main(zone_certificate=edge.edge.store(renewed))
        with tls.connect(edge, hostname()) as connection:
            served = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")
        assert renewed.chain.decode().startswith(served)
        answered = load.answers[200]
        wait_until(lambda before=answered: load.answers[200] > before + 50, "there is load")
    assert set(load.end()) == {200}


class Load:
    """Clients of which each request is a connection of its own, until they are told to stop."""

    def __init__(self, edge: RunningEdge, clients: int = 4) -> None:
        self.answers: Counter[object] = Counter()
        self._edge = edge
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers[tls.get(self._edge, hostname()).status] += 1
            except (OSError, http.client.HTTPException) as exc:
                self.answers[repr(exc)] += 1

    def end(self) -> Counter[object]:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.answers


def test_certificate_that_nginx_refuses_changes_nothing(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(tls.tls_site(upstream("live")))
    before = edge.configuration()
    one, other = tls.stored(*tls.ZONE_NAMES), tls.stored(*tls.ZONE_NAMES)
    for broken in (replace(one, key=other.key), replace(one, fingerprint="0" * 64, chain=one.chain[:200])):
        file = edge.edge.store(broken)
        with pytest.raises((OperatorError, PermanentError), match=file) as refusal:
            edge.edge.ensure_main(zone_certificate=file)
        assert "PRIVATE" not in str(refusal.value)
        assert edge.configuration() == before
    assert tls.get(edge, hostname()).upstream == "live"


def test_key_is_readable_by_the_edge_alone(edge: RunningEdge) -> None:
    [path] = (edge.home / "tls").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "PRIVATE" not in str(edge.configuration())
    # Somebody who made it readable is put right the next time.
    certificate = tls.stored(*tls.ZONE_NAMES)
    path = path.with_name(edge.edge.store(certificate))
    path.chmod(0o644)
    edge.edge.store(certificate)
    assert path.stat().st_mode & 0o777 == 0o600
    if os.geteuid() == 0:
        # The workers are another user.
        read = subprocess.run(["runuser", "-u", "www-data", "--", "cat", path], capture_output=True, check=False)
        assert (read.returncode, read.stdout) == (1, b"")


def test_certificates_that_nothing_names_go_after_a_while(edge: RunningEdge, upstream: Start) -> None:
    named, kept, unused, young = (tls.stored(CUSTOM) for _ in range(4))
    group = SiteCertificate(hostnames=(CUSTOM,), file=named.file)
    for one in (named, kept, unused, young):
        path = edge.home / "tls" / edge.edge.store(one)
        if one is not young:
            os.utime(path, (time.time() - KEPT_UNUSED_S - 5,) * 2)
    edge.edge.apply(tls.tls_site(upstream("live"), hostnames=(CUSTOM,), certificates=(group,)))
    assert edge.edge.remove_certificates(kept={kept.file}) == [unused.file]
    assert {path.name for path in (edge.home / "tls").iterdir()} == {
        named.file, kept.file, young.file, edge.edge.zone_certificate()
    }  # fmt: skip
    # No longer named.
    edge.edge.apply({**site(upstream("other")), "app1000001-production": None})
    assert edge.edge.remove_certificates(kept={kept.file}) == [named.file]
