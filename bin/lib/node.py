"""The checks that run on Node, in `node_modules`, as `package-lock.json` pins them."""

import hashlib
import os
import shutil
from pathlib import Path

from lib.configuration import ROOT
from lib.console import Step, run_logged

MODULES = ROOT / "node_modules"
BINARIES = MODULES / ".bin"


def ensure(*, log: Path, step: Step) -> None:
    """Makes `node_modules` hold what `package-lock.json` pins; takes milliseconds if it already does."""
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".berth"
    step.note = "as pinned"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    run_logged(
        [shutil.which("npm") or "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        log=log,
        env=os.environ,
        cwd=ROOT,
        name="npm ci",
        remedy="is npm's registry reachable?",
    )
    stamp.write_text(digest)
    step.note = "installed package-lock.json"
