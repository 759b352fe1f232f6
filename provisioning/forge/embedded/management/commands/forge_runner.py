"""`manage.py forge_runner`: runs pipelines' jobs and sends webhooks until it is told to stop."""

import fcntl
import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.forge.embedded import configuration
from provisioning.forge.embedded.runner.loop import Runner


class Command(BaseCommand):
    help = "Run the embedded forge's jobs and webhooks. One process for a home; SIGTERM ends it and its jobs."

    def handle(self, *args: Any, **options: Any) -> None:
        home = configuration.home()
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(home / "runner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another runner works in {home}: stop it first") from None
        runner = Runner()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: runner.stop())
        runner.run()
