"""The edge's nginx: its own configuration, and one file for each environment that it serves.

What all sites share stands once, at the level of `http`, and is inherited: a site's file is small, so that a thousand
of them load fast. A directive of a kind that is set there (`proxy_set_header`, `add_header`) must therefore never stand
in a site: nginx would drop all the inherited ones.
"""

import ipaddress
import re

from provisioning.rendering.grammar import check_home
from provisioning.rendering.limits import MAX_BODY_MIB
from provisioning.rendering.specs import EdgeSpec, SiteSpec, UpstreamServer

# Where the edge answers for itself. `.invalid` is reserved (RFC 2606): no app can ever have this name.
STATUS_HOSTNAME = "edge.berth.invalid"
HEALTH_PATH = "/health"
GENERATION_PATH = "/generation"
# Files beside nginx.conf that it includes.
LISTEN_FILE = "listen.conf"
GENERATION_FILE = "generation.conf"
SITES_DIRECTORY = "sites"
MAX_HOSTNAMES = 64
MAX_SERVERS = 16

_APP_ID = re.compile(r"app[1-9][0-9]{6,14}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# At least two labels, the last beginning with a letter: no address, no `localhost`, no wildcard, no regular expression.
_HOSTNAME = re.compile(rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ENVIRONMENTS = ("test", "production")

_MAIN = """\
# Rendered by Berth. An nginx of its own: everything it reads and writes lies in its home.
%(user)sworker_processes %(workers)d;
pid %(home)s/run/nginx.pid;
error_log %(home)s/log/error.log warn;
# Old workers may finish their requests for so long after a reload: a WebSocket can't hold one for ever.
worker_shutdown_timeout %(shutdown)ds;

events {
    worker_connections 4096;
}

http {
    include %(generation)s;
    server_tokens off;
    default_type application/octet-stream;
    access_log off;
    log_not_found off;
    tcp_nodelay on;

    client_body_temp_path %(home)s/temp/body;
    proxy_temp_path %(home)s/temp/proxy;
    fastcgi_temp_path %(home)s/temp/fastcgi;
    uwsgi_temp_path %(home)s/temp/uwsgi;
    scgi_temp_path %(home)s/temp/scgi;

    # Many sites, and names of up to 253 characters.
    server_names_hash_max_size 65536;
    server_names_hash_bucket_size 512;

    # Against clients that send or read slowly to hold a connection.
    client_header_timeout 15s;
    client_body_timeout 30s;
    send_timeout 30s;
    keepalive_timeout 75s;
    keepalive_requests 10000;
    reset_timedout_connection on;
    client_max_body_size %(body)dm;
    client_body_buffer_size 64k;
    client_header_buffer_size 2k;
    large_client_header_buffers 4 16k;
    # A header with an underscore would be another's twin for the plugin (X_Real_IP): dropped.
    underscores_in_headers off;
    ignore_invalid_headers on;

    limit_conn_zone $binary_remote_addr zone=clients:4m;
    limit_conn_zone $server_name zone=apps:2m;
    limit_conn_status 429;
    limit_conn_log_level warn;

    # Of all upgrades only WebSocket passes, whatever its case.
    map $http_upgrade $upstream_upgrade {
        default "";
        websocket websocket;
    }
    map $upstream_upgrade $upstream_connection {
        default "";
        websocket upgrade;
    }
    # $uri is the path alone, as nginx understood it: query strings carry tokens.
    log_format app escape=json '{"time":"$time_iso8601","epoch_s":$msec,"host":"$host","client":"$remote_addr",'
        '"method":"$request_method","uri":"$uri","protocol":"$server_protocol","status":$status,'
        '"bytes":$body_bytes_sent,"request_time":$request_time,"upstream_addr":"$upstream_addr",'
        '"upstream_status":"$upstream_status","upstream_response_time":"$upstream_response_time",'
        '"request_id":"$request_id"}';

    # Towards the plugins. What a client sent under these names is replaced.
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection $upstream_connection;
    proxy_set_header Upgrade $upstream_upgrade;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header X-Forwarded-Server "";
    proxy_set_header X-Original-URL "";
    proxy_set_header X-Rewrite-URL "";
    proxy_set_header Forwarded "";
    proxy_set_header Proxy "";
    proxy_set_header X-Request-Id $request_id;
    proxy_connect_timeout 500ms;
    proxy_send_timeout 30s;
    proxy_read_timeout %(read)ds;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    proxy_busy_buffers_size 32k;
    proxy_max_temp_file_size 64m;
    # Only what is safe to repeat: no answer came, and the method may be repeated. An app's own 5xx is its answer.
    proxy_next_upstream error timeout;
    proxy_next_upstream_tries 2;
    # A plugin's header must not steer this nginx: with X-Accel-Redirect it could read files.
    proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
    proxy_hide_header X-Accel-Redirect;
    proxy_hide_header X-Accel-Expires;
    proxy_hide_header X-Accel-Limit-Rate;
    proxy_hide_header X-Accel-Buffering;
    proxy_hide_header X-Accel-Charset;
    proxy_hide_header X-Sendfile;
    proxy_hide_header X-Request-Id;
    add_header X-Request-Id $request_id always;

    # Whoever asks for a name that nobody has, or for none.
    server {
        listen %(listen)s default_server backlog=4096;
        server_name "";
        # A request that can't be read has no path: it goes to one, since a named location would answer it with 500.
        error_page 400 =404 /;
        location / {
            default_type text/plain;
            return 404 "Nothing is served under this name.\\n";
        }
    }

    # For Berth itself: which configuration do the workers serve? Tells others nothing.
    server {
        listen %(listen)s;
        server_name %(status)s;
        default_type text/plain;
        keepalive_timeout 0;
        allow 127.0.0.0/8;
%(allow)s        deny all;
        error_page 403 =404 @unknown;
        location / {
            return 404;
        }
        location = %(health_path)s {
            try_files /nonexistent @health;
        }
        location = %(generation_path)s {
            try_files /nonexistent @generation;
        }
        location @health {
            return 200 "ok\\n";
        }
        location @generation {
            return 200 "$generation $pid\\n";
        }
        location @unknown {
            return 404 "Nothing is served under this name.\\n";
        }
    }

    include %(sites)s/*.conf;
}
"""

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
_SITE = """\
# Rendered by Berth.
%(upstream)sserver {
    include %(listen)s;
    server_name %(hostnames)s;
    access_log %(log)s app buffer=64k flush=1s;
    limit_conn clients 256;
    limit_conn apps 1024;
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
    return _MAIN % {
        "home": spec.home,
        "user": f"user {spec.user};\n" if spec.user else "",
        "workers": spec.worker_processes,
        "shutdown": spec.worker_shutdown_timeout_s,
        "read": spec.read_timeout_s,
        "body": MAX_BODY_MIB,
        "listen": f"{address}:{spec.listen_port}",
        "allow": "" if ipaddress.IPv4Address(address).is_unspecified else f"        allow {address};\n",
        "status": STATUS_HOSTNAME,
        "health_path": HEALTH_PATH,
        "generation_path": GENERATION_PATH,
        "generation": GENERATION_FILE,
        "sites": SITES_DIRECTORY,
    }


def render_edge_listen(spec: EdgeSpec) -> str:
    """The `listen` line that every site includes, so that a site's file does not depend on where the edge listens."""
    check_edge(spec)
    return f"listen {spec.listen_address}:{spec.listen_port};\n"


def render_edge_generation(generation: int) -> str:
    """Numbers the configuration as a whole, so that one can ask the workers which one they serve."""
    _between("generation", generation, 0, 2**62)
    return f'map "" $generation {{\n    default {generation};\n}}\n'


def render_edge_site(spec: SiteSpec) -> str:
    """The file of one environment, for sites/`spec.name`.conf. Raises `ValueError` naming a bad field.

    Live servers take the requests; a backup does where no live one answers. A site without servers answers 503.
    """
    check_site(spec)
    return _SITE % {
        "upstream": _upstream(spec) if spec.servers else "",
        "listen": LISTEN_FILE,
        "hostnames": " ".join(spec.hostnames),
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
        "    keepalive 32;\n    keepalive_timeout 60s;\n    keepalive_requests 100000;\n}\n"
    )


def check_edge(spec: EdgeSpec) -> None:
    check_home(spec.home)
    _address("listen_address", spec.listen_address)
    _between("listen_port", spec.listen_port, 1, 65_535)
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
    if len(spec.servers) > MAX_SERVERS:
        raise ValueError(f"servers: {len(spec.servers)} of them: a site has at most {MAX_SERVERS}")
    if spec.servers and all(server.is_backup for server in spec.servers):
        raise ValueError("servers: all are backups: at least one must be live")
    for server in spec.servers:
        _check_server(server)


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
