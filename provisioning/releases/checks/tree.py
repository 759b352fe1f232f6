"""Runs `check_tree.py`, the file that `deploy.sh` runs on what it fetched, on Berth's own copy of the repository."""

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from provisioning.exceptions import RetryableError
from provisioning.releases.checks.findings import Finding
from provisioning.rendering.text import HOME

PROGRAM = HOME / "gitlab-ci" / "check_tree.py"
TIMEOUT_S = 120


def tree_findings(repository: Path, commit: str) -> tuple[list[Finding], str]:
    """What must not be deployed of the commit in the bare repository, or is worth a look; and how large the tree is."""
    command = [
        *(sys.executable, "-I", str(PROGRAM), f"--git-dir={repository}", f"--commit={commit}"),
        *(f"--max-files={settings.MAX_RELEASE_FILES}", f"--max-bytes={settings.MAX_RELEASE_BYTES}"),
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as exc:
        raise RetryableError(f"the tree of {commit} could not be checked within {TIMEOUT_S} s") from exc
    if result.returncode not in (0, 3):
        raise RetryableError(f"the tree of {commit} can't be checked: {result.stderr.strip()[-300:]}")
    return [Finding(**json.loads(line)) for line in result.stdout.splitlines()], result.stderr.strip()
