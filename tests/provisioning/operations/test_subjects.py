"""An operation belongs to one subject, whatever it is, and runs like any other."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from provisioning.inventory.services import host_register_local
from provisioning.models import Operation
from provisioning.operations import engine
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.engine import Run, Workflow
from provisioning.operations.services import operation_ensure
from tenants.models import AuditEvent, Environment, PluginApp
from tenants.names.services.domains import domain_add
from tenants.names.services.zones import zone_create
from tests.factories import environment_of, make_app, make_operator, make_release, owner_of

pytestmark = pytest.mark.django_db(transaction=True)
KIND = OperationKind.RETIRE_APP
Subject = dict[str, Any]


def of_app() -> Subject:
    return {"app": make_app()}


def of_release() -> Subject:
    release = make_release()
    Operation.objects.all().delete()
    return {"app": release.app, "release": release}


def of_domain() -> Subject:
    app = make_app()
    actor = owner_of(app.organization)
    return {"domain": domain_add(environment=environment_of(app), hostname="plugin.customer.test", actor=actor)}


def of_zone() -> Subject:
    return {"zone": zone_create(name="apps.example", actor=make_operator())}


def of_host() -> Subject:
    return {"host": host_register_local()}


def steps_of(*actions: Callable[[Run], None]) -> Workflow:
    return Workflow(engine.steps(*actions), lambda _run: None, lambda _run, _error: None, lambda _run: None)


@pytest.fixture(params=[of_app, of_release, of_domain, of_zone, of_host], ids=lambda make: make.__name__)
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.param()
    return made


def test_the_engine_runs_it_with_a_lease_and_a_fence_and_says_so(subject: Subject) -> None:
    operation = operation_ensure(kind=KIND, **subject)
    found: list[Any] = []

    def look(run: Run) -> None:
        run.write()
        found.append(run.operation.subject)

    assert engine.run(operation.pk, steps_of(look)) is None
    operation.refresh_from_db()
    assert (operation.state, operation.fence) == (OperationState.SUCCEEDED, 1)
    assert found == [operation.subject] == [subject.get("release") or next(iter(subject.values()))]
    assert AuditEvent.objects.filter(action="operation.requested", object_id=str(operation.pk)).exists()


def test_a_subject_has_one_unfinished_operation_of_a_kind(subject: Subject) -> None:
    first = operation_ensure(kind=KIND, **subject)
    assert operation_ensure(kind=KIND, **subject) == first
    values = Operation.objects.filter(pk=first.pk).values("kind", "app_id", "domain_id", "zone_id", "host_id").get()
    environment = {"environment_id": first.environment_id}
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.create(**values, **environment)
    Operation.objects.update(state=OperationState.SUCCEEDED)
    assert operation_ensure(kind=KIND, **subject) != first


@pytest.mark.parametrize("makers", [(), (of_app, of_zone), (of_zone, of_host), (of_app, of_domain)])
def test_an_operation_without_a_subject_or_with_two_is_refused(makers: tuple[Callable[[], Subject], ...]) -> None:
    values: Subject = {}
    for make in makers:
        values |= make()
    with pytest.raises(TypeError, match="exactly one subject"):
        operation_ensure(kind=KIND, **values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.create(kind=KIND, **values)


def test_a_zone_has_no_environment() -> None:
    environment = Environment.objects.filter(app=make_app()).first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.create(kind=KIND, environment=environment, **of_zone())


def test_a_step_for_apps_that_meets_another_subject_says_so() -> None:
    operation = operation_ensure(kind=KIND, **of_zone())
    found: list[PluginApp] = []
    with pytest.raises(TypeError, match="is no work on an app"):
        found.append(Run(operation, operation.fence).app)
