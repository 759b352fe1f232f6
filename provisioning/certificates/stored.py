"""The certificates that the edge's nginx reads: copies in its own home, so that it never reads a file in the making.

A copy's name holds the fingerprint of what is in it: it never changes, and whoever names it means that certificate.
"""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.rendering.directories import CERTIFICATES_DIRECTORY, SITES_DIRECTORY

# A copy that nothing names yet may be one that somebody is about to name.
KEPT_UNUSED_S = 600
_NAMED = re.compile(rf"{CERTIFICATES_DIRECTORY}/([a-z0-9.-]+\.pem)")


@dataclass(frozen=True, kw_only=True)
class StoredCertificate:
    """What nginx reads: the chain, the certificate itself first, and the key to it. `name` is for people."""

    name: str
    fingerprint: str
    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def file(self) -> str:
        return f"{self.name[:150]}-{self.fingerprint[:16]}.pem"


def is_stored(home: Path, file: str) -> bool:
    return bool(file) and (home / CERTIFICATES_DIRECTORY / file).is_file()


def store(home: Path, certificate: StoredCertificate) -> str:
    """Writes the copy, mode 0600, where it is not there yet."""
    path = home / CERTIFICATES_DIRECTORY / certificate.file
    content = certificate.chain + certificate.key
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == content and path.stat().st_mode & 0o777 == 0o600:
            os.utime(path)
            return certificate.file
    beside = path.with_name(f".{secrets.token_hex(8)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return certificate.file


def remove_unused(home: Path, *, kept: Collection[str]) -> list[str]:
    """Removes copies that are older than `KEPT_UNUSED_S` and that neither `kept` nor a configuration names."""
    young = time.time() - KEPT_UNUSED_S
    directory = home / CERTIFICATES_DIRECTORY
    unused = {path for path in directory.iterdir() if path.name not in kept and path.stat().st_mtime < young}
    if not unused:
        return []
    configurations = [home / "nginx.conf", *(home / SITES_DIRECTORY).glob("*.conf")]
    named = {file for path in configurations for file in _NAMED.findall(path.read_text(errors="replace"))}
    removed = sorted(path for path in unused if path.name not in named)
    for path in removed:
        path.unlink()
    return [path.name for path in removed]
