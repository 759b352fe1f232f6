"""On the way back alone: an older Berth knows operations on apps only.

A migration of its own: PostgreSQL alters no table in the transaction that has deleted rows of it.
"""

from typing import Any

from django.db import migrations


def forget(apps: Any, _editor: Any) -> None:
    apps.get_model("provisioning", "Operation").objects.filter(app=None).delete()


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0011_operations_of_any_subject")]

    operations = [migrations.RunPython(migrations.RunPython.noop, forget)]
