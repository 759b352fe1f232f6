"""What a job finds around it, what it may not do, and how it ends."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.forge.conftest import Ci
from tests.contracts.forge.server import Forge


def test_a_job_stands_in_a_fresh_checkout_of_its_commit(ci: Ci, filled: Any) -> None:
    pipeline = ci.run(
        """
        job:
          script:
            - git rev-parse HEAD
            - git remote get-url origin
            - test -x bin/run && cat README.md
            - test "$PWD" = "$CI_PROJECT_DIR"
            - touch left-behind
        """
    )
    trace = ci.trace(pipeline, "job")
    assert pipeline.status == "success"
    assert f"\n{pipeline.sha}\n" in trace
    assert f"\n{filled.http_url_to_repo}\n" in trace
    again = ci.ended(ci.start())
    assert "left-behind" not in ci.trace(again, "job").replace("touch left-behind", "")


def test_variables_win_in_gitlabs_order(ci: Ci, filled: Any) -> None:
    for key in ("B", "C"):
        filled.variables.create({"key": key, "value": "project"})
    pipeline = ci.run(
        """
        variables: {A: global, B: global, D: global, E: "$D-$A and $$HOME"}
        job:
          variables: {A: job, B: job, F: {value: "$A", expand: false}}
          script: ['echo "$A $B $C $D [$E] [$F]"']
        """,
        {"C": "pipeline"},
    )
    assert "\njob project pipeline global [global-job and $HOME] [$A]\n" in ci.trace(pipeline, "job")


def test_a_variable_reaches_only_its_environment(ci: Ci, filled: Any) -> None:
    for scope in ("production", "review/*"):
        filled.variables.create({"key": "WHERE", "value": scope, "environment_scope": scope})
    pipeline = ci.run(
        """
        live: {environment: {name: production, url: 'https://$WHERE.example.org'},
               script: ['echo "$WHERE $CI_ENVIRONMENT_NAME $CI_ENVIRONMENT_URL"']}
        review: {environment: review/$CI_COMMIT_REF_NAME, script: ['echo "$WHERE $CI_ENVIRONMENT_SLUG"']}
        none: {script: ['echo "[$WHERE]"']}
        """
    )
    assert "\nproduction production https://production.example.org\n" in ci.trace(pipeline, "live")
    assert "\nreview/* review-main\n" in ci.trace(pipeline, "review")
    assert "\n[]\n" in ci.trace(pipeline, "none")


def test_a_protected_variable_reaches_only_protected_refs(ci: Ci, filled: Any) -> None:
    filled.variables.create({"key": "GUARDED", "value": "treasure", "protected": True})
    text = "job: {script: ['echo \"[$GUARDED]\"']}"
    assert "\n[]\n" in ci.trace(ci.run(text), "job")
    filled.protectedbranches.create({"name": "main"})
    assert "\n[treasure]\n" in ci.trace(ci.ended(ci.start()), "job")


def test_a_file_variable_is_a_private_file(ci: Ci, filled: Any) -> None:
    filled.variables.create({"key": "KEY", "value": "line one\nline $two", "variable_type": "file"})
    pipeline = ci.run("job: {script: ['stat -c %a $KEY', 'cat $KEY', 'case $KEY in $CI_PROJECT_DIR/*) exit 1;; esac']}")
    assert pipeline.status == "success"
    assert "600\n" in ci.trace(pipeline, "job")
    assert "line one\nline $two" in ci.trace(pipeline, "job")


def test_a_masked_secret_never_shows_in_whole_or_in_parts(ci: Ci, filled: Any) -> None:
    filled.variables.create({"key": "SECRET", "value": "tr3asure-map", "masked": True})
    filled.variables.create({"key": "LONGER", "value": "tr3asure-map-of-the-island", "masked": True})
    pipeline = ci.run(
        """
        job:
          script:
            - 'echo "all: $SECRET $LONGER"'
            - 'printf "slow: "; printf "tr3as"; sleep 0.3; printf "ure-m"; sleep 0.3; printf "ap\\n"'
            - 'for i in $(seq 3000); do printf "%s" "xxxxxxx$SECRET"; done; echo'
            - 'echo "token: $CI_JOB_TOKEN"'
            - 'env'
        """
    )
    trace = ci.trace(pipeline, "job")
    assert "all: [MASKED] [MASKED]\n" in trace
    assert "slow: [MASKED]\n" in trace
    assert "token: [MASKED]\n" in trace
    assert "tr3asure" not in trace


def test_a_long_output_is_cut_and_says_so(ci: Ci, filled: Any) -> None:
    pipeline = ci.run("job: {script: ['head -c 6000000 /dev/zero | tr \"\\0\" x', 'echo done']}")
    trace = ci.trace(pipeline, "job")
    assert pipeline.status == "success"
    assert "Job's log exceeded limit of 4194304 bytes." in trace
    assert len(trace) < 4_300_000


def test_time_ends_a_job_with_everything_it_started(ci: Ci, filled: Any, tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    pipeline = ci.run(
        f"""
        job:
          timeout: 1 second
          script:
            - (trap "" TERM; sleep 300) & echo $! > {marks}
            - trap "" TERM; sleep 300
        """
    )
    job = ci.jobs(pipeline)["job"]
    assert (pipeline.status, job.failure_reason) == ("failed", "job_execution_timeout")
    assert not _lives(int(marks.read_text()))
    assert "execution took longer than 1 seconds" in job.trace().decode()


def test_what_a_job_leaves_in_the_background_ends_with_it(ci: Ci, filled: Any, tmp_path: Path) -> None:
    grouped, escaped = tmp_path / "grouped", tmp_path / "escaped"
    pipeline = ci.run(
        f"""
        job:
          script:
            - sleep 300 & echo $! > {grouped}
            - setsid sh -c 'echo $$ > {escaped}; exec sleep 300' & sleep 0.3
        """
    )
    assert pipeline.status == "success"
    assert not _lives(int(grouped.read_text()))
    assert not _lives(int(escaped.read_text()))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("what", ["job", "pipeline"])
def test_a_canceled_job_is_ended(ci: Ci, filled: Any, tmp_path: Path, what: str) -> None:
    mark = tmp_path / "pid"
    ci.configure(
        f"""
        stages: [a, b]
        job: {{stage: a, script: ['echo $$ > {mark}.new; mv {mark}.new {mark}; sleep 300']}}
        later: {{stage: b, script: [echo x]}}
        """
    )
    pipeline = ci.reaches(ci.start(), {"running"})
    while not mark.exists():
        pipeline.refresh()
    job = ci.jobs(pipeline)["job"]
    (pipeline if what == "pipeline" else job).cancel()
    assert ci.reaches(pipeline, {"canceled", "failed"}).status == "canceled"
    jobs = ci.jobs(pipeline)
    assert jobs["job"].status == "canceled"
    assert jobs["later"].status in {"canceled", "skipped"}
    assert not _lives(int(mark.read_text()))


def test_a_job_may_do_without_a_checkout(ci: Ci, filled: Any) -> None:
    pipeline = ci.run("job: {variables: {GIT_STRATEGY: none}, script: ['test ! -e README.md', pwd]}")
    assert pipeline.status == "success"


def test_a_job_reads_nobodys_input(ci: Ci, filled: Any) -> None:
    assert ci.run("job: {script: [cat, 'test ! -t 0']}").status == "success"


def test_the_job_token_reads_its_own_repository_while_the_job_runs(ci: Ci, filled: Any, group: Any, admin: Any) -> None:
    other = admin.projects.create({"name": "other", "namespace_id": group.id, "initialize_with_readme": True})
    url = other.http_url_to_repo.replace("://", "://gitlab-ci-token:$CI_JOB_TOKEN@")
    pipeline = ci.run(
        f"""
        job:
          script:
            - git clone --quiet $CI_REPOSITORY_URL $TMPDIR/again && ls $TMPDIR/again
            - '! git clone --quiet {url} $TMPDIR/other'
            - '! git push --quiet $CI_REPOSITORY_URL HEAD:refs/heads/x'
        """
    )
    assert pipeline.status == "success", ci.trace(pipeline, "job")
    assert [item.name for item in filled.branches.list(get_all=True)] == ["main"]


def test_nothing_of_the_platform_is_in_a_jobs_environment(ci: Ci, filled: Any, forge: Forge) -> None:
    names = {
        line.split("=", 1)[0] for line in ci.trace(ci.run("job: {script: [env]}"), "job").splitlines() if "=" in line
    }
    leaked = {name for name in names if name.startswith(("BERTH", "FORGE", "DJANGO", "PYTHON", "SUPERVISOR"))}
    assert leaked == set()
    if forge.is_embedded:
        own = set(forge.environment) - {"PATH", "HOME"}
        assert names & own == set()
        assert not names & (set(os.environ) - {"PATH", "HOME", "LANG", "PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "CI"})
