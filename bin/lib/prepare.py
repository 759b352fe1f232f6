"""Runs management commands one after the other in one Python, which starts Django once instead of five times.

Run by `setup.py` with the virtual environment's Python: `prepare.py LOG COMMAND...`. For each command it prints one
line of JSON when it starts and one when it is done, with what the command printed; the file LOG gets everything.
"""

import io
import json
import logging
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import django
from django.core.management import call_command

OPTIONS = {"migrate": {"interactive": False, "verbosity": 1}}


class Recorder(io.StringIO):
    """Keeps what is written, and writes it to the log at once."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def write(self, text: str) -> int:
        with self._log.open("a") as log:
            log.write(text)
        return super().write(text)


def main(log: Path, commands: list[str]) -> int:
    django.setup()
    for command in commands:
        tell(command=command, event="start")
        output, messages = Recorder(log), Recorder(log)
        try:
            with redirect_stdout(output), redirect_stderr(messages):
                for handler in logging.getLogger().handlers:
                    if isinstance(handler, logging.StreamHandler):
                        handler.setStream(messages)
                call_command(command, stdout=output, stderr=messages, **OPTIONS.get(command, {}))
        except BaseException as error:
            messages.write(traceback.format_exc())
            tell(command=command, event="failed", error=f"{type(error).__name__}: {error}")
            return 1
        tell(command=command, event="done", output=output.getvalue())
    return 0


def tell(**event: str) -> None:
    print(json.dumps(event), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.embedded")
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
