"""A Docker Engine of the test's own, which it may stop: its own data, socket, containerd and network."""

import contextlib
import io
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.provisioning.edge.fallback.stage import mounts, until
from tests.provisioning.edge.running import free_port

# Of the addresses that documentation is written with: nobody's network.
SUBNET = "198.51.100.0/29"
BRIDGE_ADDRESS = "198.51.100.9/29"


class PrivateEngine:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = f"unix://{home}/engine.sock"
        # Of its own: an engine without a bridge (`--bridge=none`) takes the machine's docker0 away.
        self.bridge = f"bt{secrets.token_hex(4)}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        places = [f"--data-root={self.home}/data", f"--exec-root={self.home}/exec", f"--pidfile={self.home}/pid"]
        # No rule of the machine's is touched: published ports are the engine's own proxies.
        apart = [f"--bridge={self.bridge}", "--iptables=false", "--ip-forward=false", "--live-restore=false"]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", "--host", self.url, *places, *apart], stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers, "an engine", timeout_s=60)

    def make_bridge(self) -> None:
        for arguments in (
            ["link", "add", "name", self.bridge, "type", "bridge"],
            ["address", "add", BRIDGE_ADDRESS, "dev", self.bridge],
            ["link", "set", self.bridge, "up"],
        ):
            subprocess.run(["ip", *arguments], check=True)

    def remove_bridge(self) -> None:
        subprocess.run(["ip", "link", "delete", self.bridge], check=False)

    def stop(self) -> None:
        """As `systemctl stop docker` does: its containers end with it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def docker(self, *arguments: str, stdin: bytes | None = None) -> str:
        argv = ["docker", "--host", self.url, *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, check=True, timeout=60).stdout.decode()

    def web_server(self, text: str) -> int:
        """A container that answers with `text` at the port of this machine that it gives; it starts with the engine."""
        archive = io.BytesIO()
        busybox = shutil.which("busybox")
        assert busybox is not None
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(busybox, "bin/busybox")
            page = tarfile.TarInfo("www/index.html")
            page.size = len(text)
            tar.addfile(page, io.BytesIO(text.encode()))
        name, port = f"web-{len(text)}", free_port()
        self.docker("import", "-", name, stdin=archive.getvalue())
        with contextlib.suppress(subprocess.CalledProcessError):
            self.docker("network", "create", "--subnet", SUBNET, "plugins")
        options = ["--detach", "--restart=always", "--stop-signal=KILL", "--network=plugins"]
        command = ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
        self.docker("run", *options, "--publish", f"127.0.0.1:{port}:8080", name, *command)
        return port

    def _answers(self) -> bool:
        try:
            return self.docker("version") != ""
        except subprocess.CalledProcessError:
            return False


@contextlib.contextmanager
def private_engine() -> Iterator[PrivateEngine]:
    home = Path(tempfile.mkdtemp(prefix="berth-engine-", dir="/tmp"))
    engine = PrivateEngine(home)
    try:
        engine.make_bridge()
        engine.start()
        yield engine
        if engine._process is None:
            engine.start()
        if containers := engine.docker("ps", "--all", "--quiet").split():
            engine.docker("rm", "--force", *containers)
        engine.docker("network", "prune", "--force")
    finally:
        engine.stop()
        engine.remove_bridge()
        for place in sorted(mounts(home), reverse=True):
            subprocess.run(["umount", "--lazy", place], check=True)
        shutil.rmtree(home)
