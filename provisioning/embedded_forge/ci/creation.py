"""Makes a pipeline from a ref: reads the file at its commit, decides which jobs are in, saves all of it or nothing."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from provisioning.embedded_forge import access, protection
from provisioning.embedded_forge.ci import config, expressions, predefined, transitions
from provisioning.embedded_forge.ci.config import POST, PRE, Config, InvalidConfig, JobConfig, Rule
from provisioning.embedded_forge.ci.variables import JobVariable, expand, merge
from provisioning.embedded_forge.git import history, refs, repository, tree
from provisioning.embedded_forge.models import Job, Pipeline, Project, User

NO_JOBS = (
    "Pipeline will not run for the selected trigger. "
    "The rules configuration prevented any jobs from being added to the pipeline."
)
_OVERRIDE_LEVELS = {"developer": access.DEVELOPER, "maintainer": access.MAINTAINER, "owner": access.OWNER}


class PipelineRefused(Exception):
    """No pipeline is made; `reasons` is for the caller, in GitLab's words."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True)
class _Chosen:
    """A job that is in, with what the rule that let it in says of it."""

    job: JobConfig
    when: str
    allow_failure: bool
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)


def create(
    *, project: Project, user: User, ref: str, variables: list[dict[str, str]], source: str, level: int
) -> Pipeline:
    """`level` is what the user may do in the project. Raises `PipelineRefused`."""
    if project.builds_access_level == "disabled" or project.is_archived:
        raise PipelineRefused("Pipelines are disabled!")
    path = repository.ensure(project)
    ref, is_tag, sha = _find(path, ref)
    is_protected = protection.is_protected(project, ref, is_tag=is_tag)
    _check_permissions(project, ref, is_tag=is_tag, level=level, variables=variables)
    text = tree.file_at(path, sha, project.config_path)
    if text is None:
        raise PipelineRefused("Missing CI config file")
    try:
        parsed = config.parse(text)
    except InvalidConfig as error:
        raise PipelineRefused(*error.reasons) from error
    commit = history.commit(path, sha)
    known = predefined.of_pipeline(
        project, user, ref=ref, is_tag=is_tag, is_protected=is_protected, source=source, commit=commit
    )
    outer = [
        JobVariable(row.key, row.value, is_raw=row.is_raw)
        for row in project.variables.all()
        if row.environment_scope == "*" and (is_protected or not row.is_protected)
    ]
    outer += [JobVariable(item["key"], item["value"]) for item in variables]
    try:
        workflow = _workflow(parsed, known, outer)
        chosen = _choose(parsed, workflow, known, outer)
    except expressions.InvalidExpression:
        raise PipelineRefused("rules: an expression could not be evaluated") from None
    pipeline = Pipeline(
        project=project, sha=sha, ref=ref, is_tag=is_tag, is_ref_protected=is_protected, source=source, user=user,
        stages=[stage for stage in parsed.stages if any(item.job.stage == stage for item in chosen)],
        variables=json.dumps(variables), yaml_variables={"global": parsed.variables, "workflow": workflow},
    )  # fmt: skip
    if parsed.workflow_name:
        pipeline.name = expand(parsed.workflow_name, _values(known, _layer(parsed.variables), outer))[:255]
    return _save(pipeline, project, parsed, chosen)


def _find(path: Path, ref: str) -> tuple[str, bool, str]:
    """The short name, whether it is a tag, and the commit."""
    if ref.startswith("refs/heads/"):
        branch, tag, ref = refs.branch(path, ref[11:]), None, ref[11:]
    elif ref.startswith("refs/tags/"):
        branch, tag, ref = None, refs.tag(path, ref[10:]), ref[10:]
    else:
        branch, tag = refs.branch(path, ref), refs.tag(path, ref)
    if branch and tag:
        raise PipelineRefused("Ref is ambiguous")
    if branch:
        return ref, False, branch
    if tag:
        return ref, True, tag.commit
    raise PipelineRefused("Reference not found")


def _check_permissions(
    project: Project, ref: str, *, is_tag: bool, level: int, variables: list[dict[str, str]]
) -> None:
    if is_tag:
        tags = [rule for rule in project.protected_tags.all() if protection.matches(rule.name, ref)]
        is_allowed = not tags or any(protection.allows(rule.create_access_level, level) for rule in tags)
    else:
        rules = protection.branch_rules(project, ref)
        is_allowed = not rules or any(
            protection.allows(wanted, level)
            for rule in rules
            for wanted in (rule.push_access_level, rule.merge_access_level)
        )
    if not is_allowed:
        text = f"You do not have sufficient permission to run a pipeline on '{ref}'. "
        raise PipelineRefused(text + "Please select a different branch or contact your administrator for assistance.")
    if variables:
        least = _OVERRIDE_LEVELS.get(project.variables_minimum_override_role)
        if least is None or level < least:
            raise PipelineRefused("Insufficient permissions to set pipeline variables")
    seen: set[str] = set()
    for item in variables:
        if item["key"] in seen:
            raise PipelineRefused(f"Duplicate variable name: {item['key'][:255]}")
        if not config.VARIABLE.match(item["key"]):
            raise PipelineRefused(f"Variable name is invalid: {item['key'][:255]}")
        seen.add(item["key"])


def _layer(variables: dict[str, dict[str, Any]]) -> list[JobVariable]:
    return [JobVariable(key, item["value"], is_raw=item["raw"]) for key, item in variables.items()]


def _values(*layers: list[JobVariable]) -> dict[str, str]:
    return {key: variable.value for key, variable in merge(*layers).items()}


def _first(rules: list[Rule], values: dict[str, str]) -> Rule | None:
    return next((rule for rule in rules if rule.condition is None or expressions.holds(rule.condition, values)), None)


def _workflow(parsed: Config, known: list[JobVariable], outer: list[JobVariable]) -> dict[str, dict[str, Any]]:
    """The variables that `workflow: rules` adds."""
    if parsed.workflow_rules is None:
        return {}
    rule = _first(parsed.workflow_rules, _values(known, _layer(parsed.variables), outer))
    if rule is None or rule.when == "never":
        raise PipelineRefused("Pipeline filtered out by workflow rules.")
    return rule.variables


def _choose(
    parsed: Config, workflow: dict[str, dict[str, Any]], known: list[JobVariable], outer: list[JobVariable]
) -> list[_Chosen]:
    chosen = []
    for job in parsed.jobs:
        variables = parsed.variables | workflow | job.variables
        when, allowed, added = job.when, job.allow_failure, {}
        if job.rules is not None:
            rule = _first(job.rules, _values(known, _layer(variables), outer))
            if rule is None:
                continue
            when, added = rule.when or "on_success", rule.variables
            allowed = rule.allow_failure if rule.allow_failure is not None else bool(allowed)
        if when == "never":
            continue
        # A manual job does not hold up the pipeline, unless rules made it manual.
        is_optional = when == "manual" and job.rules is None if allowed is None else allowed
        chosen.append(_Chosen(job, when, is_optional, added))
    if not any(item.job.stage not in {PRE, POST} for item in chosen):
        raise PipelineRefused(NO_JOBS)
    names = {item.job.name for item in chosen}
    for item in chosen:
        for name in item.job.needs or ():
            if name not in names:
                text = f"'{item.job.name}' job needs '{name}' job, but '{name}' does not exist in the pipeline."
                raise PipelineRefused(text)
    return chosen


def _save(pipeline: Pipeline, project: Project, parsed: Config, chosen: list[_Chosen]) -> Pipeline:
    now = timezone.now()
    pipeline.created_at = pipeline.updated_at = now
    inner = json.loads(pipeline.variables)
    outer = [
        JobVariable(row.key, row.value, is_raw=row.is_raw)
        for row in project.variables.all()
        if row.environment_scope == "*"
    ]
    outer += [JobVariable(item["key"], item["value"]) for item in inner]
    jobs = []
    for item in chosen:
        job = item.job
        variables = parsed.variables | pipeline.yaml_variables["workflow"] | job.variables | item.variables
        branch = [
            JobVariable("CI_COMMIT_REF_NAME", pipeline.ref),
            JobVariable("CI_COMMIT_REF_SLUG", predefined.slug(pipeline.ref)),
        ]
        environment = expand(job.environment.get("name", ""), _values(branch, _layer(variables), outer))[:255]
        definition = {
            "script": job.script,
            "before_script": job.before_script,
            "after_script": job.after_script,
            "variables": variables,
            "environment": job.environment,
            "allow_failure_codes": job.allow_failure_codes,
        }
        jobs.append(
            Job(
                project=project, user=pipeline.user, name=job.name, stage=job.stage, when=item.when, needs=job.needs,
                stage_index=parsed.stages.index(job.stage), allow_failure=item.allow_failure, definition=definition,
                environment=environment, timeout_s=job.timeout_s or project.build_timeout_s, created_at=now,
            )
        )  # fmt: skip
    with transaction.atomic():
        Project.objects.filter(pk=project.pk).update(pipeline_count=F("pipeline_count") + 1, last_activity_at=now)
        pipeline.iid = Project.objects.values_list("pipeline_count", flat=True).get(pk=project.pk)
        pipeline.save()
        for row in jobs:
            row.pipeline = pipeline
        Job.objects.bulk_create(jobs)
        transitions.announce(pipeline.pk, project.pk, "created")
        transitions.advance(pipeline.pk)
    pipeline.refresh_from_db(fields=["status", "updated_at", "started_at", "finished_at"])
    return pipeline
