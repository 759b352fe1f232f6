"""The disks in memory that apps without containers have for their /tmp: taken away before anything else is removed."""

import re
import subprocess
from pathlib import Path

from lib.console import Failure


def remove(directory: Path) -> None:
    """Unmounts whatever is mounted below `directory`. Raises `Failure` naming what can't be."""
    for place in sorted(_below(directory), reverse=True):
        result = subprocess.run(["umount", "--lazy", place], capture_output=True, text=True, check=False)
        if result.returncode != 0 and place in _below(directory):
            raise Failure(f"{place} can't be unmounted: {result.stderr.strip()}; run bin/down as root")


def _below(directory: Path) -> list[str]:
    mounts = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    # The kernel writes spaces and the like as octal numbers.
    places = [re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), mount) for mount in mounts]
    return [place for place in places if place.startswith(f"{directory}/")]
