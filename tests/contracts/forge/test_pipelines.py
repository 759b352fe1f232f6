"""From `.gitlab-ci.yml` to a pipeline: what is made of it, and what is refused."""

from typing import Any

import gitlab
import pytest

from tests.contracts.forge.conftest import Ci, Person

SIMPLE = "deploy:\n  script: [echo hello]\n"


def _refused(ci: Ci, text: str | None, variables: dict[str, str] | None = None, ref: str = "main") -> list[str]:
    if text is not None:
        ci.configure(text)
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        ci.start(variables, ref)
    assert caught.value.response_code == 400
    message = caught.value.error_message
    assert isinstance(message, dict)
    reasons: list[str] = message["base"]
    return reasons


def test_a_pipeline_runs_to_success_and_says_when(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(SIMPLE)
    assert pipeline.status == "success"
    assert (pipeline.ref, pipeline.source, pipeline.tag) == ("main", "api", False)
    assert pipeline.sha == filled.branches.get("main").commit["id"]
    assert pipeline.started_at is not None
    assert pipeline.finished_at >= pipeline.started_at
    job = ci.jobs(pipeline)["deploy"]
    assert (job.status, job.stage, job.failure_reason) == ("success", "test", None)
    assert "hello" in ci.trace(pipeline, "deploy")


def test_a_failing_command_fails_the_rest(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(
        """
        stages: [one, two]
        first: {stage: one, script: ["echo before", "exit 3", "echo after"]}
        second: {stage: two, script: [echo never]}
        cleanup: {stage: two, when: on_failure, script: [echo cleaning]}
        report: {stage: two, when: always, script: [echo always]}
        """
    )
    jobs = ci.jobs(pipeline)
    assert pipeline.status == "failed"
    assert {name: job.status for name, job in jobs.items()} == {
        "first": "failed", "second": "skipped", "cleanup": "success", "report": "success",
    }  # fmt: skip
    assert jobs["first"].failure_reason == "script_failure"
    assert "after" not in jobs["first"].trace().decode().replace("echo after", "")


def test_a_failure_that_is_allowed_does_not_count(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(
        """
        stages: [one, two]
        first: {stage: one, allow_failure: true, script: [exit 1]}
        coded: {stage: one, allow_failure: {exit_codes: [7]}, script: [exit 7]}
        second: {stage: two, script: [echo on]}
        """
    )
    assert pipeline.status == "success"
    assert {name: job.status for name, job in ci.jobs(pipeline).items()} == {
        "first": "failed", "coded": "failed", "second": "success",
    }  # fmt: skip


def test_a_failure_within_a_pipe_counts(ci: Ci, filled: Any) -> None:
    assert ci.run("job: {script: ['false | cat']}").status == "failed"


def test_scripts_run_in_order_and_share_a_shell(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(
        """
        default:
          before_script: ["export SEEN=before"]
          after_script: ["echo after=$CI_JOB_STATUS seen=$SEEN"]
        job:
          script:
            - "cd conf && ls"
            - |
              if true; then
                echo "in $(basename $PWD) seen=$SEEN"
              fi
        """
    )
    trace = ci.trace(pipeline, "job")
    assert "app.conf" in trace
    assert "in conf seen=before" in trace
    assert "after=success seen=\n" in trace


def test_rules_choose_jobs_and_give_variables(ci: Ci, filled: Any) -> None:
    text = """
    workflow:
      rules:
        - if: $CI_PIPELINE_SOURCE == "api"
          variables: {FROM: workflow}
    chosen:
      variables: {COLOR: plain}
      rules:
        - if: $TARGET =~ /^prod/ && ($CI_COMMIT_BRANCH == "main" || $CI_COMMIT_TAG)
          variables: {COLOR: red}
      script: ["echo $COLOR $FROM"]
    absent:
      rules: [{if: '$TARGET == null'}]
      script: [echo no]
    never:
      rules: [{if: '$TARGET', when: never}, {when: always}]
      script: [echo never]
    """
    pipeline = ci.run(text, {"TARGET": "production"})
    assert set(ci.jobs(pipeline)) == {"chosen"}
    assert "\nred workflow\n" in ci.trace(pipeline, "chosen")


def test_a_manual_job_waits_and_is_played(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(
        """
        stages: [one, two]
        gate: {stage: one, script: [echo go], rules: [{when: manual}]}
        after: {stage: two, script: [echo after]}
        """
    )
    assert pipeline.status == "manual"
    gate = ci.jobs(pipeline)["gate"]
    gate.play()
    assert ci.reaches(pipeline, {"success"}).status == "success"


def test_needs_start_a_job_before_its_stage(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(
        """
        stages: [one, two]
        a: {stage: one, script: [exit 0]}
        b: {stage: one, script: [exit 1]}
        c: {stage: two, needs: [a], script: [echo c]}
        d: {stage: two, needs: [b], script: [echo d]}
        """
    )
    jobs = ci.jobs(pipeline)
    assert (jobs["c"].status, jobs["d"].status, pipeline.status) == ("success", "skipped", "failed")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("deploy: {script: [x], services: [postgres]}", "jobs:deploy config contains unknown keys: services"),
        ("deploy: {script: [x], image: php}", "jobs:deploy config contains unknown keys: image"),
        ("deploy: {script: [x], artifacts: {paths: [a]}}", "jobs:deploy config contains unknown keys: artifacts"),
        ("include: [other.yml]\ndeploy: {script: [x]}", "root config contains unknown keys: include"),
        ("default: {image: php}\ndeploy: {script: [x]}", "default config contains unknown keys: image"),
        (
            "deploy: {script: [x], rules: [{changes: [a]}]}",
            "jobs:deploy:rules:rule config contains unknown keys: changes",
        ),
        ("deploy: {stage: test}", "jobs:deploy config should implement the script:, run:, or trigger: keyword"),
        ("deploy: {script: [x], when: sometimes}", "jobs:deploy when should be one of"),
        ("deploy: {script: [x], stage: nowhere}", "deploy job: chosen stage nowhere does not exist"),
        ("deploy: {script: [x], timeout: soon}", "jobs:deploy timeout should be a duration"),
        ("deploy: {script: [x], rules: [{if: '$A =='}]}", "jobs:deploy:rules:rule if invalid expression syntax"),
        ("stages: [a]\n", "jobs config should contain at least one visible job"),
        ("a: {script: [x], needs: [b]}\nb: {script: [x], needs: [a]}", "circular"),
        ("deploy: [", "at line 1 column"),
        ("just text", "Invalid configuration format"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_and_says_why(ci: Ci, filled: Any, text: str, reason: str) -> None:
    assert any(reason in item for item in _refused(ci, text))
    assert filled.pipelines.list(get_all=True) == []


def test_aliases_that_stand_for_billions_are_refused(ci: Ci, filled: Any) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1},*a{n - 1},*a{n - 1},*a{n - 1}]" for n in range(1, 30)]
    assert _refused(ci, "\n".join(lines)) == ["The parsed YAML is too big"]


def test_a_ref_that_is_not_there_and_a_sha_are_no_refs(ci: Ci, filled: Any) -> None:
    ci.configure(SIMPLE)
    assert _refused(ci, None, ref="absent") == ["Reference not found"]
    assert _refused(ci, None, ref=filled.branches.get("main").commit["id"]) == ["Reference not found"]


def test_without_a_file_there_is_no_pipeline(ci: Ci, filled: Any) -> None:
    assert _refused(ci, None) == ["Missing CI config file"]


def test_rules_that_leave_nothing_refuse_the_pipeline(ci: Ci, filled: Any) -> None:
    text = "job: {script: [x], rules: [{if: '$CI_COMMIT_TAG'}]}"
    assert _refused(ci, text) == [
        "Pipeline will not run for the selected trigger. "
        "The rules configuration prevented any jobs from being added to the pipeline."
    ]
    assert _refused(ci, f"workflow: {{rules: [{{if: '$NO'}}]}}\n{SIMPLE}") == [
        "Pipeline filtered out by workflow rules."
    ]


def test_a_variable_is_given_once(ci: Ci, filled: Any) -> None:
    ci.configure(SIMPLE)
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        filled.pipelines.create({"ref": "main", "variables": [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]})
    assert caught.value.error_message == {"base": ["Duplicate variable name: A"]}


def test_only_those_who_may_set_variables(ci: Ci, filled: Any, developer: Person) -> None:
    filled.ci_pipeline_variables_minimum_override_role = "maintainer"
    filled.save()
    ci.configure(SIMPLE)
    mine = Ci(developer.api.projects.get(filled.id))
    assert _refused(mine, None, {"A": "1"}) == ["Insufficient permissions to set pipeline variables"]
    assert mine.start().status in {"created", "pending", "running", "success"}
    filled.ci_pipeline_variables_minimum_override_role = "developer"
    filled.save()
    assert mine.ended(mine.start({"A": "1"})).status == "success"


def test_a_project_without_builds_has_no_pipelines(ci: Ci, filled: Any) -> None:
    ci.configure(SIMPLE)
    filled.builds_access_level = "disabled"
    filled.save()
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        ci.start()
    assert caught.value.response_code in {400, 403}


def test_a_tag_runs_as_a_tag(ci: Ci, filled: Any) -> None:
    ci.configure("job: {script: ['echo tag=$CI_COMMIT_TAG branch=$CI_COMMIT_BRANCH.']}")
    filled.tags.create({"tag_name": "v1", "ref": "main"})
    pipeline = ci.ended(ci.start(ref="v1"))
    assert (pipeline.tag, pipeline.status) == (True, "success")
    assert "tag=v1 branch=.\n" in ci.trace(pipeline, "job")


def test_pipelines_are_listed_by_status_and_the_latest_is_found(ci: Ci, filled: Any) -> None:
    good = ci.run(SIMPLE)
    bad = ci.run("deploy: {script: [exit 1]}")
    assert [item.id for item in filled.pipelines.list(get_all=True)] == [bad.id, good.id]
    assert [item.id for item in filled.pipelines.list(status="success", get_all=True)] == [good.id]
    assert filled.pipelines.latest(ref="main").id == bad.id


def test_pipeline_variables_are_shown_to_developers(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(SIMPLE, {"A": "1"})
    (variable,) = pipeline.variables.list(get_all=True)
    assert (variable.key, variable.value) == ("A", "1")


def test_a_failed_pipeline_is_retried(ci: Ci, filled: Any) -> None:
    filled.variables.create({"key": "CODE", "value": "1"})
    pipeline = ci.run("stages: [a, b]\none: {stage: a, script: [exit $CODE]}\ntwo: {stage: b, script: [echo two]}")
    assert pipeline.status == "failed"
    filled.variables.update("CODE", {"value": "0"})
    pipeline.retry()
    assert ci.reaches(pipeline, {"success"}).status == "success"
    assert {name: job.status for name, job in ci.jobs(pipeline).items()} == {"one": "success", "two": "success"}


def test_a_pipeline_is_deleted_with_its_jobs(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(SIMPLE)
    job_id = ci.jobs(pipeline)["deploy"].id
    pipeline.delete()
    for gone in (lambda: filled.pipelines.get(pipeline.id), lambda: filled.jobs.get(job_id)):
        with pytest.raises(gitlab.GitlabGetError):
            gone()
