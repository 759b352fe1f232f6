"""`manage.py fallback_config`: prints the command line that runs the php-fpm of host fallbacks, as JSON."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from provisioning.edge.fallback import fallback_command


class Command(BaseCommand):
    requires_system_checks = []
    help = "Prints, as a JSON list, the command line that runs php-fpm for apps that fall back to the host."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(json.dumps(fallback_command(Path(settings.FALLBACK_HOME))))
