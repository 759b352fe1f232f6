import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provisioning.containers.images import ensure_images
from provisioning.exceptions import ProvisioningError


class Command(BaseCommand):
    help = "Builds the images that plugins run on. Those that are there already are left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="Build again, for the distribution's updates.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verbosity"] > 1:
            logging.getLogger("provisioning.containers").setLevel(logging.DEBUG)
        try:
            tags = ensure_images(rebuild=options["rebuild"])
        except ProvisioningError as exc:
            raise CommandError(str(exc)) from exc
        for name, tag in tags.items():
            self.stdout.write(f"{name} {tag}")
