"""A real OpenSSH server on loopback with keys, port and configuration of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioning.inventory.transport import TargetSpec


@dataclass(frozen=True)
class Sshd:
    root: Path
    port: int
    user: str
    key: Path
    host_key: str

    @property
    def known_host(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key}"

    def target(self, **changes: object) -> TargetSpec:
        values: dict[str, object] = {
            "name": "second", "transport": "ssh", "address": "127.0.0.1", "ssh_user": self.user, "ssh_port": self.port,
            "ssh_known_host": self.known_host, "ssh_key_path": self.key,
        }  # fmt: skip
        return TargetSpec(**(values | changes))  # type: ignore[arg-type]


def keygen(path: Path) -> str:
    """A new key pair at the path; its public key, type and text."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@contextmanager
def running_sshd(root: Path) -> Iterator[Sshd]:
    root.mkdir(parents=True, exist_ok=True)
    host_key, authorized = keygen(root / "host"), keygen(root / "id")
    (root / "authorized").write_text(authorized + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (root / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {root}/host\nPidFile {root}/pid\n"
        f"AuthorizedKeysFile {root}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        # pytest's directories lie in /tmp, which everybody may write.
        "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nLogLevel ERROR\n"
    )
    # Where sshd, as root, keeps its unprivileged part; a service manager makes it otherwise.
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = subprocess.Popen(
        [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", root / "sshd_config"],
        stderr=(root / "log").open("w"), start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until, (root / "log").read_text()
            time.sleep(0.02)
        yield Sshd(root, port, pwd.getpwuid(os.geteuid()).pw_name, root / "id", host_key)
    finally:
        server.terminate()
        server.wait(10)
