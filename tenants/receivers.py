"""After migrations: the built-in policies are those that the code declares."""

from typing import Any

from django.apps import apps as installed
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from tenants.policies.built_in import declared
from tenants.policies.services.built_in import built_in_policies_load


@receiver(post_migrate, sender=installed.get_app_config("tenants"), dispatch_uid="tenants.policies")
def load_built_in_policies(using: str, **sent: Any) -> None:
    """Waits for the last migration: the models fit the tables only then. A flush migrates nothing and names no plan."""
    if "plan" in sent and _has_migrations_left(using):
        return
    built_in_policies_load(declared=declared())


def _has_migrations_left(using: str) -> bool:
    executor = MigrationExecutor(connections[using])
    leaves = executor.loader.graph.leaf_nodes()
    return bool(executor.migration_plan(leaves))
