"""`manage.py reference [--write]`: the pages of docs/reference that are written from the code."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from paas.reference import pages


class Command(BaseCommand):
    help = (
        "Compares the pages of docs/reference with the code, and names those that differ (status 1). With --write it "
        "writes them. Built-in policies are read from the database: run `manage.py migrate` first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write the pages that differ")

    def handle(self, *_args: Any, **options: Any) -> None:
        names = pages.write() if options["write"] else pages.differing()
        for name in names:
            self.stdout.write(f"{'wrote' if options['write'] else 'differs:'} docs/reference/{name}")
        if names and not options["write"]:
            raise CommandError(f"{len(names)} of {len(pages.PAGES)} pages differ: run manage.py reference --write")
