"""nginx as one would write it by hand: the peer of the edge, and the upstream that both have."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.limit import answers_200

_FRAME = """\
{user}worker_processes {workers};
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{
    worker_connections 4096;
}}
http {{
    client_body_temp_path {home}/temp;
    proxy_temp_path {home}/temp;
    fastcgi_temp_path {home}/temp;
    uwsgi_temp_path {home}/temp;
    scgi_temp_path {home}/temp;
    keepalive_requests 100000;
{body}
}}
"""
# What nginx's own guide shows for a proxy with keep-alive to its upstream; it logs as nginx does where nobody says how.
_PROXY = """\
    access_log {home}/access.log combined;
    upstream plugin {{
        server 127.0.0.1:{upstream};
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port};
        server_name {hostname};
        location / {{
            proxy_pass http://plugin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }}
    }}"""
_PLUGIN = """\
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            default_type text/html;
            return 200 "{text}";
        }}
    }}"""
WORKERS = 2
USER = "www-data"
PAGE_BYTES = 2048


@contextmanager
def proxy(home: Path, *, port: int, upstream: int, hostname: str) -> Iterator[list[str]]:
    """A hand-written edge for one plugin. Yields the command line that, with `-s reload` behind it, reloads it."""
    body = _PROXY.format(home=home, port=port, upstream=upstream, hostname=hostname)
    with _nginx(home, body, port=port, workers=WORKERS) as argv:
        yield argv


@contextmanager
def fast_plugin(home: Path, *, port: int) -> Iterator[None]:
    """An upstream that takes as little of the machine as can be, so that what is measured is the edge."""
    with _nginx(home, _PLUGIN.format(port=port, text="x" * PAGE_BYTES), port=port, workers=1):
        yield


@contextmanager
def supervised(argv: list[str], *, port: int, hostname: str) -> Iterator[None]:
    """Runs an nginx that stays in the foreground, from its first 200 until the block ends."""
    running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while not answers_200(port, hostname):
            if running.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{argv} does not answer on port {port}")
            time.sleep(0.02)
        yield
    finally:
        running.terminate()
        running.wait(20)


@contextmanager
def _nginx(home: Path, body: str, *, port: int, workers: int) -> Iterator[list[str]]:
    home.mkdir()
    home.chmod(0o711)
    text = _FRAME.format(home=home, user=f"user {USER};\n", workers=workers, body=body)
    (home / "nginx.conf").write_text(text)
    argv = ["nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]
    with supervised([*argv, "-g", "daemon off;"], port=port, hostname="plugin.example"):
        yield argv
