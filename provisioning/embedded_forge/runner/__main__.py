"""The runner's process: Django with the forge alone in it. `manage.py forge_runner` starts it.

Its settings come as JSON through an inherited file descriptor, whose number is the only argument: they hold keys, which
belong neither into a process list nor into an environment.
"""

import json
import os
import sys

import django
from django.conf import settings


def configure(fd: int) -> None:
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        settings.configure(**json.load(file), INSTALLED_APPS=["provisioning.embedded_forge"])
    django.setup()


if __name__ == "__main__":
    configure(int(sys.argv[1]))
    # Models can be imported only from here on.
    from provisioning.embedded_forge.runner import service

    sys.exit(service.main())
