"""Berth's ASGI application over the database of the test that started it."""

import os

from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["BERTH_TEST_DATABASE_NAME"]

from paas.asgi import application  # noqa: E402

__all__ = ["application"]
