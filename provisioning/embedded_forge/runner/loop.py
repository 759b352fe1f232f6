"""The runner's main loop: takes pending jobs, stops canceled ones, hands pushes and events to the webhooks."""

import contextlib
import logging
import os
import select
import shutil
import threading
import time

from django.db import close_old_connections, connections, transaction

from provisioning.embedded_forge import configuration, protection, spool, wake
from provisioning.embedded_forge.ci import transitions
from provisioning.embedded_forge.git import repository
from provisioning.embedded_forge.git.process import GitError, run
from provisioning.embedded_forge.locks import hold_project
from provisioning.embedded_forge.models import Job, Pipeline, Project
from provisioning.embedded_forge.runner import processes, traces
from provisioning.embedded_forge.runner.execution import Execution
from provisioning.embedded_forge.webhooks import events, pushes
from provisioning.embedded_forge.webhooks.sender import Sender

logger = logging.getLogger(__name__)
POLL_S = 1.0
STOP_WAIT_S = 8.0
LOST = "ERROR: Job failed (system failure): the runner was stopped while the job ran"


class Runner:
    """Runs until `stop`. Only one may run for a home; `forge_runner` sees to that."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._running: dict[int, tuple[Execution, threading.Thread]] = {}
        self._sender = Sender()

    def stop(self) -> None:
        self._stopping.set()
        wake.runner()

    def run(self) -> None:
        """Mends what a killed runner left, then works."""
        receiver = wake.listen()
        try:
            self._recover()
            while not self._stopping.is_set():
                try:
                    self._turn()
                except Exception:
                    logger.exception("the runner's turn failed; it tries again")
                    close_old_connections()
                    self._stopping.wait(POLL_S)
                self._wait(receiver)
            self._end()
        finally:
            receiver.close()
            connections.close_all()

    def _wait(self, receiver: "wake.socket.socket") -> None:
        ready, _write, _errors = select.select([receiver], [], [], POLL_S)
        while ready:
            with contextlib.suppress(BlockingIOError):
                receiver.recv(64)
            ready, _write, _errors = select.select([receiver], [], [], 0)

    def _turn(self) -> None:
        for job_id in [job_id for job_id, (_execution, thread) in self._running.items() if not thread.is_alive()]:
            self._running.pop(job_id)
        self._start_pending()
        self._stop_canceled()
        for push in spool.pending():
            self._after_push(push)
        events.settle_prepared()
        self._sender.send_pending()

    def _start_pending(self) -> None:
        free = configuration.concurrent_jobs() - len(self._running)
        if free <= 0:
            return
        found = Job.objects.filter(status="pending").exclude(pk__in=self._running).order_by("queued_at", "pk")
        for job_id in list(found.values_list("pk", flat=True)[:free]):
            execution = Execution(job_id)
            thread = threading.Thread(target=self._execute, args=(execution,), name=f"job-{job_id}", daemon=True)
            self._running[job_id] = execution, thread
            thread.start()

    def _execute(self, execution: Execution) -> None:
        try:
            execution.run()
        except Exception:
            logger.exception("job %s was lost", execution.job_id)
        finally:
            connections.close_all()
            wake.runner()

    def _stop_canceled(self) -> None:
        if not self._running:
            return
        canceled = Job.objects.filter(pk__in=self._running, status="canceling").values_list("pk", flat=True)
        deleted = set(self._running) - set(Job.objects.filter(pk__in=self._running).values_list("pk", flat=True))
        for job_id in {*canceled, *deleted}:
            self._running[job_id][0].stop()

    def _after_push(self, push: spool.Push) -> None:
        project = Project.objects.select_related("namespace").filter(pk=push.project_id).first()
        if project is not None:
            protection.settle_default_branch(project)
            with transaction.atomic():
                if hold_project(pk=project.pk) is not None:
                    events.record(project, push)
                    pushes.announce(project, push)
            with contextlib.suppress(GitError):
                run(
                    repository.path_of(project.pk), "-c", "gc.auto=6700", "-c", "gc.autoDetach=false",
                    "-c", "gc.pruneExpire=never", "gc", "--auto", "--quiet",
                )  # fmt: skip
        push.path.unlink(missing_ok=True)

    def _recover(self) -> None:
        """Jobs that a killed runner left behind: their processes are ended, then they are failed or canceled."""
        for job in Job.objects.filter(status__in=("running", "canceling")):
            if job.pid is not None and processes.is_same(job.pid, job.pid_started_at_ticks):
                processes.end_group(job.pid)
            processes.end_marked(job.token_digest)
            traces.append_notice(job.pk, LOST)
            transitions.finish_job(job.pk, exit_code=None, failure_reason="runner_system_failure")
        shutil.rmtree(configuration.home() / "jobs", ignore_errors=True)
        repository.remove_leftovers(set(Project.objects.values_list("pk", flat=True)))
        for pipeline_id in Pipeline.objects.filter(status__in=("created", "pending", "running")).values_list(
            "pk", flat=True
        ):
            transitions.advance(pipeline_id)
        logger.info("the forge's runner is ready (pid %s)", os.getpid())

    def _end(self) -> None:
        """Ends what runs. Its jobs fail, and say why."""
        for execution, _thread in self._running.values():
            execution.stop("runner_system_failure")
        deadline = time.monotonic() + STOP_WAIT_S
        for _execution, thread in self._running.values():
            thread.join(max(deadline - time.monotonic(), 0))
