"""Pipelines of the management repository."""

from collections.abc import Mapping

import gitlab

from provisioning.exceptions import OperatorError
from provisioning.forge.client import ForgeClient
from provisioning.forge.errors import ForgeRefused, translated
from provisioning.forge.types import Pipeline

# How far back a pipeline is looked for that was created by a worker which died before it could note the id.
RECENT = 20
LONGEST_TRACE = 512 * 1024


def create_pipeline(forge: ForgeClient, project_id: int, *, ref: str, variables: Mapping[str, str]) -> Pipeline:
    """Starts a pipeline on a branch. Raises `OperatorError` with the forge's reason where it refuses."""
    pairs = [{"key": key, "value": value} for key, value in variables.items()]
    try:
        with translated("creating the pipeline"):
            created = forge.project(project_id).pipelines.create({"ref": ref, "variables": pairs})
    except ForgeRefused as exc:
        raise OperatorError(f"{exc}: an operator must look at the management repository's pipeline settings") from exc
    return _pipeline(created)


def get_pipeline(forge: ForgeClient, project_id: int, pipeline_id: int) -> Pipeline:
    with translated("reading the pipeline"):
        return _pipeline(forge.project(project_id).pipelines.get(pipeline_id))


def find_pipeline(forge: ForgeClient, project_id: int, *, ref: str, key: str, value: str) -> Pipeline | None:
    """A recent pipeline of `ref` that was created with the variable `key` = `value`."""
    with translated("looking for the pipeline"):
        pipelines = forge.project(project_id).pipelines.list(ref=ref, per_page=RECENT, page=1, get_all=False)
        for pipeline in pipelines:
            if any(item.key == key and item.value == value for item in pipeline.variables.list(iterator=True)):
                return _pipeline(pipeline)
    return None


def cancel_pipeline(forge: ForgeClient, project_id: int, pipeline_id: int) -> None:
    with translated("cancelling the pipeline"):
        forge.project(project_id).pipelines.get(pipeline_id, lazy=True).cancel()


def pipeline_trace(forge: ForgeClient, project_id: int, pipeline_id: int) -> tuple[str, str]:
    """All that the pipeline's jobs printed, and the last failed job's reason.

    Of more than `LONGEST_TRACE` characters it is the end, from the beginning of a line. A mask must see it as it is
    before anything else is cut from it.
    """
    with translated("reading the pipeline's output"):
        project = forge.project(project_id)
        texts, reason = [], ""
        for job in project.pipelines.get(pipeline_id, lazy=True).jobs.list(iterator=True):
            raw = project.jobs.get(job.id, lazy=True).trace()
            texts.append(raw.decode(errors="replace") if isinstance(raw, bytes) else "")
            if job.status == "failed":
                reason = str(getattr(job, "failure_reason", "") or "")
    return _end_of("\n".join(texts)), reason


def _end_of(text: str) -> str:
    if len(text) <= LONGEST_TRACE:
        return text
    end = text[-LONGEST_TRACE:]
    return end.partition("\n")[2] or end


def _pipeline(found: gitlab.base.RESTObject) -> Pipeline:
    return Pipeline(int(found.id), str(found.status), str(getattr(found, "web_url", "")))
