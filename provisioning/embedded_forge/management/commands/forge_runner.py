"""`manage.py forge_runner`: runs pipelines' jobs and sends webhooks until it is told to stop."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

ROOT = Path(__file__).resolve().parents[4]
SETTINGS = ("DATABASES", "DEFAULT_AUTO_FIELD", "FIELD_ENCRYPTION_KEYS", "LOGGING", "TIME_ZONE", "USE_TZ")


class Command(BaseCommand):
    help = "Run the embedded forge's jobs and webhooks. One process for a home; SIGTERM ends it and its jobs."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Becomes the runner, under the same process id: it needs a few settings of the project and none of its
        other apps, which would hold half of its memory."""
        names = [*SETTINGS, *(name for name in dir(settings) if name.startswith("EMBEDDED_FORGE_"))]
        values = {name: getattr(settings, name) for name in names}
        fd = os.memfd_create("forge-runner-settings", 0)
        os.write(fd, json.dumps(values, default=str).encode())
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        command = [sys.executable, "-m", "provisioning.embedded_forge.runner", str(fd)]
        os.execve(sys.executable, command, os.environ | {"PYTHONPATH": path})  # noqa: S606 - fixed arguments
