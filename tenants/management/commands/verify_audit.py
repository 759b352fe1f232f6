"""`manage.py verify_audit`: whether the audit trail is what was written."""

import re
from argparse import ArgumentParser
from collections import defaultdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.audit import selectors as trail

_HEAD = re.compile(r"(platform|organization-[1-9][0-9]*):(0|[1-9][0-9]*):([0-9a-f]{64})")


class Command(BaseCommand):
    help = (
        "Walks the chains of audit events and prints each one's head as CHAIN:SEQUENCE:HASH. Names the first event of "
        "a chain that was changed, removed or inserted, and ends with status 1. Note heads where nobody can write who "
        "can write to the database, and give them with --expect later: a trail that was made anew has other ones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--expect",
            action="append",
            default=[],
            metavar="CHAIN:SEQUENCE:HASH",
            help="a head that was noted earlier; may be given more than once",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for walked in trail.verify(_expected(options["expect"])):
            self.stdout.write(f"{walked.chain}:{walked.sequence}:{walked.hash}")
            if walked.finding is not None:
                broken += 1
                self.stderr.write(str(walked.finding))
        if broken:
            raise CommandError(f"{broken} of the chains are not as they were written: keep a copy of the database")


def _expected(heads: list[str]) -> dict[str, dict[int, str]]:
    expected: dict[str, dict[int, str]] = defaultdict(dict)
    for head in heads:
        match = _HEAD.fullmatch(head)
        if match is None:
            raise CommandError(
                f"--expect {head}: give CHAIN:SEQUENCE:HASH as this command prints it",
                returncode=2,
            )
        expected[match[1]][int(match[2])] = match[3]
    return expected
