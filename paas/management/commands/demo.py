from typing import Any

from django.core.management.base import BaseCommand, CommandError

from paas.demo.client import DemoFailed
from paas.demo.story import Story


class Command(BaseCommand):
    help = "Takes a sample plugin the whole way on the running platform. May be run again at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        def say(line: str) -> None:
            self.stdout.write(line)
            self.stdout.flush()

        try:
            Story(say).run()
        except DemoFailed as error:
            raise CommandError(f"the demo failed: {error}") from None
