"""`manage.py edge_config`: writes the edge's main configuration, and prints the command line that runs it as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.edge import edge_command, edge_from_settings
from provisioning.exceptions import ProvisioningError


class Command(BaseCommand):
    # The edge is to come up although another part of the installation is not in order yet.
    requires_system_checks = []
    help = "Writes the edge's nginx.conf and prints, as a JSON list, the command line that runs it in the foreground."

    def handle(self, *_args: Any, **_options: Any) -> None:
        edge = edge_from_settings()
        try:
            edge.ensure_main()
        except (ProvisioningError, ValueError) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(json.dumps(edge_command(edge.spec)))
