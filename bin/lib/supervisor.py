"""The one process manager: supervisord, its configuration, and its control socket."""

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib import dns, processes
from lib.configuration import PYTHON, ROOT, SEARCH_PATH, Configuration
from lib.console import Failure, last_lines

LOG_LIMIT = "10MB"
LOG_BACKUPS = 3


@dataclass(frozen=True)
class Program:
    """One supervised process. `patience_s` is how long it may take to end before it is killed.

    It starts in `directory`, by default that of the project.
    """

    name: str
    argv: list[str]
    priority: int
    stop_signal: str = "TERM"
    patience_s: int = 8
    directory: Path = ROOT


def programs(configuration: Configuration, *, edge_argv: list[str], fallback_argv: list[str]) -> list[Program]:
    """Everything that runs, in the order in which it starts; it stops in the reverse order."""
    python = [str(PYTHON), "-m"]
    redis = shutil.which("redis-server", path=SEARCH_PATH) or "redis-server"
    web = ["uvicorn", "paas.asgi:application", "--host", configuration.web_address]
    # The access log would write query strings, and forwarded headers would let a client choose its address.
    web += ["--port", str(configuration.web_port), "--no-access-log", "--no-proxy-headers", "--no-server-header"]
    web += ["--lifespan", "off", "--ws", "none", "--timeout-graceful-shutdown", "4"]
    # As long as nginx. A client that asks in the moment in which its connection is closed gets no answer: with the 5 s
    # of uvicorn that is whoever looks every five seconds.
    web += ["--timeout-keep-alive", "75"]
    worker = ["celery", "-A", "paas", "worker", "--pool", "threads", "--concurrency", "8", "--loglevel", "INFO"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    beat = ["celery", "-A", "paas.beat", "beat", "--loglevel", "WARNING", "--pidfile="]
    beat += ["--schedule", str(configuration.home / "run" / "celerybeat-schedule")]
    found = [
        Program("redis", [redis, str(configuration.run / "redis.conf")], 10),
        Program("web", python + web, 20),
        Program("worker", python + worker, 30),
        Program("beat", python + beat, 40),
        Program("edge", edge_argv, 50, stop_signal="QUIT", patience_s=6),
    ]
    if os.geteuid() == 0:
        # Only root may become the apps' users. A shell that waits, until an operator lets an app fall back to the host.
        found.append(Program("fallback", fallback_argv, 50, stop_signal="HUP"))
    if configuration.has_embedded_forge:
        found.insert(3, Program("runner", [str(PYTHON), str(ROOT / "manage.py"), "forge_runner"], 30))
    if configuration.has_embedded_dns:
        found.insert(1, Program("dns", dns.argv(), 10, directory=dns.directory(configuration)))
    return found


def render(configuration: Configuration, found: list[Program]) -> str:
    """The text of `supervisord.conf`."""
    run, logs = configuration.run, configuration.logs
    sections = [
        "; Written by bin/up at each start.",
        "[unix_http_server]",
        f"file={run}/supervisor.sock",
        "chmod=0700",
        "",
        "[supervisord]",
        f"identifier={configuration.name}",
        f"logfile={logs}/supervisord.log",
        f"logfile_maxbytes={LOG_LIMIT}",
        f"logfile_backups={LOG_BACKUPS}",
        f"pidfile={run}/supervisord.pid",
        f"directory={ROOT}",
        "nodaemon=true",
        "silent=true",
        "minfds=4096",
        *(["user=root"] if os.geteuid() == 0 else []),
        "",
        "[supervisorctl]",
        f"serverurl=unix://{run}/supervisor.sock",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in found:
        sections += [
            "",
            f"[program:{program.name}]",
            f"command={shlex.join(program.argv).replace('%', '%%')}",
            f'environment=BERTH_PROCESS="{program.name}"',
            f"directory={program.directory}",
            f"priority={program.priority}",
            "autorestart=true",
            "startsecs=1",
            # The pause between two tries grows by a second each time.
            "startretries=100",
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={program.patience_s}",
            "stopasgroup=true",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={logs}/{program.name}.log",
            f"stdout_logfile_maxbytes={LOG_LIMIT}",
            f"stdout_logfile_backups={LOG_BACKUPS}",
        ]
    return "\n".join(sections) + "\n"


def render_redis(configuration: Configuration) -> str:
    """The text of `redis.conf`: no port, only a socket; messages survive a restart; it refuses rather than forgets."""
    return "\n".join(
        [
            "port 0",
            f"unixsocket {configuration.run}/redis.sock",
            "unixsocketperm 700",
            f"dir {configuration.home}/redis",
            "daemonize no",
            'logfile ""',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory 128mb",
            "maxmemory-policy noeviction",
            "",
        ]
    )


def start(configuration: Configuration, found: list[Program]) -> processes.Process:
    """Writes the configuration and starts supervisord in a session of its own, so that Ctrl-C does not reach it."""
    (configuration.run / "redis.conf").write_text(render_redis(configuration))
    path = configuration.run / "supervisord.conf"
    path.write_text(render(configuration, found))
    (configuration.run / "supervisor.sock").unlink(missing_ok=True)
    with (configuration.logs / "supervisord.log").open("ab") as log:
        started = subprocess.Popen(
            [str(PYTHON), "-m", "supervisor.supervisord", "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
            env=configuration.environment(),
        )
    deadline = time.monotonic() + 15
    while state(configuration) is None:
        if started.poll() is not None or time.monotonic() > deadline:
            raise Failure(f"supervisord does not start\n{last_lines(configuration.logs / 'supervisord.log')}")
        time.sleep(0.05)
    process = processes.find(started.pid)
    if process is None:
        raise Failure(f"supervisord ended at once\n{last_lines(configuration.logs / 'supervisord.log')}")
    return process


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


def call(configuration: Configuration, method: str, *arguments: Any) -> Any:
    """Calls supervisord. Raises `OSError` or `http.client.HTTPException` where none answers, `xmlrpc.client.Fault`."""
    transport = _Transport(configuration.run / "supervisor.sock")
    with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as proxy:
        return getattr(proxy.supervisor, method)(*arguments)


def state(configuration: Configuration) -> dict[str, dict[str, Any]] | None:
    """What supervisord says of each program (`statename`, `pid`, `spawnerr`), or None where none answers."""
    try:
        return {entry["name"]: entry for entry in call(configuration, "getAllProcessInfo")}
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return None


def find(configuration: Configuration) -> processes.Process | None:
    """The supervisord of this installation, where one runs."""
    try:
        pid = int((configuration.run / "supervisord.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (OSError, ValueError):
        return None
    return processes.find(pid) if str(configuration.run / "supervisord.conf") in words else None


def revive(configuration: Configuration) -> list[str]:
    """Starts the programs that are not running, and returns their names."""
    revived = []
    for name, entry in (state(configuration) or {}).items():
        if entry["statename"] in {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}:
            call(configuration, "startProcess", name, False)
            revived.append(name)
    return revived


def stop(configuration: Configuration) -> bool:
    """Stops everything, waits, and ends what is left over. Returns whether anything was running."""
    supervisord = find(configuration)
    if supervisord:
        try:
            # All at once; a shutdown alone would go through them one after the other.
            call(configuration, "stopAllProcesses", False)
            deadline = time.monotonic() + 15
            while _some_run(configuration) and time.monotonic() < deadline:
                time.sleep(0.1)
            call(configuration, "shutdown")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            supervisord.send(signal.SIGTERM)
        if not processes.wait([supervisord], limit_s=20):
            supervisord.send(signal.SIGKILL)
            processes.wait([supervisord], limit_s=5)
    leftovers = processes.of_home(configuration.home)
    processes.stop(leftovers, patience_s=8)
    for name in ("supervisor.sock", "supervisord.pid", "redis.sock"):
        (configuration.run / name).unlink(missing_ok=True)
    return bool(supervisord or leftovers)


def _some_run(configuration: Configuration) -> bool:
    entries = state(configuration) or {}
    return any(re.fullmatch("RUNNING|STARTING|STOPPING|BACKOFF", entry["statename"]) for entry in entries.values())
