"""Jobs that move at once, each in a thread of its own as the runner's are: their pipeline follows all of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from provisioning.embedded_forge.ci import transitions
from provisioning.embedded_forge.models import Job, Namespace, Pipeline, Project

pytestmark = pytest.mark.django_db(transaction=True)
JOBS = 6


@pytest.fixture
def pipeline() -> Pipeline:
    """All jobs of its first stage run; one of a second stage waits for them."""
    now = timezone.now()
    group = Namespace.objects.create(name="g", path="g", full_path="g", full_name="g")
    project = Project.objects.create(namespace=group, name="p", path="p", full_path="g/p")
    made = Pipeline.objects.create(
        project=project, iid=1, sha="0" * 40, ref="main", status="running", created_at=now, updated_at=now
    )
    shared: dict[str, Any] = {"pipeline": made, "project": project, "created_at": now, "started_at": now}
    for number in range(JOBS):
        Job.objects.create(name=f"first-{number}", stage="first", stage_index=0, status="running", **shared)
    Job.objects.create(name="second", stage="second", stage_index=1, **shared)
    return made


def at_once(*calls: Callable[[], object]) -> None:
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=30)
            call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(run, calls))


def ending(pipeline: Pipeline) -> list[Callable[[], None]]:
    ids = pipeline.jobs.filter(stage="first").values_list("pk", flat=True)
    return [lambda pk=pk: transitions.finish_job(pk, exit_code=0) for pk in ids]  # type: ignore[misc]


@pytest.mark.parametrize("attempt", range(3))
def test_the_next_stage_begins_when_the_last_jobs_end_at_once(pipeline: Pipeline, attempt: int) -> None:
    at_once(*ending(pipeline))
    assert pipeline.jobs.get(name="second").status == "pending"
    pipeline.refresh_from_db()
    assert pipeline.status == "running"


@pytest.mark.parametrize("attempt", range(3))
def test_a_pipeline_ends_that_is_canceled_while_its_jobs_end(pipeline: Pipeline, attempt: int) -> None:
    at_once(*ending(pipeline), lambda: transitions.cancel_pipeline(pipeline.pk))
    for job in pipeline.jobs.filter(status__in=("canceling", "pending")):
        transitions.cancel_job(job.pk)
        transitions.finish_job(job.pk, exit_code=None)
    pipeline.refresh_from_db()
    assert pipeline.status in {"canceled", "success"}
    assert pipeline.finished_at is not None
