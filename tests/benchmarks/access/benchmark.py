"""Access control on a private PostgreSQL with its default durability; see `tests.benchmarks.access`."""

import json
import os
import subprocess
import sys

from bin.lib.postgres import running_postgres
from paas.settings.env import ROOT
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.stage import RATES, Stage


def measure(stage: Stage) -> list[Figure]:
    """In a process of its own: Django has one database."""
    found = stage.directory / "access.json"
    with running_postgres(stage.directory / "postgres-access") as postgres:
        environment = os.environ | postgres.environment | RATES | {"DJANGO_SETTINGS_MODULE": "paas.settings.test"}
        for arguments in (["manage.py", "migrate", "--verbosity=0"], ["-m", "tests.benchmarks.access", str(found)]):
            subprocess.run([sys.executable, *arguments], env=environment, cwd=ROOT, check=True)
    figures = json.loads(found.read_text())
    return [Figure(**{**figure, "target": Target(**figure["target"])}) for figure in figures]
