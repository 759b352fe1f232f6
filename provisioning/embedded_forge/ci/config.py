"""`.gitlab-ci.yml`: read whole or refused, naming what is wrong. A keyword that this forge would have to ignore is
refused, since a pipeline that does less than its file says is worse than none."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from provisioning.embedded_forge.ci import expressions, reading
from provisioning.embedded_forge.ci.reading import InvalidConfig

PRE, POST = ".pre", ".post"
DEFAULT_STAGES = ["build", "test", "deploy"]
GLOBAL_KEYS = {"stages", "variables", "default", "workflow", "before_script", "after_script"}
# Keywords of GitLab that can't be names of jobs.
RESERVED = {"image", "services", "cache", "include", "types", "spec", "pages", "true", "false", "nil"}
DEFAULT_KEYS = {"before_script", "after_script", "timeout", "tags", "interruptible"}
JOB_KEYS = {
    "stage", "script", "before_script", "after_script", "variables", "rules", "when", "environment", "timeout",
    "allow_failure", "needs", "tags", "interruptible",
}  # fmt: skip
RULE_KEYS = {"if", "when", "allow_failure", "variables"}
WORKFLOW_RULE_KEYS = {"if", "when", "variables"}
ENVIRONMENT_KEYS = {"name", "url", "action", "deployment_tier"}
WHENS = ("on_success", "on_failure", "always", "manual", "never")
ACTIONS = ("start", "prepare", "access", "verify")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")
TIERS = ("production", "staging", "testing", "development", "other")


@dataclass(frozen=True)
class Rule:
    condition: str | None
    when: str | None
    allow_failure: bool | None
    variables: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class JobConfig:
    """One job as the file has it. `rules` is None where there are none; `needs` likewise. `variables` maps names to
    `{"value": ..., "raw": ...}`."""

    name: str
    stage: str
    script: list[str]
    before_script: list[str] = field(default_factory=list)
    after_script: list[str] = field(default_factory=list)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: list[Rule] | None = None
    when: str = "on_success"
    allow_failure: bool | None = None
    allow_failure_codes: list[int] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    timeout_s: int | None = None
    needs: list[str] | None = None


@dataclass(frozen=True)
class Config:
    stages: list[str]
    jobs: list[JobConfig]
    variables: dict[str, dict[str, Any]]
    workflow_rules: list[Rule] | None
    workflow_name: str


def parse(text: bytes) -> Config:
    """Raises `InvalidConfig` with GitLab's wording where it has one."""
    tree = reading.load(text)
    problems: list[str] = []

    def guarded(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except InvalidConfig as error:
            problems.extend(error.reasons)
            return otherwise

    stages = guarded(lambda: _stages(tree.get("stages")), DEFAULT_STAGES)
    stages = [PRE, *(name for name in stages if name not in {PRE, POST}), POST]
    variables = guarded(lambda: reading.variables(tree.get("variables"), "variables"), {})
    default = guarded(lambda: _default(tree), {})
    workflow_name, workflow_rules = guarded(lambda: _workflow(tree.get("workflow")), ("", None))
    jobs = []
    for name, body in tree.items():
        if name in GLOBAL_KEYS or str(name).startswith("."):
            continue
        if name in RESERVED:
            problems.append(f"root config contains unknown keys: {name}")
            continue
        job = guarded(partial(_job, str(name), body, default, stages), None)
        if job is not None:
            jobs.append(job)
    if not jobs and not problems:
        problems.append("jobs config should contain at least one visible job")
    guarded(lambda: _check_needs(jobs, stages), None)
    if problems:
        raise InvalidConfig(problems)
    return Config(stages, jobs, variables, workflow_rules, workflow_name)


def _stages(value: Any) -> list[str]:
    if value is None:
        return DEFAULT_STAGES
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise InvalidConfig(["stages config should be an array of strings"])
    return list(dict.fromkeys(value))


def _default(tree: dict[Any, Any]) -> dict[str, Any]:
    """`default:` with the older global `before_script:` and `after_script:` beneath it."""
    default = reading.mapping(tree.get("default", {}), "default", DEFAULT_KEYS)
    for name in ("before_script", "after_script"):
        if name in tree and name in default:
            raise InvalidConfig([f"{name} is defined in top-level and `default:` entry"])
        if name in tree:
            default[name] = tree[name]
    return default


def _workflow(value: Any) -> tuple[str, list[Rule] | None]:
    if value is None:
        return "", None
    body = reading.mapping(value, "workflow", {"rules", "name"})
    name = body.get("name", "")
    if not isinstance(name, str):
        raise InvalidConfig(["workflow name should be a string"])
    if "rules" not in body:
        return name, None
    return name, _rules(body["rules"], "workflow:rules", WORKFLOW_RULE_KEYS, ("always", "never"))


def _rules(value: Any, where: str, keys: set[str], whens: tuple[str, ...]) -> list[Rule]:
    if not isinstance(value, list):
        raise InvalidConfig([f"{where} config should be an array of hashes"])
    found = []
    for item in reading.flat(value, where):
        body = reading.mapping(item, f"{where}:rule", keys)
        condition, when, allowed = body.get("if"), body.get("when"), body.get("allow_failure")
        if condition is not None:
            try:
                expressions.check(condition if isinstance(condition, str) else "")
            except expressions.InvalidExpression:
                raise InvalidConfig([f"{where}:rule if invalid expression syntax"]) from None
        if when is not None and when not in whens:
            raise InvalidConfig([f"{where}:rule when should be one of: {', '.join(whens)}"])
        if allowed is not None and not isinstance(allowed, bool):
            raise InvalidConfig([f"{where}:rule allow failure should be a boolean value"])
        found.append(
            Rule(condition, when, allowed, reading.variables(body.get("variables"), f"{where}:rule:variables"))
        )
    return found


def _job(name: str, value: Any, default: dict[str, Any], stages: list[str]) -> JobConfig:
    where = f"jobs:{name}"
    if not isinstance(value, dict):
        raise InvalidConfig([f"{where} config should be a hash"])
    if len(name) > 255:
        raise InvalidConfig([f"{where} name is too long (maximum is 255 characters)"])
    body = reading.mapping(value, where, JOB_KEYS)
    if "script" not in body:
        raise InvalidConfig([f"{where} config should implement the script:, run:, or trigger: keyword"])
    stage = body.get("stage", "test")
    if stage not in stages:
        raise InvalidConfig(
            [f"{name} job: chosen stage {stage} does not exist; available stages are {', '.join(stages)}"]
        )
    when = body.get("when", "on_success")
    if when not in WHENS:
        raise InvalidConfig([f"{where} when should be one of: {', '.join(WHENS)}"])
    rules = _rules(body["rules"], f"{where}:rules", RULE_KEYS, WHENS) if "rules" in body else None
    if rules is not None and "when" in body:
        raise InvalidConfig([f"{where} config key may not be used with `rules`: when"])
    allowed, codes = _allow_failure(body.get("allow_failure"), where)
    scripts = {
        key: reading.script(body.get(key, default.get(key)), f"{where}:{key}")
        for key in ("script", "before_script", "after_script")
    }
    if not scripts["script"]:
        raise InvalidConfig([f"{where}:script config can't be blank"])
    timeout = body.get("timeout", default.get("timeout"))
    return JobConfig(
        name=name, stage=stage, **scripts, rules=rules, when=when, allow_failure=allowed, allow_failure_codes=codes,
        variables=reading.variables(body.get("variables"), f"{where}:variables"),
        environment=_environment(body.get("environment"), where),
        timeout_s=None if timeout is None else reading.duration_s(timeout, where),
        needs=_needs(body.get("needs"), where),
    )  # fmt: skip


def _allow_failure(value: Any, where: str) -> tuple[bool | None, list[int]]:
    if value is None or isinstance(value, bool):
        return value, []
    body = reading.mapping(value, f"{where}:allow_failure", {"exit_codes"})
    codes = body.get("exit_codes")
    codes = codes if isinstance(codes, list) else [codes]
    if not codes or not all(isinstance(code, int) and not isinstance(code, bool) for code in codes):
        raise InvalidConfig([f"{where}:allow_failure exit codes should be an array of integers or an integer"])
    return False, codes


def _environment(value: Any, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        value = {"name": value}
    body = reading.mapping(value, f"{where}:environment", ENVIRONMENT_KEYS)
    name = body.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_\-/${}. ]{1,255}", name):
        text = "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces"
        raise InvalidConfig([f"{where}:environment name {text}"])
    if not isinstance(body.get("url", ""), str):
        raise InvalidConfig([f"{where}:environment url should be a string"])
    if body.get("action", "start") not in ACTIONS:
        raise InvalidConfig([f"{where}:environment action should be one of: {', '.join(ACTIONS)}"])
    if body.get("deployment_tier", "other") not in TIERS:
        raise InvalidConfig([f"{where}:environment deployment tier must be one of {', '.join(TIERS)}"])
    return dict(body)


def _needs(value: Any, where: str) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise InvalidConfig([f"{where}:needs config should be an array of job names"])
    names = []
    for item in value:
        name = item.get("job") if isinstance(item, dict) and set(item) == {"job"} else item
        if not isinstance(name, str):
            raise InvalidConfig([f"{where}:needs config should be an array of job names"])
        names.append(name)
    return names


def _check_needs(jobs: list[JobConfig], stages: list[str]) -> None:
    """A needed job exists and comes earlier, or in the same stage without a circle."""
    by_name = {job.name: job for job in jobs}
    problems = []
    for job in jobs:
        for name in job.needs or ():
            if name not in by_name:
                problems.append(f"{job.name} job: undefined need: {name}")
            elif stages.index(by_name[name].stage) > stages.index(job.stage):
                problems.append(f"{job.name} job: need {name} is not defined in current or prior stages")
    if problems:
        raise InvalidConfig(problems)
    settled: set[str] = set()
    while pending := [job for job in jobs if job.name not in settled]:
        free = [job.name for job in pending if all(name in settled for name in job.needs or ())]
        if not free:
            raise InvalidConfig(["The pipeline has circular dependencies"])
        settled.update(free)
