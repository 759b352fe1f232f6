"""`manage.py doctor`: whether each part of the running installation works, and else who must do what."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from paas.doctor.check import Finding, Level
from paas.doctor.examine import LIMIT_S, examine


class Command(BaseCommand):
    help = (
        "Asks each part of the running installation whether it works: one line each, with what is wrong and who must "
        "do what. Changes nothing, and prints no secret. Ends with status 1 where something fails."
    )
    # They would end the command at the first fault; here each fault is a line.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document, for monitors")
        parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="S", help="seconds that a check may take")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["limit"] <= 600:
            raise CommandError("--limit: give a number of seconds from 0 to 600", returncode=2)
        found: list[Finding] = []
        for finding in examine(limit_s=options["limit"]):
            found.append(finding)
            if not options["json"]:
                self.stdout.write(f"{finding.level:<5} {finding.check}: {finding.message}")
                self.stdout.flush()
        failed = [finding.check for finding in found if finding.level is Level.FAIL]
        if options["json"]:
            checks = [{"check": f.check, "level": f.level, "message": f.message} for f in found]
            self.stdout.write(json.dumps({"ok": not failed, "checks": checks}, indent=2))
        if failed:
            raise CommandError(f"{len(failed)} of {len(found)} checks failed: {', '.join(failed)}")
