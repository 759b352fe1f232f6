"""At run time: a unit of work that changed rows and recorded no event fails the test that it ran in."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from tenants.audit.services.unit_of_work import UnitOfWork

# Rows that no event tells of, and why.
SILENT_TABLES = {
    "tenants_auditevent": "the trail itself",
    "tenants_auditchain": "the trail itself",
    "tenants_accessstamp": "tells other processes to read again what an event tells of",
    "tenants_idempotencykey": "the answer that was given, kept so that it can be given again",
    "provisioning_step": "a workflow's notes on its own work; its operation has an event",
    "provisioning_portlease": "what a workflow takes from a range; its operation has an event",
    "provisioning_subnetlease": "what a workflow takes from a range; its operation has an event",
    "provisioning_uidlease": "what a workflow takes from a range; its operation has an event",
    "provisioning_workload": "a workflow's notes on its own work; its operation has an event",
    "provisioning_workloadrepair": "counts of tries; each try that did something has an event",
    "provisioning_webhookdelivery": "which messages of the forge were taken already",
}
_WRITE = re.compile(r'(?:WITH \w+ AS \()?(INSERT (?:OR IGNORE )?INTO|UPDATE|DELETE FROM) "(\w+)"')
_EVENTS = "tenants_auditevent"


def audited_tables() -> frozenset[str]:
    models = [
        model
        for label in ("tenants", "provisioning")
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]
    return frozenset(model._meta.db_table for model in models) - SILENT_TABLES.keys()


@dataclass
class Watch:
    """An execute wrapper: what the statements of one unit changed."""

    changed: set[str] = field(default_factory=set)

    def __call__(self, execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        result = execute(sql, parameters, many, context)
        match = _WRITE.match(sql)
        # SQLite counts an insertion's rows only once what it returns is fetched.
        if match and (match[1].startswith("INSERT") or context["cursor"].rowcount > 0):
            self.changed.add(match[2])
        return result


@contextmanager
def watched_units() -> Iterator[list[str]]:
    """Gives a list to which each unit that was silent about a change is added, by the tables it changed."""
    silent: list[str] = []
    here = threading.local()
    enter, leave = UnitOfWork.__enter__, UnitOfWork._leave
    audited = audited_tables()

    def watching(unit: UnitOfWork) -> UnitOfWork:
        enter(unit)
        if unit.is_outermost:
            here.watch = Watch()
            here.wrapper = connection.execute_wrapper(here.watch)
            here.wrapper.__enter__()
        return unit

    def judging(unit: UnitOfWork, *ending: Any) -> None:
        if unit.is_outermost:
            # Before hooks run: what they change is told in units of their own.
            here.wrapper.__exit__(None, None, None)
            told = here.watch.changed & audited
            if ending[0] is None and told and _EVENTS not in here.watch.changed and not connection.needs_rollback:
                silent.append(", ".join(sorted(told)))
        leave(unit, *ending)

    patch = pytest.MonkeyPatch()
    patch.setattr(UnitOfWork, "__enter__", watching)
    patch.setattr(UnitOfWork, "_leave", judging)
    try:
        yield silent
    finally:
        patch.undo()


@pytest.fixture(autouse=True)
def every_unit_tells_what_it_changed() -> Iterator[None]:
    with watched_units() as silent:
        yield
    assert not silent, f"a unit of work changed rows and recorded no event: {'; '.join(silent)}"
