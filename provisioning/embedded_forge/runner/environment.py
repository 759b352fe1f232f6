"""A job's environment: its variables and a PATH, and nothing of the platform's."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.ci import predefined
from provisioning.embedded_forge.ci.variables import JobVariable, expand, merge, scope_matches
from provisioning.embedded_forge.git import history, repository
from provisioning.embedded_forge.models import Job

# A value that a job could do nothing with but print it: too short a secret would mask half the trace.
LEAST_MASKED = 8


@dataclass(frozen=True)
class JobEnvironment:
    variables: dict[str, str]
    secrets: list[str]


def build(job: Job, *, token: str, home: Path, checkout: Path) -> JobEnvironment:
    """Writes `file` variables below `home`, readable by the runner's account alone. `job` comes with its pipeline,
    project, namespace and user."""
    pipeline, project = job.pipeline, job.project
    commit = history.commit(repository.ensure(project), pipeline.sha)
    known = predefined.of_pipeline(
        project, job.user, ref=pipeline.ref, is_tag=pipeline.is_tag, is_protected=pipeline.is_ref_protected,
        source=pipeline.source, commit=commit,
    )  # fmt: skip
    known += predefined.of_job(job, pipeline, project, token=token, directory=str(checkout))
    in_file = [JobVariable(key, item["value"], is_raw=item["raw"]) for key, item in job.definition["variables"].items()]
    of_project = [
        JobVariable(row.key, row.value, is_raw=row.is_raw, is_file=row.variable_type == "file", is_masked=row.is_masked)
        # Narrow scopes win over wide ones.
        for row in sorted(project.variables.all(), key=lambda row: len(row.environment_scope.replace("*", "")))
        if (pipeline.is_ref_protected or not row.is_protected) and scope_matches(row.environment_scope, job.environment)
    ]
    of_pipeline = [
        JobVariable(item["key"], item["value"], is_file=item.get("variable_type") == "file")
        for item in json.loads(pipeline.variables or "[]")
    ]
    merged = merge(known, in_file, of_project, of_pipeline)
    secrets = [variable.value for variable in merged.values() if variable.is_masked]
    secrets += [variable.value for variable in of_project if variable.is_masked]
    values = {key: variable.value for key, variable in merged.items() if "\0" not in variable.value}
    url = job.definition.get("environment", {}).get("url")
    if url:
        values["CI_ENVIRONMENT_URL"] = expand(url, values)
    files = home / "files"
    files.mkdir(mode=0o700)
    for key, variable in merged.items():
        if variable.is_file and key in values:
            values[key] = str(_write(files / key, variable.value))
    base = {"PATH": configuration.job_path(), "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(home / "tmp")}
    return JobEnvironment(base | values, [secret for secret in secrets if len(secret) >= LEAST_MASKED])


def _write(path: Path, text: str) -> Path:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, "w") as file:  # noqa: PTH123
        file.write(text)
    return path
