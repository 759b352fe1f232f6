"""The ASGI entry point."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from paas.body_limit import MIB, BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.embedded")

FORGE_API_LIMIT = 32 * MIB
# The views of the REST API and of the portal refuse less than this themselves, with an error that says so.
LIMIT = 2 * MIB


def limit_of(path: str) -> int:
    """A git push may be as large as the forge admits, with a little for its envelope."""
    if path.startswith("/forge/api/"):
        return FORGE_API_LIMIT
    if path.startswith("/forge/"):
        return int(settings.EMBEDDED_FORGE_MAX_PUSH_BYTES) + MIB
    return LIMIT


application = BodyLimit(get_asgi_application(), limit_of)
