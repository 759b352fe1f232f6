"""The zones of the embedded name server, made by PowerDNS's own tool in its database, whether or not it runs."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from provisioning.exceptions import OperatorError

# What the account is called with which its zones are hosted.
ACCOUNT = "embedded"
TIMEOUT_S = 30
# Where a system that is not root's keeps what root runs.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
# What is not there is asked for again soon: a name is made while somebody waits for it.
NEGATIVE_TTL_S = 5
_ZONE = """\
$ORIGIN {zone}.
@ 3600 IN SOA {server}. hostmaster.{zone}. 1 10800 3600 604800 {negative_ttl_s}
@ 3600 IN NS {server}.
"""


def nameserver(zone: str) -> str:
    return f"ns1.{zone}"


def ensure_zone(home: Path, zone: str, *, address: str) -> bool:
    """The zone with its SOA, its NS and the name server's address; returns whether it was made now.

    `home` is the name server's directory, `zone` a canonical name. What stands in a zone is kept, but for that address.
    Raises `OperatorError`.
    """
    is_complete = zone in _run(home, "list-all-zones").split() and "\tSOA\t" in _run(home, "list-zone", zone)
    if not is_complete:
        with tempfile.NamedTemporaryFile("w", dir=home, suffix=".zone") as file:
            file.write(_ZONE.format(zone=zone, server=nameserver(zone), negative_ttl_s=NEGATIVE_TTL_S))
            file.flush()
            _run(home, "load-zone", zone, Path(file.name).name)
    # A serial for each change that comes through the API.
    _run(home, "set-meta", zone, "SOA-EDIT-API", "DEFAULT")
    kind, other = ("AAAA", "A") if ":" in address else ("A", "AAAA")
    _run(home, "delete-rrset", zone, "ns1", other)
    _run(home, "replace-rrset", zone, "ns1", kind, "60", address)
    return not is_complete


def _run(home: Path, *arguments: str) -> str:
    command = shutil.which("pdnsutil", path=_PATH)
    if command is None:
        raise OperatorError("there is no pdnsutil: install pdns-server, or set BERTH_EMBEDDED_DNS=false")
    argv = [command, "--config-dir=.", *arguments]
    try:
        # In its directory, in which the tool locks itself up as the server does.
        result = subprocess.run(argv, capture_output=True, text=True, cwd=home, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"the name server's database in {home} can't be reached: run bin/up ({error})") from error
    if result.returncode != 0:
        said = " ".join(result.stderr.split())[-300:]
        raise OperatorError(f"pdnsutil {arguments[0]} failed in {home}: {said or 'it says nothing'}")
    return result.stdout
