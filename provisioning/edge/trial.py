"""Tests a configuration of the edge before it is swapped in."""

import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from provisioning.edge.commands import brief, nginx_command, run
from provisioning.edge.rendering.sites import GENERATION_FILE, LISTEN_FILE, TLS_FILE, ZONE_TLS_FILE
from provisioning.exceptions import ConfigurationRefused, OperatorError
from provisioning.rendering.directories import CERTIFICATES_DIRECTORY, SITES_DIRECTORY
from provisioning.rendering.specs import EdgeSpec

# In capitals: no site has such a name.
_KEPT = "KEPT.conf"


def refuse_faults(home: Path, spec: EdgeSpec, changed: Mapping[Path, bytes | None]) -> None:
    """Runs `nginx -t` over a copy of the configuration in `home` with `changed` in it: bytes by path, None: no file.

    Raises `ConfigurationRefused` if nginx refuses a change, and `OperatorError` for a full disk or an older fault.
    """
    candidate = home / f".candidate-{secrets.token_hex(4)}"
    try:
        (candidate / SITES_DIRECTORY).mkdir(parents=True, mode=0o700)
        (candidate / CERTIFICATES_DIRECTORY).symlink_to(home / CERTIFICATES_DIRECTORY)
        for name in ("nginx.conf", LISTEN_FILE, TLS_FILE, ZONE_TLS_FILE, GENERATION_FILE):
            if home / name not in changed and (home / name).exists():
                (candidate / name).symlink_to(home / name)
        # One list of all other sites: a link for each would cost more than the test itself.
        kept = sorted(path for path in (home / SITES_DIRECTORY).glob("[!.]*.conf") if path not in changed)
        (candidate / SITES_DIRECTORY / _KEPT).write_text("".join(f"include {path};\n" for path in kept))
        for path, content in changed.items():
            if content is not None:
                (candidate / path.relative_to(home)).write_bytes(content)
        result = run([*nginx_command(spec, candidate / "nginx.conf")[:-1], "stderr", "-t"])
    finally:
        shutil.rmtree(candidate, ignore_errors=True)
    said = result.stderr.replace(f"{candidate}/", f"{home}/")
    conflict = re.search(r'conflicting server name "([^"]*)"', said)
    if result.returncode == 0 and conflict is None:
        return
    if "No space left on device" in said:
        raise OperatorError(f"the disk of {home} is full: free space (nginx: {brief(said)})")
    if conflict is not None:
        raise ConfigurationRefused(
            f"the edge serves {conflict[1]} for another environment already: an operator must find out whose it is"
        )
    guilty = sorted({path for path in re.findall(r" in (\S+):\d+", said) if path.startswith(str(home))})
    if guilty and Path(guilty[0]) not in changed:
        raise OperatorError(
            f"nginx refuses {guilty[0]}, which was there before: an operator must repair the file or move it away "
            f"(nginx: {brief(said)})"
        )
    raise ConfigurationRefused(f"nginx refuses the new configuration, the old one stays (nginx: {brief(said)})")
