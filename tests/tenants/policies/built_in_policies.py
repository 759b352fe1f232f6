"""A flush between two tests empties every table: what migrations put there comes back, as on a new installation."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models.signals import post_migrate

from tenants import migrations


def _put_back(**_kwargs: Any) -> None:
    if not apps.get_model("tenants", "AccessPolicy").objects.exists():
        for path in sorted(Path(migrations.__path__[0]).glob("[0-9]*.py")):
            migration = import_module(f"{migrations.__name__}.{path.stem}")
            if hasattr(migration, "load"):
                migration.load(apps, None)


@pytest.fixture(scope="session", autouse=True)
def put_back_after_flush() -> None:
    post_migrate.connect(_put_back, sender=apps.get_app_config("tenants"), dispatch_uid="built-in policies")
