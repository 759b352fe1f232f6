"""The Docker Engine: the one that answers, or one that is started here and stopped again by its last user.

What several installations on one machine must agree on (who started the engine, who still uses it) stands in one
directory of the machine, not in the home of any of them.
"""

import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lib import packages, processes
from lib.configuration import SEARCH_PATH, Configuration
from lib.console import Failure, Step, last_lines, say

DEFAULT_URL = "unix:///var/run/docker.sock"
STATE = Path("/run/berth") if os.geteuid() == 0 else Path(f"/tmp/berth-{os.geteuid()}")  # noqa: S108 - 0700, owner checked
STARTED = STATE / "engine.json"
USERS = STATE / "engine-users"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def answers(url: str) -> bool:
    """Whether a Docker Engine answers at `url`. Raises `Failure` where it does, but not to this user."""
    if not url.startswith("unix://"):
        return docker(url, "version", "--format", "{{.Server.Version}}").returncode == 0
    connection = _UnixConnection(url.removeprefix("unix://"))
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == http.client.OK
    except PermissionError:
        raise Failure(
            f"the Docker Engine at {url} does not admit this user: run this command as root, or add the user to "
            "the group docker and sign in again"
        ) from None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def docker(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the docker command line against `url`."""
    command = shutil.which("docker", path=SEARCH_PATH)
    if command is None:
        raise Failure("there is no docker command: install docker.io")
    return subprocess.run(
        [command, "--host", url, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def ensure(configuration: Configuration, *, step: Step) -> None:
    """Finds an engine that answers, or starts one. The caller is noted as its user until `release`."""
    url = configuration.docker_url
    with _state():
        _note_user(configuration, os.getpid())
        if answers(url):
            step.note = f"answers at {url}"
            return
        if url != DEFAULT_URL:
            raise Failure(f"no Docker Engine answers at {url}: start it, or set BERTH_DOCKER_URL to another")
        if Path("/run/systemd/system").is_dir():
            was_listening = _systemd_is_active("docker.socket")
            subprocess.run([*packages.as_root("start Docker"), "systemctl", "start", "docker"], check=False)
            STARTED.write_text(json.dumps({"by": "systemd", "stop_socket": not was_listening}))
            log = "journalctl -u docker"
        else:
            process = _start_daemon(configuration)
            STARTED.write_text(json.dumps({"by": "berth", "pid": process.pid, "start": process.start}))
            log = str(configuration.logs / "docker.log")
        deadline = time.monotonic() + 60
        while not answers(url):
            if time.monotonic() > deadline or not _started_is_alive():
                STARTED.unlink(missing_ok=True)
                raise Failure(
                    f"the Docker Engine does not start (log: {log})\n{last_lines(configuration.logs / 'docker.log')}"
                )
            time.sleep(0.1)
        step.note = "started"


def note_user(configuration: Configuration, pid: int) -> None:
    """Says that the installation uses the engine for as long as process `pid` lives."""
    with _state():
        _note_user(configuration, pid)


def release(configuration: Configuration) -> str:
    """The installation needs the engine no more: stops it where Berth started it and nobody else uses it.

    Returns what was done, for the user.
    """
    if not STATE.is_dir():
        return "left running: bin/up did not start it"
    with _state():
        _user_file(configuration).unlink(missing_ok=True)
        if not STARTED.exists():
            return "left as it is: bin/up did not start it"
        if not _started_is_alive():
            STARTED.unlink()
            return "not running"
        users = _other_users()
        if users:
            return f"left running for {', '.join(users)}"
        names = docker(configuration.docker_url, "ps", "--format", "{{.Names}}").stdout.split()
        if names:
            return f"left running: it runs containers that are not ours ({', '.join(names[:5])})"
        _stop_started()
        STARTED.unlink()
        return "stopped"


def _start_daemon(configuration: Configuration) -> processes.Process:
    root = packages.as_root("start the Docker Engine")
    _mount_cgroups(root)
    command = shutil.which("dockerd", path=SEARCH_PATH) or "dockerd"
    environment = {"PATH": SEARCH_PATH, "HOME": "/root", "LANG": "C.UTF-8"}
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    with (configuration.logs / "docker.log").open("ab") as log:
        started = subprocess.Popen(
            [*root, command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment | proxies,
            cwd="/",
        )
    process = processes.find(started.pid)
    if process is None:
        raise Failure(f"dockerd ended at once\n{last_lines(configuration.logs / 'docker.log')}")
    return process


def _mount_cgroups(root: list[str]) -> None:
    """Without an init system nobody has mounted the control groups that containers need."""
    base = Path("/sys/fs/cgroup")
    if (base / "cgroup.controllers").exists() or any(base.iterdir()):
        return
    lines = [line.split() for line in Path("/proc/cgroups").read_text().splitlines() if not line.startswith("#")]
    controllers = [name for name, hierarchy, _, enabled in lines if enabled == "1"]
    commands = [["mount", "-t", "tmpfs", "-o", "uid=0,gid=0,mode=0755", "cgroup", str(base)]]
    for name in controllers:
        commands.append(["mkdir", "-p", str(base / name)])
        commands.append(["mount", "-n", "-t", "cgroup", "-o", name, "cgroup", str(base / name)])
    for command in commands:
        subprocess.run([*root, *command], capture_output=True, check=False)


def _started_is_alive() -> bool:
    started = json.loads(STARTED.read_text())
    if started["by"] == "systemd":
        return _systemd_is_active("docker.service")
    return processes.Process(pid=started["pid"], start=started["start"]).is_alive()


def _systemd_is_active(unit: str) -> bool:
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def _stop_started() -> None:
    started = json.loads(STARTED.read_text())
    root = packages.as_root("stop the Docker Engine")
    if started["by"] == "systemd":
        units = ["docker.service"] + (["docker.socket"] if started["stop_socket"] else [])
        subprocess.run([*root, "systemctl", "stop", *units], capture_output=True, check=False)
        return
    process = processes.Process(pid=started["pid"], start=started["start"])
    if root:
        subprocess.run([*root, "kill", "-TERM", str(process.pid)], capture_output=True, check=False)
    else:
        process.send(signal.SIGTERM)
    processes.wait([process], limit_s=30)


def _user_file(configuration: Configuration) -> Path:
    return USERS / hashlib.sha256(str(configuration.home).encode()).hexdigest()[:16]


def _note_user(configuration: Configuration, pid: int) -> None:
    process = processes.find(pid)
    if process:
        record = {"home": str(configuration.home), "pid": process.pid, "start": process.start}
        _user_file(configuration).write_text(json.dumps(record))


def _other_users() -> list[str]:
    """The homes that still use the engine; records of those whose process has ended are cleared away."""
    alive = []
    for path in USERS.iterdir():
        record = json.loads(path.read_text())
        if processes.Process(pid=record["pid"], start=record["start"]).is_alive():
            alive.append(record["home"])
        else:
            path.unlink()
    return alive


@contextmanager
def one_test_run(name: str) -> Iterator[None]:
    """Two test runs of one name would share ports, addresses and containers: the second waits for the first."""
    _make_state()
    descriptor = os.open(STATE / f"test-{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another bin/test (to run beside it, set BERTH_INSTALLATION to another name than {name})")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_state() -> None:
    STATE.mkdir(mode=0o700, exist_ok=True)
    if STATE.is_symlink() or STATE.lstat().st_uid != os.geteuid():
        raise Failure(f"{STATE} belongs to somebody else: remove it")
    USERS.mkdir(exist_ok=True)


@contextmanager
def _state() -> Iterator[None]:
    """Makes the machine's state directory, and holds it for one command at a time."""
    _make_state()
    descriptor = os.open(STATE / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
