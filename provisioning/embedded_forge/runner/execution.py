"""Runs one job: checkout, script, after_script, in a fresh directory and a process group of its own.

It does not decide what follows from the job's end (`ci/transitions`), and it does not choose which job runs (`loop`).
"""

import logging
import os
import selectors
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.ci import transitions
from provisioning.embedded_forge.entities.projects import http_url
from provisioning.embedded_forge.git import repository
from provisioning.embedded_forge.git.process import GitError, run
from provisioning.embedded_forge.models import Job, token_digest, token_new
from provisioning.embedded_forge.runner import environment, processes, script
from provisioning.embedded_forge.runner.traces import Trace

logger = logging.getLogger(__name__)
AFTER_SCRIPT_TIMEOUT_S = 300
CHUNK_BYTES = 64 * 1024
# How long a process that left the group may hold the output open after the script's end.
DRAIN_S = 0.5


def directory_of(job_id: int) -> Path:
    return configuration.home() / "jobs" / str(job_id)


@dataclass
class Execution:
    """One run of one job. `stop` may be called from any thread."""

    job_id: int

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._wake_in, self._wake_out = os.pipe()
        self._reason = ""

    def stop(self, reason: str = "") -> None:
        """Ends the job's processes. With a reason it counts as failed for that, else as canceled."""
        self._reason = reason or self._reason
        self._stopping.set()
        os.write(self._wake_out, b"!")

    def run(self) -> None:
        """From pending to its end. Whatever happens, a job that was started is finished."""
        token = token_new("glcbt-")
        try:
            if not transitions.start_job(self.job_id, token_digest=token_digest(token)):
                return
            exit_code, reason = None, "runner_system_failure"
            try:
                exit_code, reason = self._run(token)
            except Exception:
                logger.exception("job %s could not be run", self.job_id)
            finally:
                processes.end_marked(token_digest(token))
                transitions.finish_job(self.job_id, exit_code=exit_code, failure_reason=reason)
                shutil.rmtree(directory_of(self.job_id), ignore_errors=True)
        finally:
            os.close(self._wake_in)
            wake, self._wake_out = self._wake_out, os.open(os.devnull, os.O_WRONLY)
            os.close(wake)

    def _run(self, token: str) -> tuple[int | None, str]:
        """The exit code of the script, and GitLab's name for the failure, if it was one."""
        related = ("pipeline", "project", "project__namespace", "user")
        job = Job.objects.select_related(*related).get(pk=self.job_id)
        home = directory_of(job.pk)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True, mode=0o700)
        (home / "tmp").mkdir()
        checkout = home / "builds" / job.project.path
        checkout.parent.mkdir()
        around = environment.build(job, token=token, home=home, checkout=checkout)
        trace = Trace(job.pk, around.secrets)
        try:
            trace.line(f"Running with the embedded runner on {configuration.external_host()}")
            if around.variables.get("GIT_SUBMODULE_STRATEGY", "none") not in {"none", ""}:
                trace.line(
                    "ERROR: Job failed: this runner has no GIT_SUBMODULE_STRATEGY: fetch submodules in the script"
                )
                return None, "runner_unsupported"
            if around.variables.get("GIT_STRATEGY") in {"none", "empty"}:
                checkout.mkdir()
                return self._started(job, around.variables, home, checkout, trace)
            trace.line(f"Checking out {job.pipeline.sha[:8]} as detached HEAD (ref is {job.pipeline.ref})...")
            try:
                _check_out(job, checkout)
            except (GitError, OSError) as error:
                trace.line(f"ERROR: Job failed (system failure): the commit can't be checked out: {error}")
                return None, "runner_system_failure"
            return self._started(job, around.variables, home, checkout, trace)
        finally:
            trace.close()

    def _started(
        self, job: Job, variables: dict[str, str], home: Path, checkout: Path, trace: Trace
    ) -> tuple[int | None, str]:
        """The scripts' result; a kernel that does not start them is a system failure."""
        try:
            return self._scripts(job, variables, home, checkout, trace)
        except OSError as error:
            trace.line(f"ERROR: Job failed (system failure): the script can't be started: {error}")
            return None, "runner_system_failure"

    def _scripts(
        self, job: Job, variables: dict[str, str], home: Path, checkout: Path, trace: Trace
    ) -> tuple[int | None, str]:
        commands = [*job.definition["before_script"], *job.definition["script"]]
        text = script.render(commands, directory=str(checkout))
        code, ending = self._bash(job, text, home / "script", variables, trace, job.timeout_s)
        if job.definition["after_script"] and not self._reason:
            trace.line("Running after_script")
            status = "success" if code == 0 else "canceled" if ending == "canceled" else "failed"
            text = script.render(job.definition["after_script"], directory=str(checkout), is_after=True)
            self._stopping.clear()
            after = variables | {"CI_JOB_STATUS": status}
            self._bash(job, text, home / "after_script", after, trace, AFTER_SCRIPT_TIMEOUT_S)
        if ending == "timeout":
            trace.line(f"ERROR: Job failed: execution took longer than {job.timeout_s} seconds")
            return code, "job_execution_timeout"
        if ending == "canceled":
            trace.line(f"ERROR: Job failed: {self._reason or 'canceled'}")
            return code, self._reason or "job_canceled"
        if code != 0:
            trace.line(f"ERROR: Job failed: exit status {code}")
            return code, "script_failure"
        trace.line("Job succeeded")
        return code, ""

    def _bash(
        self, job: Job, text: str, path: Path, variables: dict[str, str], trace: Trace, timeout_s: float
    ) -> tuple[int, str]:
        """The exit code, and "timeout" or "canceled" if it did not end by itself."""
        path.write_text(text)
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", str(path)], env=variables, cwd=path.parent, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        Job.objects.filter(pk=job.pk).update(
            pid=process.pid, pid_started_at_ticks=processes.started_at_ticks(process.pid)
        )
        try:
            ending = self._pump(process, trace, time.monotonic() + timeout_s)
        finally:
            # The group outlives its leader when the script left something in the background.
            processes.end_group(process.pid)
            code = process.wait()
            if process.stdout is not None:
                process.stdout.close()
        return code if code >= 0 else 128 - code, ending

    def _pump(self, process: "subprocess.Popen[bytes]", trace: Trace, deadline: float) -> str:
        """Copies output until the script ends, time runs out or the job is stopped."""
        assert process.stdout is not None  # noqa: S101
        output = process.stdout.fileno()
        ended = os.pidfd_open(process.pid)
        ending = ""
        try:
            with selectors.DefaultSelector() as selector:
                for fd in (output, ended, self._wake_in):
                    selector.register(fd, selectors.EVENT_READ)
                while True:
                    left = deadline - time.monotonic()
                    ready = {key.fd for key, _events in selector.select(max(left, 0))}
                    if self._stopping.is_set():
                        ending = "canceled"
                        break
                    if left <= 0:
                        ending = "timeout"
                        break
                    if output in ready:
                        chunk = os.read(output, CHUNK_BYTES)
                        trace.output(chunk)
                        if not chunk:
                            selector.unregister(output)
                    elif ended in ready:
                        break
        finally:
            os.close(ended)
        if ending:
            processes.end_group(process.pid)
        _drain(output, trace)
        return ending


def _drain(output: int, trace: Trace) -> None:
    """What is still in the pipe."""
    deadline = time.monotonic() + DRAIN_S
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and selector.select(min(left, 0.05)):
            chunk = os.read(output, CHUNK_BYTES)
            if not chunk:
                return
            trace.output(chunk)


def _check_out(job: Job, checkout: Path) -> None:
    """The pipeline's commit, from the bare repository on this disk. The remote is the one people use, without a
    credential; submodules are the script's business."""
    source = repository.ensure(job.project)
    sha = job.pipeline.sha
    run(None, "clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", str(source), str(checkout))
    run(checkout / ".git", f"--work-tree={checkout}", "checkout", "--quiet", "--detach", sha)
    run(checkout / ".git", "remote", "set-url", "origin", http_url(job.project))
