"""A flush between two tests empties every table: what migrations put there comes back, as on a new installation."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db.models.signals import post_migrate


def _put_back(**_kwargs: Any) -> None:
    if not apps.get_model("tenants", "AccessPolicy").objects.exists():
        for migration in ("0005_built_in_policies", "0006_environment_fallback"):
            import_module(f"tenants.migrations.{migration}").load(apps, None)


@pytest.fixture(scope="session", autouse=True)
def put_back_after_flush() -> None:
    post_migrate.connect(_put_back, sender=apps.get_app_config("tenants"), dispatch_uid="built-in policies")
