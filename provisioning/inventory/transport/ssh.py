"""Commands on another machine, by OpenSSH's own client: one key, one known host key, never a question."""

import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from provisioning.exceptions import OperatorError, RetryableError
from provisioning.inventory.transport.local import run_process
from provisioning.inventory.transport.protocol import Result, TargetSpec, checked_tree

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")
_KNOWN_HOST = re.compile(
    r"\S+ (?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+={0,3}(?: [^\n]*)?"
)
# What ssh itself ends with, when it could not run the command.
_SSH_FAILED = 255
_REFUSED = ("Permission denied", "Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED")


class SshTransport:
    """Raises `ValueError`, naming the field, for a target that a command line must not be built from."""

    def __init__(self, target: TargetSpec) -> None:
        if not _USER.fullmatch(target.ssh_user):
            raise ValueError(f"ssh_user: {target.ssh_user!r} is no user name")
        if not _ADDRESS.fullmatch(target.address):
            raise ValueError(f"address: {target.address!r} is no host name or address")
        if not 1 <= target.ssh_port <= 65535:
            raise ValueError(f"ssh_port: {target.ssh_port!r} is no port")
        lines = [line for line in target.ssh_known_host.splitlines() if line.strip() and not line.startswith("#")]
        if not lines or not all(_KNOWN_HOST.fullmatch(line) for line in lines):
            raise ValueError("ssh_known_host: must be the host's public key line, as ssh-keyscan prints it")
        self._target = target
        # The name in front of the key is of no account: the target's key is for this target.
        self._known = "".join(f"berth-target {line.split(' ', 1)[1]}\n" for line in lines)

    def run(self, argv: Sequence[str], *, input: str | None = None, timeout_s: float) -> Result:  # noqa: A002
        with tempfile.TemporaryDirectory(prefix="berth-ssh-") as scratch:
            known_hosts = Path(scratch) / "known_hosts"
            known_hosts.write_text(self._known)
            command = [*self._client(known_hosts, timeout_s), shlex.join(argv)]
            result = run_process(command, name=self._target.name, stdin=input, timeout_s=timeout_s)
        if result.returncode == _SSH_FAILED:
            raise self._failure(result.stderr)
        return result

    def remove_tree(self, path: str | PurePosixPath) -> None:
        tree = checked_tree(path)
        result = self.run(["rm", "-rf", "--one-file-system", "--", tree], timeout_s=120)
        if result.returncode != 0:
            raise OperatorError(f"{tree} on {self._target.name} can't be removed: {result.stderr.strip()}")

    def _client(self, known_hosts: Path, timeout_s: float) -> list[str]:
        target = self._target
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(max(1, min(10, int(timeout_s)))),
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": "berth-target",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "LogLevel": "ERROR",
            "ServerAliveInterval": "15",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(known_hosts),
        }
        settings = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        where = ["-p", str(target.ssh_port), "-i", str(target.ssh_key_path)]
        return ["ssh", "-F", "none", "-T", *where, *settings, "--", f"{target.ssh_user}@{target.address}"]

    def _failure(self, stderr: str) -> Exception:
        said = stderr.strip().splitlines()[-1:] or ["no reason given"]
        where = f"{self._target.name} ({self._target.address}:{self._target.ssh_port})"
        if any(text in stderr for text in _REFUSED):
            return OperatorError(
                f"{where} refuses Berth, or is not the host that it was: check its known host key and Berth's key "
                f"there ({said[0]})"
            )
        return RetryableError(f"{where} can't be reached over SSH: {said[0]}")
