"""The forge that the contract runs against: a GitLab named by the environment, or an embedded one started for it."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import databases

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Forge:
    """`url` is what python-gitlab is given; `admin_token` that of an administrator. The rest is the embedded one's."""

    url: str
    admin_token: str
    home: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    runner: "subprocess.Popen[bytes] | None" = None

    @property
    def is_embedded(self) -> bool:
        return self.home is not None

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment | environment, check=True,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def stored(self) -> bytes:
        """All that the embedded forge keeps in its database, byte for byte."""
        assert self.home is not None
        if "BERTH_DB_NAME" in self.environment:
            return databases.contents(self.environment)
        return b"".join(path.read_bytes() for path in self.home.glob("berth.sqlite3*"))

    def start_runner(self) -> None:
        assert self.home is not None
        with (self.home / "runner.log").open("wb") as log:
            self.runner = subprocess.Popen(
                [sys.executable, "manage.py", "forge_runner"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        while "runner is ready" not in (said := (self.home / "runner.log").read_text()):
            assert self.runner.poll() is None, said
            time.sleep(0.02)

    def stop_runner(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self.runner is not None
        self.runner.send_signal(number)
        self.runner.wait(30)


def from_environment() -> Forge | None:
    """A GitLab to test against: FORGE_CONTRACT_URL and an administrator's FORGE_CONTRACT_TOKEN."""
    url, token = os.environ.get("FORGE_CONTRACT_URL"), os.environ.get("FORGE_CONTRACT_TOKEN")
    return Forge(url, token) if url and token else None


@contextlib.contextmanager
def embedded(home: Path, **overrides: str) -> Iterator[Forge]:
    """A web server, a database and a runner of their own, in `home`. The listening socket is handed to the server, so
    that no one else can take its port in between."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    web = f"http://127.0.0.1:{port}"
    token = f"glpat-{secrets.token_urlsafe(20)}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "paas.settings.test",
        "BERTH_HOME": str(home),
        "BERTH_SECRET_KEY": "only-for-tests-" + "x" * 40,
        "BERTH_FIELD_ENCRYPTION_KEYS": "b25seS1mb3ItdGVzdHMtMzItYnl0ZXMtb2Yta2V5LTA=",
        "BERTH_FORGE_HOME": str(home / "repositories"),
        "FORGE_URL": f"{web}/forge",
        "FORGE_TOKEN": token,
        "BERTH_WEB_URL": web,
        **overrides,
    }
    forge = Forge(f"{web}/forge", token, home, environment)
    databases.seed(home)
    forge.manage("migrate", "--verbosity=0")
    forge.manage("forge_bootstrap")
    log = (home / "web.log").open("ab")
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "paas.asgi:application", "--fd", str(listener.fileno()), "--no-access-log"],
        cwd=ROOT, env=environment, stdout=log, stderr=log, pass_fds=[listener.fileno()],
    )  # fmt: skip
    log.close()
    try:
        forge.start_runner()
        _wait(f"{forge.url}/api/v4/version", token)
        yield forge
    finally:
        listener.close()
        if forge.runner is not None and forge.runner.poll() is None:
            forge.stop_runner()
        server.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        server.kill()
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait(url: str, token: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers={"PRIVATE-TOKEN": token}), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
