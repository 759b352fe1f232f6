"""The edge's nginx: its own configuration, and one file for each environment that it serves.

What all sites share stands once, at the level of `http`, and is inherited: a site's file is small, so that a thousand
of them load fast. A directive of a kind that is set there (`proxy_set_header`, `add_header`) must therefore never stand
in a site: nginx would drop all the inherited ones.

The same holds for a zone's certificate. nginx loads a certificate for each server that names one, 1 ms each; so the one
that most sites share stands in the default server of the TLS port alone, whose TLS context the others then use. Sites
of another certificate name their own. Whether there is TLS at all, and where, the files say that sites include.
"""

import ipaddress
import re
from dataclasses import replace

from provisioning.edge.rendering.fallback import render_fallback_server
from provisioning.rendering.directories import CERTIFICATES_DIRECTORY, SITES_DIRECTORY
from provisioning.rendering.grammar import check_home
from provisioning.rendering.limits import MAX_BODY_MIB
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer
from provisioning.rendering.text import fill
from provisioning.rendering.times import (
    CLIENT_BODY_S,
    CLIENT_HEADER_S,
    CLIENT_IDLE_S,
    CLIENT_SEND_S,
    EDGE_CONNECT_MS,
    UPSTREAM_IDLE_S,
)

# Where the edge answers for itself. `.invalid` is reserved (RFC 2606): no app can ever have this name.
STATUS_HOSTNAME = "edge.berth.invalid"
HEALTH_PATH = "/health"
GENERATION_PATH = "/generation"
# Files beside nginx.conf that it includes.
LISTEN_FILE = "listen.conf"
TLS_FILE = "tls.conf"
ZONE_TLS_FILE = "tls-zone.conf"
GENERATION_FILE = "generation.conf"
MAX_HOSTNAMES = 64
MAX_SERVERS = 16
# Of Mozilla's list those that take no parameters of their own (DHE).
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)

_APP_ID = re.compile(r"app[1-9][0-9]{6,14}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# At least two labels, the last beginning with a letter: no address, no `localhost`, no wildcard, no regular expression.
_HOSTNAME = re.compile(rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
_CERTIFICATE = re.compile(r"[a-z0-9][a-z0-9.-]{0,199}-[0-9a-f]{16}\.pem")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ENVIRONMENTS = ("test", "production")

_PROXY = """\
    location / {
        proxy_pass http://%(name)s;
    }
"""
_NOTHING_LIVE = """\
    location / {
        default_type text/plain;
        return 503 "Nothing is live under this name yet.\\n";
    }
"""
_SERVER = """\
server {
%(includes)s    server_name %(hostnames)s;
    set $environment %(environment)s;
    access_log %(log)s app buffer=64k flush=1s;
    limit_conn clients 256;
    limit_conn apps 1024;
    limit_conn uploads 6;
    # Proofs for certificates are the platform's alone.
    location ^~ /.well-known/acme-challenge/ {
        default_type text/plain;
        return 404 "Not found.\\n";
    }
%(location)s}
"""


def render_edge_main(spec: EdgeSpec) -> str:
    """The whole nginx.conf, for `spec.home`/nginx.conf. Raises `ValueError` naming a bad field."""
    check_edge(spec)
    address = spec.listen_address
    return fill(
        "edge/nginx.conf",
        HOME=spec.home,
        USER=f"user {spec.user};\n" if spec.user else "",
        WORKERS=spec.worker_processes,
        SHUTDOWN=spec.worker_shutdown_timeout_s,
        READ=spec.read_timeout_s,
        BODY=MAX_BODY_MIB,
        CLIENT_HEADER=CLIENT_HEADER_S,
        CLIENT_BODY=CLIENT_BODY_S,
        CLIENT_SEND=CLIENT_SEND_S,
        CLIENT_IDLE=CLIENT_IDLE_S,
        CONNECT=EDGE_CONNECT_MS,
        LISTEN=f"{address}:{spec.listen_port}",
        ALLOW="" if ipaddress.IPv4Address(address).is_unspecified else f"        allow {address};\n",
        STATUS=STATUS_HOSTNAME,
        HEALTH_PATH=HEALTH_PATH,
        GENERATION_PATH=GENERATION_PATH,
        GENERATION=GENERATION_FILE,
        TLS=_tls(spec) if spec.tls_port else "",
        SITES=SITES_DIRECTORY,
    )


def render_edge_listen(spec: EdgeSpec) -> dict[str, str]:
    """What sites include, by file name, so that a site's file depends neither on where the edge listens nor on TLS.

    One for every server, one for those with a certificate of their own, and one for those under the zone's: without
    TLS, or without that certificate, the latter are empty.
    """
    check_edge(spec)
    tls = ""
    if spec.tls_port:
        port = "" if spec.tls_port == 443 else f":{spec.tls_port}"
        moved = f"308 https://$host{port}$request_uri"
        tls = (
            f"listen {spec.listen_address}:{spec.tls_port} ssl http2;\n"
            "if ($is_misdirected) {\n    return 421;\n}\n"
            # Plain HTTP on the port for TLS.
            f"error_page 497 ={moved};\n"
        )
        if spec.is_https_enforced:
            tls += f"if ($is_plain) {{\n    return {moved};\n}}\n"
    return {
        LISTEN_FILE: f"listen {spec.listen_address}:{spec.listen_port};\n",
        TLS_FILE: tls,
        ZONE_TLS_FILE: tls if spec.zone_certificate else "",
    }


def render_edge_generation(generation: int) -> str:
    """Numbers the configuration as a whole, so that one can ask the workers which one they serve."""
    _between("generation", generation, 0, 2**62)
    return f'map "" $generation {{\n    default {generation};\n}}\n'


def render_edge_site(spec: SiteSpec) -> str:
    """The file of one environment, for sites/`spec.name`.conf. Raises `ValueError` naming a bad field.

    Live servers take the requests; a backup does where no live one answers. A site without servers answers 503.
    Hostnames without a certificate are served over HTTP only.
    """
    check_site(spec)
    secured = {name for group in spec.certificates for name in group.hostnames}
    plain = tuple(name for name in spec.hostnames if name not in secured)
    servers = [_server(spec, plain)] if plain else []
    fallback = render_fallback_server(spec.fallback) if spec.fallback else ""
    for group in spec.certificates:
        if group.is_zones:
            servers.append(_server(spec, group.hostnames, f"    include {ZONE_TLS_FILE};\n"))
        else:
            servers.append(
                _server(spec, group.hostnames, f"    include {TLS_FILE};\n{_certificate(group.file, indent=4)}\n")
            )
    return f"# Rendered by Berth.\n{_upstream(spec) if spec.servers else ''}{fallback}{''.join(servers)}"


def render_edge_trial(spec: EdgeSpec, file: str) -> str:
    """An nginx.conf that does nothing but load one certificate as the edge does, for a test."""
    check_edge(replace(spec, zone_certificate=file))
    return fill(
        "edge/trial.conf", HOME=spec.home, CIPHERS=":".join(CIPHERS), CERTIFICATE=_certificate(file, indent=4).strip()
    )


def certificate_named(main: str) -> str:
    """The file of the zone's certificate that this nginx.conf names; empty where it names none."""
    found = re.search(rf"ssl_certificate {CERTIFICATES_DIRECTORY}/({_CERTIFICATE.pattern});", main)
    return found[1] if found else ""


def _tls(spec: EdgeSpec) -> str:
    listen = f"{spec.listen_address}:{spec.tls_port}"
    return (
        fill(
            "edge/tls.conf",
            LISTEN=listen,
            CIPHERS=":".join(CIPHERS),
            CERTIFICATE=_certificate(spec.zone_certificate, indent=8).strip()
            if spec.zone_certificate
            else "ssl_reject_handshake on;",
            REFUSING=fill("edge/tls-refusing.conf", LISTEN=listen) if spec.zone_certificate else "",
        )
        + "\n"
    )


def _certificate(file: str, *, indent: int) -> str:
    """Certificate, chain and key are one file: they change together."""
    path = f"{CERTIFICATES_DIRECTORY}/{file}"
    return f"{' ' * indent}ssl_certificate {path};\n{' ' * indent}ssl_certificate_key {path};"


def _server(spec: SiteSpec, hostnames: tuple[str, ...], tls: str = "") -> str:
    return _SERVER % {
        "includes": f"    include {LISTEN_FILE};\n{tls}",
        "hostnames": " ".join(hostnames),
        "environment": spec.name,
        "log": f"log/access-{spec.app_id}.log",
        "location": _PROXY % {"name": spec.name} if spec.servers else _NOTHING_LIVE,
    }


def _upstream(spec: SiteSpec) -> str:
    # `zone`: what one worker learns about a dead server, all know. 2 s: soon enough to find it repaired, and a probe of
    # a server that is still dead costs one request a millisecond. The sidecar keeps idle connections longer than 60 s.
    options = "max_fails=1 fail_timeout=2s"
    lines = [
        f"    server {server.address}:{server.port} {options}{' backup' if server.is_backup else ''};\n"
        for server in spec.servers
    ]
    return (
        f"upstream {spec.name} {{\n    zone {spec.name} 64k;\n{''.join(lines)}"
        f"    keepalive 32;\n    keepalive_timeout {UPSTREAM_IDLE_S}s;\n    keepalive_requests 100000;\n}}\n"
    )


def check_edge(spec: EdgeSpec) -> None:
    check_home(spec.home)
    _address("listen_address", spec.listen_address)
    _between("listen_port", spec.listen_port, 1, 65_535)
    _between("tls_port", spec.tls_port, 0, 65_535)
    if spec.tls_port == spec.listen_port:
        raise ValueError(f"tls_port: {spec.tls_port} is the port for HTTP already")
    if spec.zone_certificate and not _CERTIFICATE.fullmatch(spec.zone_certificate):
        raise ValueError(f"zone_certificate: {spec.zone_certificate[:80]!r} is not allowed in a configuration file")
    if spec.user and not _USER.fullmatch(spec.user):
        raise ValueError(f"user: {spec.user[:80]!r} is no name of a system user")
    _between("worker_processes", spec.worker_processes, 1, 256)
    _between("worker_shutdown_timeout_s", spec.worker_shutdown_timeout_s, 1, 3600)
    _between("read_timeout_s", spec.read_timeout_s, 1, 3600)


def check_site(spec: SiteSpec) -> None:
    """Refuses, by a `ValueError` that names the field, a spec with any value outside its allow-list or range."""
    if not _APP_ID.fullmatch(spec.app_id):
        raise ValueError(f"app_id: {spec.app_id[:80]!r} is not allowed in a configuration file")
    if spec.environment not in _ENVIRONMENTS:
        raise ValueError(f"environment: {spec.environment[:80]!r} is none of {', '.join(_ENVIRONMENTS)}")
    if not 1 <= len(spec.hostnames) <= MAX_HOSTNAMES:
        raise ValueError(f"hostnames: {len(spec.hostnames)} of them: a site has 1 to {MAX_HOSTNAMES}")
    for hostname in spec.hostnames:
        if not _HOSTNAME.fullmatch(hostname) or hostname == STATUS_HOSTNAME:
            raise ValueError(f"hostnames: {hostname[:80]!r} is not allowed in a configuration file")
    if len(set(spec.hostnames)) != len(spec.hostnames):
        raise ValueError("hostnames: a name may stand only once")
    _check_certificates(spec)
    if len(spec.servers) > MAX_SERVERS:
        raise ValueError(f"servers: {len(spec.servers)} of them: a site has at most {MAX_SERVERS}")
    if spec.servers and all(server.is_backup for server in spec.servers):
        raise ValueError("servers: all are backups: at least one must be live")
    for server in spec.servers:
        _check_server(server)


def _check_certificates(spec: SiteSpec) -> None:
    names = [name for group in spec.certificates for name in group.hostnames]
    if len(set(names)) != len(names):
        raise ValueError("certificates: a name has only one")
    for name in names:
        if name not in spec.hostnames:
            raise ValueError(f"certificates: {name[:80]!r} is no hostname of the site")
    for group in spec.certificates:
        if not group.hostnames:
            raise ValueError("certificates: one is for no hostname")
        if not group.is_zones and not _CERTIFICATE.fullmatch(group.file):
            raise ValueError(f"certificates: {group.file[:80]!r} is not allowed in a configuration file")


def _check_server(server: UpstreamServer) -> None:
    _address("servers.address", server.address)
    if ipaddress.IPv4Address(server.address).is_unspecified:
        raise ValueError(f"servers.address: {server.address} is no address to connect to")
    _between("servers.port", server.port, 1, 65_535)


def _address(field: str, value: str) -> None:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError(f"{field}: {value[:80]!r} is no IPv4 address") from None


def _between(field: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{field}: {value!r} is no whole number from {low} to {high}")
