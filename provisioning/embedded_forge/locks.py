"""Who works on a project's rows: one at a time.

Whoever changes several rows below a project holds its row first, and so does whoever removes it. Without that, a
project that is deleted while its jobs end would take the same rows in another order (a deadlock), or an event would be
queued for a hook that is just going (a broken foreign key). SQLite has one writer anyway.
"""

from typing import Any

from django.db.models import QuerySet

from provisioning.embedded_forge.models import Namespace, Project


def hold_project(**found_by: Any) -> Project | None:
    """Inside a transaction, until it ends. None where the project is gone. A filter over many rows (`pipelines=…`)
    must name one."""
    return Project.objects.select_for_update(no_key=True, of=("self",)).filter(**found_by).first()


def hold_to_remove(projects: QuerySet[Project], namespaces: QuerySet[Namespace] | None = None) -> list[int]:
    """Inside a transaction: waits for all who work in them, and keeps new rows out of them. The projects' ids.

    Namespaces come before projects and each in the order of their ids, so that two removals can't wait for each other.
    """
    if namespaces is not None:
        list(_locked(namespaces))
    return list(_locked(projects))


def _locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    model = rows.model
    ids = list(rows.order_by("pk").values_list("pk", flat=True).distinct())
    return model.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
