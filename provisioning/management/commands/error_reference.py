from typing import Any

from django.core.management.base import BaseCommand

from provisioning.operations.selectors.error_reference import error_reference


class Command(BaseCommand):
    help = "Prints docs/reference/errors.md: every error of the work behind an app, and whose move it is."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(error_reference(), ending="")
