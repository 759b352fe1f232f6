"""The commands of a document, run in a shell as a reader runs them: every line of its `sh` blocks, as it is written."""

import re
import subprocess
from pathlib import Path

from tests.end_to_end.running import ROOT, RunningPlatform

LIMIT_S = 240
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path) -> list[str]:
    return _BLOCK.findall(document.read_text())


def run_as_written(document: Path, platform: RunningPlatform) -> str:
    """Runs all blocks in one shell, which stops at the first command that fails, and returns what they print."""
    script = "".join(blocks(document))
    assert script, f"{document} has no block of commands"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=platform.environment,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{document.name}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
