"""`manage.py held_names list|release`: names in quarantine."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.exceptions import TenantsError
from tenants.names.custom_names import in_unicode
from tenants.names.selectors.domains import held_names
from tenants.names.services.held_names import held_name_release
from tenants.validators import hostname_custom


class Command(BaseCommand):
    help = "Lists the names that are held for the organization that had them last, or ends a hold before its time."

    def add_arguments(self, parser: CommandParser) -> None:
        actions: Any = parser.add_subparsers(dest="do", required=True)
        actions.add_parser("list", help="One line each: name, until when, for whom, why.")
        release: ArgumentParser = actions.add_parser("release", help="Whoever proves the name has it from then on.")
        release.add_argument("name")
        release.add_argument("--reason", required=True, help="The organization that had the name reads it.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["do"] == "list":
                self._list()
            else:
                self._release(options["name"], options["reason"])
        except TenantsError as error:
            raise CommandError(str(error)) from None

    def _list(self) -> None:
        for held in held_names():
            name, read = held.hostname, in_unicode(held.hostname)
            shown = name if read == name else f"{name} ({read})"
            until = f"{held.held_until:%Y-%m-%d %H:%M} UTC"
            self.stdout.write(f"{shown} until {until} for {held.organization.slug}: {held.reason}")

    def _release(self, name: str, reason: str) -> None:
        held = held_names().filter(hostname=hostname_custom(name)).first()
        if held is None:
            raise CommandError(f"{name} is not held: manage.py held_names list says which names are")
        held_name_release(held=held, reason=reason, actor=None)
        self.stdout.write(f"{held.hostname} is no longer held: whoever proves control of it has it")
