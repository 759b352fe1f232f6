"""Shared by the tests of sync."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from provisioning.dns.ownership import Ownership, registry_record
from provisioning.dns.workflow.names import ensure_dns_records, remove_dns_records
from provisioning.models import Operation
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.engine import Run, Wait
from provisioning.operations.services import operation_ensure
from tenants.apps.choices import AppState
from tenants.apps.services.apps import app_retire
from tenants.models import PluginApp
from tests.factories import owner_of
from tests.provisioning.dns.fixtures import ZONE

Found = TypeVar("Found")


def run_of(app: PluginApp, kind: OperationKind = OperationKind.PROVISION_APP) -> Run:
    operation = operation_ensure(kind=kind, app=app)
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.RUNNING)
    return Run(Operation.objects.get(pk=operation.pk), operation.fence)


def provision(app: PluginApp) -> Run:
    run = run_of(app)
    waited_for(partial(ensure_dns_records, run))
    return run


def waited_for(step: Callable[[], Found]) -> Found:
    """As the engine does: again, as often as the step asks for it, and when it asks for it."""
    while True:
        try:
            return step()
        except Wait as wait:
            time.sleep(wait.seconds)


def retire(app: PluginApp) -> Run:
    if app.state != AppState.RETIRING:
        app_retire(app=app, actor=owner_of(app.organization))
    run = run_of(app, OperationKind.RETIRE_APP)
    waited_for(partial(remove_dns_records, run))
    return run


def expected(*apps: PluginApp, owner: str, values: tuple[str, ...] = ("192.0.2.10",)) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for app in apps:
        for name in (f"{app.public_id}.{ZONE}", f"{app.public_id}.test.{ZONE}"):
            mark = registry_record(name, "A", Ownership(owner, app.public_id))
            found |= {(name, "A"): values, mark.key: mark.values}
    return found
